#include "core/audit/failure_quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace keyhold::core::audit {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Decision = FailureQuota::Decision;

constexpr MonotonicMillis kStartMs = 1'000'000;

int recorded(FailureQuota& quota, std::string_view source, int failures, MonotonicMillis now_ms) {
  int count = 0;
  for (int i = 0; i < failures; ++i) count += quota.admit(source, now_ms) == Decision::kRecord ? 1 : 0;
  return count;
}

TEST(FailureQuota, RecordsTheFirstFailuresOfASourceThenCounts) {
  FailureQuota quota;
  EXPECT_EQ(recorded(quota, "192.0.2.1", 100, kStartMs), static_cast<int>(FailureQuota::kSourceRecordsMax));
  EXPECT_EQ(recorded(quota, "192.0.2.2", 3, kStartMs), 3);
  const auto summaries = quota.drain(kStartMs + FailureQuota::kWindowMs);
  ASSERT_THAT(summaries, SizeIs(1));
  EXPECT_EQ(summaries[0].source, "192.0.2.1");
  EXPECT_EQ(summaries[0].failures, 100 - FailureQuota::kSourceRecordsMax);
}

TEST(FailureQuota, ANetworkOfIpv6IsOneSource) {
  FailureQuota quota;
  int count = 0;
  for (int i = 1; i <= 100; ++i) count += recorded(quota, "2001:db8::" + std::to_string(i), 1, kStartMs);
  EXPECT_EQ(count, static_cast<int>(FailureQuota::kSourceRecordsMax));
  EXPECT_EQ(recorded(quota, "2001:db8:0:1::1", 1, kStartMs), 1);
  EXPECT_EQ(recorded(quota, "::ffff:192.0.2.1", 1, kStartMs), 1);
  EXPECT_EQ(recorded(quota, "::ffff:192.0.2.2", 5, kStartMs), 5) << "IPv4 in another form";
  const auto summaries = quota.drain_all(kStartMs);
  ASSERT_THAT(summaries, SizeIs(1));
  EXPECT_EQ(summaries[0].source, "2001:db8::/64");
}

TEST(FailureQuota, RecordsAgainInTheNextWindow) {
  FailureQuota quota;
  (void)recorded(quota, "a", 100, kStartMs);
  EXPECT_EQ(recorded(quota, "a", 1, kStartMs + FailureQuota::kWindowMs - 1), 0);
  EXPECT_EQ(recorded(quota, "a", 100, kStartMs + FailureQuota::kWindowMs), static_cast<int>(FailureQuota::kSourceRecordsMax));
}

TEST(FailureQuota, DrainsAtMostOncePerWindow) {
  FailureQuota quota;
  (void)recorded(quota, "a", 100, kStartMs);
  EXPECT_THAT(quota.drain(kStartMs), SizeIs(1));
  (void)recorded(quota, "a", 100, kStartMs + 1);
  EXPECT_THAT(quota.drain(kStartMs + FailureQuota::kWindowMs - 1), IsEmpty());
  EXPECT_THAT(quota.drain_all(kStartMs + FailureQuota::kWindowMs - 1), SizeIs(1));
  EXPECT_THAT(quota.drain(kStartMs + 2 * FailureQuota::kWindowMs), IsEmpty());
}

TEST(FailureQuota, DrainingDoesNotRenewTheAllowance) {
  FailureQuota quota;
  (void)recorded(quota, "a", 100, kStartMs);
  (void)quota.drain_all(kStartMs + 1);
  EXPECT_EQ(recorded(quota, "a", 10, kStartMs + 2), 0);
}

TEST(FailureQuota, SpanIsFromTheFirstToTheLastCounted) {
  FailureQuota quota;
  (void)recorded(quota, "a", static_cast<int>(FailureQuota::kSourceRecordsMax), kStartMs);
  (void)quota.admit("a", kStartMs + 100);
  (void)quota.admit("a", kStartMs + 700);
  EXPECT_EQ(quota.drain_all(kStartMs + 1000)[0].span_ms, 600);
}

TEST(FailureQuota, ManySourcesAreBoundedAndNoFailureIsForgotten) {
  FailureQuota quota;
  constexpr std::uint64_t kFailures = 100'000;
  std::uint64_t records = 0;
  for (std::uint64_t i = 0; i < kFailures; ++i) {
    if (quota.admit("source " + std::to_string(i % 50'000), kStartMs) == Decision::kRecord) ++records;
  }
  (void)quota.admit(std::string(1000, 'x'), kStartMs);
  EXPECT_LE(records, FailureQuota::kRecordsMax);
  const auto summaries = quota.drain(kStartMs + FailureQuota::kWindowMs);
  EXPECT_LE(summaries.size(), FailureQuota::kSourcesMax + 1);
  std::uint64_t counted = 0;
  bool other = false;
  for (const auto& summary : summaries) {
    counted += summary.failures;
    other = other || summary.source == FailureQuota::kOther;
  }
  EXPECT_EQ(records + counted, kFailures + 1);
  EXPECT_TRUE(other);

  // Room again for new sources.
  (void)recorded(quota, "new", 10, kStartMs + FailureQuota::kWindowMs);
  EXPECT_EQ(quota.drain_all(kStartMs + FailureQuota::kWindowMs)[0].source, "new");
}

TEST(FailureQuota, AnyThread) {
  FailureQuota quota;
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> records{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { records += static_cast<std::uint64_t>(recorded(quota, "a", 1000, kStartMs)); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(records, FailureQuota::kSourceRecordsMax);
  EXPECT_EQ(quota.drain_all(kStartMs)[0].failures, 4000 - FailureQuota::kSourceRecordsMax);
}

}  // namespace
}  // namespace keyhold::core::audit
