#include "core/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <vector>

namespace keyhold::core {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kHoursADay = 24;
constexpr std::int64_t kDayMs = kHoursADay * kHourMs;
constexpr std::int64_t kDaysMax = 1000;    // AWS's.
constexpr std::int64_t kRateDaysMax = 999; // The same, of an expression.
constexpr std::int64_t kHoursMax = 999;    // The same.
constexpr std::int64_t kHoursMin = 4;      // The same: nothing rotates more often.
constexpr std::int64_t kLookAheadDays = 40 * 366;  // Round a year like 2100, the next fifth Sunday of a February is 40 years away.
constexpr std::size_t kExpressionBytesMax = 256;  // AWS's.

constexpr std::array<std::string_view, 7> kWeekdays{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), "InvalidParameterException"}; }
Error bad_expression() {
  return invalid(
      "RotationRules.ScheduleExpression must be rate(N days), rate(N hours) or cron(0 hours day-of-month month day-of-week *) with a ? for one of the days, at least four hours apart.");
}
Error bad_duration() {
  return invalid("RotationRules.Duration must be hours such as \"3h\", and end before the next day and the next window.");
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) found.push_back(word);
  }
  return found;
}

/// A field of cron: what its values are called, and from where to where they go.
struct FieldForm {
  std::int64_t least;
  std::int64_t most;
  std::span<const std::string_view> names = {};  // Of `least` and so on.
};

std::optional<std::int64_t> value_of(std::string_view text, const FieldForm& form) {
  for (std::size_t i = 0; i < form.names.size(); ++i) {
    if (text == form.names[i]) return form.least + static_cast<std::int64_t>(i);
  }
  const auto value = number(text);
  if (!value || *value < form.least || *value > form.most) return std::nullopt;
  return value;
}

/// "*", "3", "MON-FRI", "0/8", "1-12/3".
template <typename Set>
bool add_item(std::string_view item, const FieldForm& form, Set& set) {
  std::int64_t step = 1;
  const std::size_t slash = item.find('/');
  if (slash != std::string_view::npos) {
    const auto given = number(item.substr(slash + 1));
    if (!given || *given < 1 || *given > form.most) return false;
    step = *given;
    item = item.substr(0, slash);
  }
  std::int64_t from = form.least;
  std::int64_t to = form.most;
  if (item != "*") {
    const std::size_t dash = item.find('-');
    const auto first = value_of(item.substr(0, dash), form);
    const auto last = dash == std::string_view::npos ? first : value_of(item.substr(dash + 1), form);
    if (!first || !last || *last < *first) return false;
    from = *first;
    to = dash == std::string_view::npos && slash != std::string_view::npos ? form.most : *last;
  }
  for (std::int64_t value = from; value <= to; value += step) set.set(static_cast<std::size_t>(value - form.least));
  return true;
}

template <typename Set>
bool add_list(std::string_view text, const FieldForm& form, Set& set) {
  const auto items = split(text, ',');
  return std::all_of(items.begin(), items.end(), [&](std::string_view item) { return add_item(item, form, set); });
}

}  // namespace

class Schedule::Parser {
 public:
  explicit Parser(Schedule& schedule) : schedule_(schedule) {}

  bool expression(std::string_view text) {
    if (text.size() > kExpressionBytesMax || !text.ends_with(')')) return false;
    text.remove_suffix(1);
    if (text.starts_with("rate(")) return rate(words(text.substr(5)));
    if (text.starts_with("cron(")) return cron(words(text.substr(5)));
    return false;
  }

  bool duration(std::string_view text) {
    if (!text.ends_with('h')) return false;
    const auto hours = number(text.substr(0, text.size() - 1));
    if (!hours || *hours < 1 || *hours > kHoursADay) return false;
    schedule_.duration_hours_ = *hours;
    if (schedule_.kind_ == Kind::kHours) return *hours <= schedule_.every_;
    return schedule_.kind_ != Kind::kCron || fits_between(*hours);
  }

 private:
  bool rate(const std::vector<std::string_view>& parts) {
    const auto every = parts.size() == 2 ? number(parts[0]) : std::nullopt;
    if (!every || *every < 1) return false;
    const bool days = parts[1] == "day" || parts[1] == "days";
    const bool hours = parts[1] == "hour" || parts[1] == "hours";
    if (!days && !hours) return false;
    schedule_.kind_ = days ? Kind::kDays : Kind::kHours;
    schedule_.every_ = *every;
    return days ? *every <= kRateDaysMax : *every >= kHoursMin && *every <= kHoursMax;
  }

  bool cron(const std::vector<std::string_view>& parts) {
    if (parts.size() != 6 || parts[0] != "0" || parts[5] != "*") return false;
    schedule_.kind_ = Kind::kCron;
    if (!add_list(parts[1], {0, 23}, schedule_.hours_) || !far_apart(schedule_.hours_)) return false;
    std::bitset<12> months;
    if (!add_list(parts[3], {1, 12, kMonths}, months)) return false;
    for (std::size_t i = 0; i < months.size(); ++i) schedule_.months_.set(i + 1, months[i]);
    // Days of the month and of the week: it goes by the one that is not "?".
    const bool by_week = parts[2] == "?";
    if (by_week == (parts[4] == "?")) return false;
    if (!(by_week ? weekdays(parts[4]) : month_days(parts[2]))) return false;
    return schedule_.next(0).begin_ms != 0;  // There is no 30 February.
  }

  /// Round the clock, since one day may follow another.
  static bool far_apart(const std::bitset<24>& hours) {
    for (std::size_t hour = 0; hour < hours.size(); ++hour) {
      for (std::size_t later = 1; hours[hour] && later < static_cast<std::size_t>(kHoursMin); ++later) {
        if (hours[(hour + later) % hours.size()]) return false;
      }
    }
    return true;
  }

  bool month_days(std::string_view text) {
    schedule_.weekdays_.set();
    if (text == "L") return schedule_.last_day_ = true;
    std::bitset<31> days;
    if (!add_list(text, {1, 31}, days)) return false;
    for (std::size_t i = 0; i < days.size(); ++i) schedule_.month_days_.set(i + 1, days[i]);
    return true;
  }

  bool weekdays(std::string_view text) {
    const FieldForm form{1, 7, kWeekdays};
    schedule_.month_days_.set();
    const std::size_t hash = text.find('#');
    const bool last = text.size() > 1 && text.ends_with('L');
    if (hash == std::string_view::npos && !last) {
      if (text == "L") text = "SAT";
      return add_list(text, form, schedule_.weekdays_);
    }
    const auto day = value_of(last ? text.substr(0, text.size() - 1) : text.substr(0, hash), form);
    const auto count = last ? std::optional<std::int64_t>(0) : number(text.substr(hash + 1));
    if (!day || !count || *count > 5 || (*count == 0 && !last)) return false;
    schedule_.weekday_of_month_ = Weekday{static_cast<unsigned>(*day - 1), static_cast<unsigned>(*count)};
    return true;
  }

  /// A window of so many hours ends before the day does and before the next begins.
  bool fits_between(std::int64_t hours) const {
    std::int64_t before = -kHoursADay;
    for (std::int64_t hour = 0; hour <= kHoursADay; ++hour) {
      if (hour < kHoursADay && !schedule_.hours_[static_cast<std::size_t>(hour)]) continue;
      if (before >= 0 && hour - before < hours) return false;
      before = hour;
    }
    return true;
  }

  Schedule& schedule_;
};

Result<Schedule> Schedule::parse(const Rules& rules) {
  Schedule schedule;
  Parser parser(schedule);
  const bool days = rules.automatically_after_days != 0;
  if (days && !rules.schedule_expression.empty()) {
    return invalid("You can't specify both RotationRules.AutomaticallyAfterDays and RotationRules.ScheduleExpression.");
  }
  if (days) {
    if (rules.automatically_after_days < 1 || rules.automatically_after_days > kDaysMax) {
      return invalid("RotationRules.AutomaticallyAfterDays must be within 1-1000.");
    }
    schedule.kind_ = Kind::kDays;
    schedule.every_ = rules.automatically_after_days;
  } else if (!rules.schedule_expression.empty() && !parser.expression(rules.schedule_expression)) {
    return bad_expression();
  }
  if (!rules.duration.empty() && (schedule.kind_ == Kind::kNever || !parser.duration(rules.duration))) return bad_duration();
  return schedule;
}

bool Schedule::has_day(std::int64_t day) const {
  const std::chrono::sys_days date{std::chrono::days(day)};
  const std::chrono::year_month_day parts(date);
  const unsigned month_day = static_cast<unsigned>(parts.day());
  if (!months_[static_cast<unsigned>(parts.month())]) return false;
  const unsigned last = static_cast<unsigned>(std::chrono::year_month_day_last(parts.year(), std::chrono::month_day_last(parts.month())).day());
  if (last_day_) return month_day == last;
  const unsigned weekday = std::chrono::weekday(date).c_encoding();
  if (weekday_of_month_) {
    if (weekday != weekday_of_month_->day) return false;
    return weekday_of_month_->count == 0 ? month_day + 7 > last : (month_day - 1) / 7 + 1 == weekday_of_month_->count;
  }
  return month_days_[month_day] && weekdays_[weekday];
}

Schedule::Window Schedule::next(UnixMillis after_ms) const {
  const std::int64_t today = after_ms / kDayMs;
  switch (kind_) {
    case Kind::kNever: return {};
    case Kind::kDays: {
      const UnixMillis begin_ms = (today + every_) * kDayMs;
      return {begin_ms, begin_ms + (duration_hours_ == 0 ? kDayMs : duration_hours_ * kHourMs)};
    }
    case Kind::kHours: {
      const UnixMillis begin_ms = (after_ms / kHourMs + every_) * kHourMs;
      return {begin_ms, begin_ms + std::max<std::int64_t>(1, duration_hours_) * kHourMs};
    }
    case Kind::kCron: break;
  }
  const bool several = hours_.count() > 1;
  for (std::int64_t day = today; day <= today + kLookAheadDays; ++day) {
    if (!has_day(day)) continue;
    for (std::int64_t hour = 0; hour < kHoursADay; ++hour) {
      const UnixMillis begin_ms = day * kDayMs + hour * kHourMs;
      if (!hours_[static_cast<std::size_t>(hour)] || begin_ms <= after_ms) continue;
      if (duration_hours_ != 0) return {begin_ms, begin_ms + duration_hours_ * kHourMs};
      return {begin_ms, several ? begin_ms + kHourMs : (day + 1) * kDayMs};
    }
  }
  return {};
}

}  // namespace keyhold::core
