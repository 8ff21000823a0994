#include "core/token_ttl.h"

#include <gtest/gtest.h>

namespace keyhold::core {
namespace {

constexpr TtlBounds kBounds{.default_s = 3600, .max_s = 7200};
constexpr UnixMillis kMade = 1'000'000'000;

GrantedTtl granted(const TtlWish& wish, UnixMillis now_ms = kMade) {
  auto made = grant_ttl(wish, kBounds, now_ms);
  EXPECT_TRUE(made.ok());
  return made.ok() ? std::move(*made) : GrantedTtl();
}

TEST(Ttl, IsAsAskedElseTheDefault) {
  EXPECT_EQ(granted({.made_ms = kMade}).left_s(kMade), 3600);
  EXPECT_EQ(granted({.ttl_s = 60, .made_ms = kMade}).left_s(kMade), 60);
  EXPECT_TRUE(granted({.ttl_s = 60, .made_ms = kMade}).warnings.empty());
}

TEST(Ttl, NeverPassesTheMaximumAndSaysSo) {
  const GrantedTtl capped = granted({.ttl_s = 10'000, .made_ms = kMade});
  EXPECT_EQ(capped.left_s(kMade), 7200);
  ASSERT_EQ(capped.warnings.size(), 1u);
  EXPECT_EQ(capped.warnings[0], "TTL of \"2h46m40s\" exceeded the effective max_ttl of \"2h0m0s\"; TTL value is capped accordingly");
  EXPECT_EQ(granted({.ttl_s = 60, .explicit_max_s = 30, .made_ms = kMade}).left_s(kMade), 30);
  EXPECT_EQ(granted({.ttl_s = 10'000, .explicit_max_s = 9'000, .made_ms = kMade}).left_s(kMade), 7200) << "the mount's still holds";
  EXPECT_EQ(granted({.ttl_s = 9'223'372'036, .made_ms = kMade}).left_s(kMade), 7200);
}

TEST(Ttl, ARenewalCountsFromNowAndItsMaximumFromTheBeginning) {
  EXPECT_EQ(granted({.ttl_s = 60, .made_ms = kMade}, kMade + 1'000'000).expires_ms, kMade + 1'060'000);
  EXPECT_EQ(granted({.ttl_s = 3600, .made_ms = kMade}, kMade + 7'000'000).expires_ms, kMade + 7'200'000);
  EXPECT_EQ(granted({.ttl_s = 3600, .explicit_max_s = 100, .made_ms = kMade}, kMade + 90'000).expires_ms, kMade + 100'000);
}

// CVE-2021-32923: within a second of the maximum what was left became 0, which meant for ever.
TEST(Ttl, CloseToItsMaximumItStillEnds) {
  for (const std::int64_t left_ms : {1, 500, 999, 1000}) {
    const GrantedTtl last = granted({.ttl_s = 3600, .made_ms = kMade}, kMade + 7'200'000 - left_ms);
    EXPECT_EQ(last.expires_ms, kMade + 7'200'000) << left_ms;
  }
  for (const std::int64_t past_ms : {0, 1, 5'000}) {
    const auto refused = grant_ttl({.ttl_s = 3600, .made_ms = kMade}, kBounds, kMade + 7'200'000 + past_ms);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.code(), Code::kInvalid);
  }
}

TEST(Ttl, APeriodIsGivenAnewForEver) {
  const TtlWish wish{.ttl_s = 5, .period_s = 600, .made_ms = kMade};
  EXPECT_EQ(granted(wish).left_s(kMade), 600);
  const UnixMillis years = kMade + 1'000'000'000'000;
  EXPECT_EQ(granted(wish, years).left_s(years), 600);
  const GrantedTtl capped = granted({.period_s = 10'000, .made_ms = kMade});
  EXPECT_EQ(capped.left_s(kMade), 7200);
  EXPECT_EQ(capped.warnings.size(), 1u);
}

TEST(Ttl, AnExplicitMaximumEndsAPeriod) {
  const TtlWish wish{.period_s = 600, .explicit_max_s = 1000, .made_ms = kMade};
  EXPECT_EQ(granted(wish, kMade + 500'000).expires_ms, kMade + 1'000'000);
  EXPECT_FALSE(grant_ttl(wish, kBounds, kMade + 1'000'000).ok());
}

}  // namespace
}  // namespace keyhold::core
