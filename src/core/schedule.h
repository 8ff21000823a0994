#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace keyhold::core {

/// When a secret is to be rotated, as AWS says it: windows in UTC, in which it begins.
///
///   days          the window opens at midnight, so many days after the day of the last rotation, and closes at the next midnight
///   rate(N days)  the same; rate(N hours) opens with an hour, and closes after one
///   cron(0 H D M W *)  minutes are 0 and years are all; H, D, M and W are lists of numbers, names, ranges and steps, of D and W one is "?";
///                 L is the last day of a month, "FRI#2" its second Friday, "6L" its last. It closes at midnight, or after an hour when there are several a day
///
/// A duration ("3h") closes it earlier or later; it reaches neither the next day nor the next window.
///
/// threads   Any; immutable.
/// source    AWS Secrets Manager user guide, "Schedule expressions in Secrets Manager rotation".
class Schedule {
 public:
  /// As given; what is not given is 0 or empty.
  struct Rules {
    std::int64_t automatically_after_days = 0;
    std::string schedule_expression{};
    std::string duration{};
  };
  /// Without days and expression it is a schedule that never comes.
  /// errors   kInvalid, under AWS's name InvalidParameterException.
  static Result<Schedule> parse(const Rules& rules);

  struct Window {
    UnixMillis begin_ms = 0;  // 0: there is none.
    UnixMillis end_ms = 0;
  };
  /// The first window that opens after `after_ms`, when the secret was last rotated or first given a rule.
  Window next(UnixMillis after_ms) const;

  /// Whether a window that has passed is made up for at once. Windows of cron are when it is allowed; the others say how old a secret may be.
  bool makes_up() const { return kind_ != Kind::kCron; }

 private:
  enum class Kind : std::uint8_t { kNever, kDays, kHours, kCron };
  struct Weekday {
    unsigned day = 0;    // 0 = Sunday.
    unsigned count = 0;  // The n-th of the month; 0 = the last.
  };
  class Parser;

  bool has_day(std::int64_t day) const;  // Days since 1970-01-01.

  Kind kind_ = Kind::kNever;
  std::int64_t every_ = 0;  // Days or hours.
  std::bitset<24> hours_;
  std::bitset<32> month_days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool last_day_ = false;
  std::optional<Weekday> weekday_of_month_;
  std::int64_t duration_hours_ = 0;  // 0 = not given.
};

}  // namespace keyhold::core
