#include "core/conflict_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace keyhold::core {
namespace {

TEST(ConflictQueue, LetsOneInAndTheRestInOrder) {
  ConflictQueue queue;
  std::string order;
  queue.enter("k", [&] { order += 'a'; });
  queue.enter("k", [&] { order += 'b'; });
  queue.enter("k", [&] { order += 'c'; });
  queue.enter("other", [&] { order += 'x'; });
  EXPECT_EQ(order, "ax");
  queue.leave("k");
  EXPECT_EQ(order, "axb");
  queue.leave("k");
  queue.leave("k");
  EXPECT_EQ(order, "axbc");
  queue.enter("k", [&] { order += 'd'; });
  EXPECT_EQ(order, "axbcd") << "empty again";
  queue.leave("nobody");
}

TEST(ConflictQueue, OneAtATimeFromManyThreads) {
  ConflictQueue queue;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        std::atomic<bool> mine{false};
        queue.enter("hot", [&] { mine = true; });
        while (!mine) std::this_thread::yield();
        most = std::max(most.load(), ++inside);
        --inside;
        ++done;
        queue.leave("hot");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 1600);
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace keyhold::core
