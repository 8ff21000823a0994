#include "base/time_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace keyhold {
namespace {

std::string rfc3339(UnixMillis time_ms) { return std::string(std::string_view(format_rfc3339(time_ms))); }

TEST(FormatRfc3339, IsAsGoPrintsIt) {
  EXPECT_EQ(rfc3339(1'700'000'000'123), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(rfc3339(1'700'000'000'120), "2023-11-14T22:13:20.12Z");
  EXPECT_EQ(rfc3339(1'700'000'000'007), "2023-11-14T22:13:20.007Z");
  EXPECT_EQ(rfc3339(1'709'164'800'000), "2024-02-29T00:00:00Z");
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z");
}

TEST(FormatRfc3339, StaysInsideTheYearsThatHaveFourDigits) {
  EXPECT_EQ(rfc3339(std::numeric_limits<UnixMillis>::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(rfc3339(std::numeric_limits<UnixMillis>::min()), "0000-01-01T00:00:00Z");
}

TEST(ParseDuration, TakesSecondsDaysAndGosForm) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"0", 0},        {"3600", 3600},  {"90s", 90},     {"1h30m", 5400},  {"1h0m0s", 3600}, {"1.5h", 5400},
      {".5m", 30},     {"1.m", 60},     {"1500ms", 1},   {"999ms", 0},     {"2d", 172'800},  {"1m1m", 120},
      {"1000000us", 1}, {"1000000\u00b5s", 1}, {"1000000\u03bcs", 1}, {"1999999999ns", 1}, {"0.01666666666666666667h", 59},
      {"2562047h47m16s", 9'223'372'036}, {"9223372036", 9'223'372'036},
  };
  for (const auto& [text, seconds] : cases) {
    const auto parsed = parse_duration_s(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, seconds) << text;
  }
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", " ", "-1", "-1s", "+1s", "1 s", "1S", "h", ".", ".s", "1.2.3s", "1h30", "d", "1.5d", "1d1h", "0x10",
                           "1e3", "1e3s", "9223372037", "18446744073709551616", "2562048h", "106752d",
                           "99999999999999999999h", "2562047h47m17s", "s1"}) {
    const auto parsed = parse_duration_s(text);
    EXPECT_FALSE(parsed.ok()) << text;
  }
}

TEST(FormatDuration, IsAsGoPrintsIt) {
  EXPECT_EQ(format_duration_s(0), "0s");
  EXPECT_EQ(format_duration_s(45), "45s");
  EXPECT_EQ(format_duration_s(60), "1m0s");
  EXPECT_EQ(format_duration_s(3600), "1h0m0s");
  EXPECT_EQ(format_duration_s(2'764'800), "768h0m0s");
  EXPECT_EQ(format_duration_s(-90), "-1m30s");
  EXPECT_EQ(format_duration_s(std::numeric_limits<std::int64_t>::min()), "-2562047788015215h30m8s");
}

TEST(FormatDuration, ReadsBack) {
  for (std::int64_t duration_s = 0; duration_s < 10'000'000; duration_s = duration_s * 5 / 4 + 1) {
    EXPECT_EQ(parse_duration_s(format_duration_s(duration_s)).value(), duration_s);
  }
}

}  // namespace
}  // namespace keyhold
