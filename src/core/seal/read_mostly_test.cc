#include "core/seal/read_mostly.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace keyhold::core {
namespace {

struct Counted {
  Counted(std::atomic<int>& counter, int number) : alive(counter), value(number) { ++alive; }
  ~Counted() {
    value = -1;
    --alive;
  }
  std::atomic<int>& alive;
  int value;
};

TEST(ReadMostly, PinsWhatIsThere) {
  std::atomic<int> alive{0};
  ReadMostly<Counted> object;
  EXPECT_TRUE(object.empty());
  EXPECT_FALSE(object.pin());
  object.replace(std::make_unique<const Counted>(alive, 1));
  EXPECT_FALSE(object.empty());
  EXPECT_EQ(object.pin()->value, 1);
  object.replace(std::make_unique<const Counted>(alive, 2));
  EXPECT_EQ(object.pin()->value, 2);
  EXPECT_EQ(alive, 1);
  object.replace(nullptr);
  EXPECT_TRUE(object.empty());
  EXPECT_EQ(alive, 0);
}

TEST(ReadMostly, ReplaceWaitsForThePin) {
  std::atomic<int> alive{0};
  ReadMostly<Counted> object;
  object.replace(std::make_unique<const Counted>(alive, 1));
  std::atomic<bool> pinned{false};
  std::atomic<bool> let_go{false};
  std::atomic<bool> replaced{false};
  std::thread reader([&] {
    const auto pin = object.pin();
    pinned = true;
    pinned.notify_all();
    let_go.wait(false);
    EXPECT_FALSE(replaced);
    EXPECT_EQ(pin->value, 1);
  });
  pinned.wait(false);
  std::thread writer([&] {
    object.replace(nullptr);
    replaced = true;
  });
  let_go = true;
  let_go.notify_all();
  reader.join();
  writer.join();
  EXPECT_EQ(alive, 0);
}

TEST(ReadMostly, ReadersNeverSeeADestroyedObject) {
  constexpr int kReaders = 4;
  constexpr int kReplacements = 2000;
  std::atomic<int> alive{0};
  ReadMostly<Counted> object;
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto pin = object.pin();
        ASSERT_TRUE(!pin || pin->value >= 0);
      }
    });
  }
  for (int i = 0; i < kReplacements; ++i) {
    object.replace(i % 3 == 0 ? nullptr : std::make_unique<const Counted>(alive, i));
    ASSERT_LE(alive, 1);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace keyhold::core
