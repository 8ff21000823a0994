#include "core/work_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace keyhold::core {
namespace {

TEST(WorkPool, RunsEverythingOnce) {
  std::atomic<int> ran{0};
  {
    WorkPool pool(4, 10'000);
    for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(pool.submit([&] { ++ran; }).ok());
  }
  EXPECT_EQ(ran, 5'000) << "the queue is run before the end";
}

TEST(WorkPool, AFullQueueRefusesAtOnce) {
  std::latch started(1);
  std::latch go_on(1);
  WorkPool pool(1, 2);
  ASSERT_TRUE(pool.submit([&] {
    started.count_down();
    go_on.wait();
  }).ok());
  started.wait();
  EXPECT_TRUE(pool.submit([] {}).ok());
  EXPECT_TRUE(pool.submit([] {}).ok());
  const auto refused = pool.submit([] {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  go_on.count_down();
}

TEST(WorkPool, UsesAllItsThreads) {
  std::latch all_at_once(3);
  WorkPool pool(3, 8);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.submit([&] { all_at_once.arrive_and_wait(); }).ok());
  pool.shut_down();
}

TEST(WorkPool, RefusesAfterItsEnd) {
  WorkPool pool(1, 1);
  pool.shut_down();
  EXPECT_FALSE(pool.submit([] {}).ok());
  pool.shut_down();
}

TEST(WorkPools, AStuckPoolDoesNotStopTheOthers) {
  std::latch stuck(1);
  WorkPools pools;
  ASSERT_TRUE(pools.of(Cost::kRemote).submit([&] { stuck.wait(); }).ok());
  std::latch ran(2);
  ASSERT_TRUE(pools.of(Cost::kDisk).submit([&] { ran.count_down(); }).ok());
  ASSERT_TRUE(pools.of(Cost::kCpu).submit([&] { ran.count_down(); }).ok());
  ran.wait();
  stuck.count_down();
}

}  // namespace
}  // namespace keyhold::core
