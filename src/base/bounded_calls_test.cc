#include "base/bounded_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace keyhold {
namespace {

TEST(BoundedCalls, TellsWhatTheWorkReturns) {
  BoundedCalls calls(60'000);
  EXPECT_EQ(*calls.run<int>([] { return Result<int>(7); }), 7);
  EXPECT_EQ(calls.run<int>([]() -> Result<int> { return Error{Code::kCorrupt, "damaged"}; }).code(), Code::kCorrupt);
}

TEST(BoundedCalls, WaitsOnlySoLongAndGoesOnWhenTheWorkHasReturned) {
  auto release = std::make_shared<std::promise<void>>();
  auto released = release->get_future().share();
  BoundedCalls calls(50);
  EXPECT_EQ(calls.run<int>([released] { return released.wait(), Result<int>(1); }).code(), Code::kUnavailable);
  EXPECT_EQ(calls.run<int>([] { return Result<int>(2); }).code(), Code::kUnavailable) << "the first still runs";
  release->set_value();
  auto last = calls.run<int>([] { return Result<int>(3); });
  for (int i = 0; i < 100 && !last.ok(); ++i) last = calls.run<int>([] { return Result<int>(3); });
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(*last, 3);
}

TEST(BoundedCalls, GivesUpWhenToldTo) {
  std::promise<void> release;
  auto released = release.get_future().share();
  BoundedCalls calls(600'000, [] { return true; });
  EXPECT_EQ(calls.run<int>([released] { return released.wait(), Result<int>(1); }).code(), Code::kUnavailable);
  release.set_value();
}

TEST(BoundedCalls, OneRunsAtATime) {
  BoundedCalls calls(600'000);
  auto inside = std::make_shared<std::atomic<int>>(0);
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&calls, inside] {
      const auto most = calls.run<int>([inside] {
        const int now = ++*inside;
        std::this_thread::yield();
        --*inside;
        return Result<int>(now);
      });
      ASSERT_TRUE(most.ok());
      EXPECT_EQ(*most, 1);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace keyhold
