#include "core/schedule.h"

#include <gtest/gtest.h>

#include "base/time_format.h"

namespace keyhold::core {
namespace {

constexpr UnixMillis kHourMs = 3'600'000;
constexpr UnixMillis kDayMs = 24 * kHourMs;
constexpr UnixMillis kTuesday = 1'704'153'600'000;  // 2024-01-02T00:00:00Z.

Schedule schedule(Schedule::Rules rules) {
  auto parsed = Schedule::parse(rules);
  EXPECT_TRUE(parsed.ok()) << rules.schedule_expression << " " << rules.duration;
  return parsed.ok() ? std::move(*parsed) : *Schedule::parse({});
}
Schedule expression(std::string text, std::string duration = {}) {
  return schedule({.schedule_expression = std::move(text), .duration = std::move(duration)});
}
/// "BEGIN END", the fifteen characters that tell.
std::string next(const Schedule& of, UnixMillis after_ms) {
  const auto window = of.next(after_ms);
  if (window.begin_ms == 0) return "never";
  const auto shown = [](UnixMillis time_ms) { return std::string(std::string_view(format_rfc3339(time_ms)).substr(0, 13)); };
  return shown(window.begin_ms) + " " + shown(window.end_ms);
}

TEST(Schedule, DaysOpenAtMidnightAndCloseAtTheNext) {
  EXPECT_EQ(next(schedule({.automatically_after_days = 30}), kTuesday + 5 * kHourMs), "2024-02-01T00 2024-02-02T00");
  EXPECT_EQ(next(expression("rate(1 day)"), kTuesday), "2024-01-03T00 2024-01-04T00");
  EXPECT_EQ(next(expression("rate(10 days)", "3h"), kTuesday), "2024-01-12T00 2024-01-12T03");
}

TEST(Schedule, HoursOpenWithAnHour) {
  EXPECT_EQ(next(expression("rate(4 hours)"), kTuesday + 90 * 60'000), "2024-01-02T05 2024-01-02T06");
  EXPECT_EQ(next(expression("rate(4 hours)", "2h"), kTuesday), "2024-01-02T04 2024-01-02T06");
}

TEST(Schedule, CronNamesHoursAndDays) {
  EXPECT_EQ(next(expression("cron(0 8 * * ? *)"), kTuesday), "2024-01-02T08 2024-01-03T00");
  EXPECT_EQ(next(expression("cron(0 8 * * ? *)"), kTuesday + 8 * kHourMs), "2024-01-03T08 2024-01-04T00") << "strictly after";
  EXPECT_EQ(next(expression("cron(0 0/8 * * ? *)"), kTuesday), "2024-01-02T08 2024-01-02T09") << "several a day";
  EXPECT_EQ(next(expression("cron(0 16 ? * SUN *)", "3h"), kTuesday), "2024-01-07T16 2024-01-07T19");
  EXPECT_EQ(next(expression("cron(0 8 1 * ? *)"), kTuesday), "2024-02-01T08 2024-02-02T00");
  EXPECT_EQ(next(expression("cron(0 8 ? * * *)"), kTuesday), "2024-01-02T08 2024-01-03T00") << "of each day of the week";
  EXPECT_EQ(next(expression("cron(0 1 L * ? *)"), kTuesday + 40 * kDayMs), "2024-02-29T01 2024-03-01T00");
  EXPECT_EQ(next(expression("cron(0 1 ? 1/3 2-6 *)"), kTuesday + 30 * kDayMs), "2024-04-01T01 2024-04-02T00");
  EXPECT_EQ(next(expression("cron(0 4 ? * SUN#1 *)"), kTuesday + 7 * kDayMs), "2024-02-04T04 2024-02-05T00");
  EXPECT_EQ(next(expression("cron(0 4 ? * 6L *)"), kTuesday), "2024-01-26T04 2024-01-27T00");
  EXPECT_EQ(next(expression("cron(0 3 29 FEB ? *)"), kTuesday + 100 * kDayMs), "2028-02-29T03 2028-03-01T00");
  EXPECT_EQ(next(expression("cron(0 4 ? 2 SUN#5 *)"), kTuesday), "2032-02-29T04 2032-03-01T00");
}

TEST(Schedule, WithoutARuleItNeverComes) { EXPECT_EQ(next(schedule({}), kTuesday), "never"); }

TEST(Schedule, OnlyCronWaitsForItsNextWindow) {
  EXPECT_TRUE(schedule({.automatically_after_days = 1}).makes_up());
  EXPECT_TRUE(expression("rate(4 hours)").makes_up());
  EXPECT_FALSE(expression("cron(0 8 * * ? *)").makes_up());
}

TEST(Schedule, TheLongestRateIsADayShorterThanTheMostDays) {
  EXPECT_EQ(next(expression("rate(999 days)"), kTuesday), "2026-09-27T00 2026-09-28T00");
  EXPECT_EQ(next(schedule({.automatically_after_days = 1000}), kTuesday), "2026-09-28T00 2026-09-29T00");
}

TEST(Schedule, RefusesWhatIsNone) {
  for (const char* text : {"rate(3 hours)", "cron(0 * * * ? *)", "cron(0 1,22 * * ? *)", "rate(0 days)", "rate(1 week)", "rate(1001 days)", "rate(4)", "rate(4 hours", "rate(-4 hours)", "every day",
                           "cron(5 8 * * ? *)", "cron(0 24 * * ? *)", "cron(0 8 1 * MON *)", "cron(0 8 ? * ? *)", "cron(0 8 30 FEB ? *)",
                           "cron(0 8 * * ? 2030)", "cron(0 8 * * ? ?)", "cron(0 8 * * * *)", "cron(0 8 1 * * *)", "cron(0 8 * * MON *)",
                           "cron(0 8 ? * ? ?)", "cron(0 8 * ? ? *)", "cron(0 ? * * ? *)", "rate(1000 days)", "cron(0 8 * * ?)", "cron(0 8 * FOO ? *)", "cron(0 8-6 * * ? *)", "cron(0 8/0 * * ? *)",
                           "cron(0 8 ? * SUN#6 *)", "cron(0 8 ? * SUN#0 *)", "cron(0 , * * ? *)", "cron()", "rate()"}) {
    EXPECT_FALSE(Schedule::parse({.schedule_expression = text}).ok()) << text;
  }
  for (const std::int64_t days : {-1, 1001}) {
    const auto parsed = Schedule::parse({.automatically_after_days = days});
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().message, "RotationRules.AutomaticallyAfterDays must be within 1-1000.");
    EXPECT_EQ(parsed.error().name, "InvalidParameterException");
  }
  EXPECT_FALSE(Schedule::parse({.automatically_after_days = 1, .schedule_expression = "rate(1 day)"}).ok());
}

TEST(Schedule, AWindowEndsBeforeTheNextDayAndTheNextWindow) {
  EXPECT_FALSE(Schedule::parse({.schedule_expression = "cron(0 22 * * ? *)", .duration = "3h"}).ok());
  EXPECT_FALSE(Schedule::parse({.schedule_expression = "cron(0 0/4 * * ? *)", .duration = "5h"}).ok());
  EXPECT_FALSE(Schedule::parse({.schedule_expression = "rate(4 hours)", .duration = "5h"}).ok());
  EXPECT_TRUE(Schedule::parse({.schedule_expression = "cron(0 0/4 * * ? *)", .duration = "4h"}).ok());
  for (const char* text : {"3", "h", "0h", "25h", "3d", "-3h"}) {
    EXPECT_FALSE(Schedule::parse({.automatically_after_days = 1, .duration = text}).ok()) << text;
  }
}

}  // namespace
}  // namespace keyhold::core
