#include "base/time_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <system_error>

namespace keyhold {
namespace {

constexpr std::uint64_t kDurationNsMax = std::numeric_limits<std::int64_t>::max();  // 292 years.
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kSecondsPerDay = 86'400;
constexpr UnixMillis kYear0Ms = -62'167'219'200'000;    // 0000-01-01T00:00:00Z
constexpr UnixMillis kYear9999Ms = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

struct Unit {
  std::string_view name;
  std::uint64_t ns;
};

// A longer name comes before its own prefix ("ms" before "m").
constexpr std::array kUnits{
    Unit{"h", 3'600 * kSecondNs},  Unit{"ms", 1'000'000}, Unit{"m", 60 * kSecondNs}, Unit{"s", kSecondNs},
    Unit{"us", 1'000},             Unit{"\u00b5s", 1'000}, Unit{"\u03bcs", 1'000},   Unit{"ns", 1},
};

std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > kDurationNsMax) return std::nullopt;
  return product;
}

bool is_digit(char character) { return character >= '0' && character <= '9'; }

/// All of `text` as a number.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Takes digits off the front of `text`.
std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

/// The decimal `fraction` of a unit, rounded down.
std::uint64_t fraction_ns(std::string_view fraction, std::uint64_t unit_ns) {
  constexpr std::size_t kDigitsMax = 18;  // A nanosecond is 4e-13 of the largest unit; the product fits 128 bits.
  std::uint64_t digits = 0;
  std::uint64_t scale = 1;
  for (const char digit : fraction.substr(0, kDigitsMax)) {
    digits = 10 * digits + static_cast<std::uint64_t>(digit - '0');
    scale *= 10;
  }
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{digits} * unit_ns / scale);
}

/// Takes one number with its unit ("1.5h") off the front of `text`; in nanoseconds.
std::optional<std::uint64_t> take_term_ns(std::string_view& text) {
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    const std::optional<std::uint64_t> count = whole.empty() ? 0 : whole_number(whole);
    std::optional<std::uint64_t> total = count ? multiply(*count, unit.ns) : std::nullopt;
    if (!total) return std::nullopt;
    *total += fraction_ns(fraction, unit.ns);
    return *total;
  }
  return std::nullopt;
}

}  // namespace

/// The last `count` decimal digits of a number from 0.
void Rfc3339::append_digits(std::int64_t number, std::size_t count) {
  size_ += count;
  for (std::size_t i = 1; i <= count; ++i) {
    text_[size_ - i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

Rfc3339 format_rfc3339(UnixMillis time_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{std::clamp(time_ms, kYear0Ms, kYear9999Ms)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  // By hand: snprintf takes four times as long.
  Rfc3339 text;
  const auto part = [&text](char before, std::int64_t number) {
    text.append(before);
    text.append_digits(number, 2);
  };
  text.append_digits(static_cast<int>(date.year()), 4);
  part('-', static_cast<unsigned>(date.month()));
  part('-', static_cast<unsigned>(date.day()));
  part('T', clock.hours().count());
  part(':', clock.minutes().count());
  part(':', clock.seconds().count());
  if (const auto ms = clock.subseconds().count(); ms != 0) {
    text.append('.');
    text.append_digits(ms, 3);
    while (text.text_[text.size_ - 1] == '0') --text.size_;
  }
  text.append('Z');
  return text;
}

Result<std::int64_t> parse_duration_s(std::string_view text) {
  std::optional<std::uint64_t> total_ns;
  if (const auto seconds = whole_number(text)) {
    total_ns = multiply(*seconds, kSecondNs);
  } else if (text.ends_with('d')) {
    const auto days = whole_number(text.substr(0, text.size() - 1));
    if (days) total_ns = multiply(*days, kSecondsPerDay * kSecondNs);
  } else if (!text.empty()) {
    total_ns = 0;
    while (total_ns && !text.empty()) {
      const auto term_ns = take_term_ns(text);
      total_ns = term_ns && *term_ns <= kDurationNsMax - *total_ns ? std::optional(*total_ns + *term_ns) : std::nullopt;
    }
  }
  if (!total_ns) return Error{Code::kInvalid, "not a duration"};
  return static_cast<std::int64_t>(*total_ns / kSecondNs);
}

std::string format_duration_s(std::int64_t duration_s) {
  const bool negative = duration_s < 0;
  const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(duration_s) : static_cast<std::uint64_t>(duration_s);
  std::string text = negative ? "-" : "";
  if (magnitude >= 3'600) text += std::to_string(magnitude / 3'600) + "h";
  if (magnitude >= 60) text += std::to_string(magnitude / 60 % 60) + "m";
  return text + std::to_string(magnitude % 60) + "s";
}

}  // namespace keyhold
