// The values of conditions that are more than text.
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>

#include "core/policy/iam_condition.h"

namespace keyhold::core::iam {
namespace {

constexpr std::int64_t kMillisPerSecond = 1'000;
constexpr std::int64_t kMillisPerMinute = 60'000;
constexpr std::int64_t kMillisPerHour = 3'600'000;
constexpr std::size_t kNumberBytesMax = 64;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/// Takes parts off the front of a text; each says whether it was there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool take(char byte) {
    if (!rest_.starts_with(byte)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_number(std::size_t digits, std::int64_t& number) {
    if (rest_.size() < digits) return false;
    number = 0;
    for (const char byte : rest_.substr(0, digits)) {
      if (!is_digit(byte)) return false;
      number = number * 10 + (byte - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  /// Decimals of a second; beyond milliseconds they are dropped.
  bool take_fraction(std::int64_t& millis) {
    if (rest_.empty() || !is_digit(rest_.front())) return false;
    for (std::int64_t place = kMillisPerSecond / 10; !rest_.empty() && is_digit(rest_.front()); place /= 10) {
      millis += place * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return true;
  }

 private:
  std::string_view rest_;
};

bool take_zone(Scanner& scanner, std::int64_t& offset_ms) {
  if (scanner.at_end() || scanner.take('Z')) return true;
  const bool east = scanner.take('+');
  if (!east && !scanner.take('-')) return false;
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (!scanner.take_number(2, hours)) return false;
  scanner.take(':');
  if (!scanner.take_number(2, minutes) || hours > 23 || minutes > 59) return false;
  offset_ms = (hours * kMillisPerHour + minutes * kMillisPerMinute) * (east ? 1 : -1);
  return true;
}

/// What follows the 'T': "12:30", "12:30:15", "12:30:15.25", each with a zone.
bool take_time_of_day(Scanner& scanner, std::int64_t& of_day_ms) {
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  std::int64_t seconds = 0;
  std::int64_t millis = 0;
  std::int64_t offset_ms = 0;
  if (!scanner.take_number(2, hours) || !scanner.take(':') || !scanner.take_number(2, minutes)) return false;
  if (scanner.take(':')) {
    if (!scanner.take_number(2, seconds)) return false;
    if (scanner.take('.') && !scanner.take_fraction(millis)) return false;
  }
  if (hours > 23 || minutes > 59 || seconds > 59 || !take_zone(scanner, offset_ms)) return false;
  of_day_ms = hours * kMillisPerHour + minutes * kMillisPerMinute + seconds * kMillisPerSecond + millis - offset_ms;
  return true;
}

}  // namespace

std::optional<double> parse_condition_number(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !is_digit(digits.front()) || text.size() > kNumberBytesMax) return std::nullopt;  // Neither "inf" nor "nan".
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<UnixMillis> parse_condition_time(std::string_view text) {
  Scanner scanner(text);
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!scanner.take_number(4, year) || !scanner.take('-')) {
    constexpr double kSecondsMax = 253'402'300'799;  // The end of the year 9999.
    const auto seconds = parse_condition_number(text);
    if (!seconds || std::fabs(*seconds) > kSecondsMax) return std::nullopt;
    return std::llround(*seconds * kMillisPerSecond);
  }
  if (!scanner.take_number(2, month) || !scanner.take('-') || !scanner.take_number(2, day)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  std::int64_t of_day_ms = 0;
  if (!date.ok() || (scanner.take('T') && !take_time_of_day(scanner, of_day_ms)) || !scanner.at_end()) return std::nullopt;
  const auto since_epoch = std::chrono::sys_days(date).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count() + of_day_ms;
}

}  // namespace keyhold::core::iam
