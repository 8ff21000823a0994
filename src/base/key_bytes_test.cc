#include "base/key_bytes.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "base/memory_test_util.h"

namespace keyhold {
namespace {

using testing::mapping_of;
using testing::raw_memory;

const std::string kMarker(32, 'k');

/// Runs `work` in a forked child; whether it returned true.
template <typename Work>
bool holds_in_child(Work&& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(KeyBytes, IsProtectedAsItSays) {
  const KeyBytes key = KeyBytes::copy_of(kMarker);
  const auto mapping = mapping_of(key.reveal().data());
  ASSERT_TRUE(mapping);
  switch (KeyBytes::protection()) {
    case KeyBytes::Protection::kSecretMemory:
      EXPECT_TRUE(mapping->has("lo") && mapping->has("dd") && mapping->has("dc")) << mapping->flags;
      EXPECT_EQ(raw_memory(key.reveal().data(), key.size()), std::nullopt) << "the kernel itself can read it";
      break;
    case KeyBytes::Protection::kLocked:
      EXPECT_TRUE(mapping->has("lo") && mapping->has("dd") && mapping->has("wf")) << mapping->flags;
      break;
    case KeyBytes::Protection::kUnlocked: EXPECT_FALSE(mapping->has("lo")) << mapping->flags; break;
  }
}

TEST(KeyBytes, LiesBetweenGuardPages) {
  const KeyBytes key(32);
  const auto arena = mapping_of(key.reveal().data());
  ASSERT_TRUE(arena);
  for (const std::uintptr_t guard : {arena->begin - 1, arena->end}) {
    const auto mapping = mapping_of(guard);
    ASSERT_TRUE(mapping);
    EXPECT_TRUE(mapping->access.starts_with("---")) << mapping->access;
  }
}

TEST(KeyBytesDeathTest, OverrunningTheArenaIsFatal) {
  const KeyBytes key(32);
  const auto arena = mapping_of(key.reveal().data());
  ASSERT_TRUE(arena);
  EXPECT_DEATH(*reinterpret_cast<volatile char*>(arena->end) = 'x', "");
  EXPECT_DEATH(*reinterpret_cast<volatile char*>(arena->begin - 1) = 'x', "");
}

TEST(KeyBytes, WipesWhatItFrees) {
  const volatile char* address = nullptr;
  {
    const KeyBytes key = KeyBytes::copy_of(kMarker);
    address = key.reveal().data();
    ASSERT_EQ(address[0], 'k');
  }
  for (std::size_t i = 0; i < kMarker.size(); ++i) EXPECT_EQ(address[i], '\0');
}

TEST(KeyBytes, MovesWithoutCopying) {
  KeyBytes first = KeyBytes::copy_of(kMarker);
  const char* const address = first.reveal().data();
  KeyBytes second = std::move(first);
  EXPECT_EQ(second.reveal().data(), address);
  KeyBytes third(8);
  third = std::move(second);
  EXPECT_EQ(third.reveal().data(), address);
  EXPECT_EQ(third.clone().reveal(), kMarker);
  EXPECT_TRUE(KeyBytes(0).empty());
}

TEST(KeyBytes, IsZeroInAForkedChildWhichCannotHarmItsParent) {
  KeyBytes key = KeyBytes::copy_of(kMarker);
  EXPECT_TRUE(holds_in_child([&] {
    if (key.reveal() != std::string(kMarker.size(), '\0')) return false;
    const KeyBytes other = KeyBytes::copy_of("of the child");
    std::memset(key.writable().data(), 'x', key.size());
    key = KeyBytes();
    return other.reveal() == "of the child";
  }));
  EXPECT_EQ(key.reveal(), kMarker);
}

TEST(KeyBytes, CanBeForkedWhileOtherThreadsTakeKeys) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) KeyBytes::copy_of(kMarker);
  });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(holds_in_child([] { return KeyBytes(16).size() == 16; }));
  stop = true;
  busy.join();
}

TEST(KeyBytes, KeepsManyApart) {
  std::vector<KeyBytes> keys;
  for (int round = 0; round < 3; ++round) {
    for (char name = 'a'; name <= 'z'; ++name) keys.push_back(KeyBytes::copy_of(std::string(64, name)));
    for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(keys[i].reveal(), std::string(64, keys[i].reveal()[0]));
    keys.erase(keys.begin(), keys.begin() + 13);
  }
}

TEST(KeyBytesDeathTest, RefusesWhatDoesNotFit) {
  EXPECT_DEATH(KeyBytes(KeyBytes::kKeyBytesMax + 1), "CHECK failed");
  EXPECT_DEATH(
      {
        std::vector<KeyBytes> keys;
        while (true) keys.emplace_back(64);
      },
      "CHECK failed");
}

}  // namespace
}  // namespace keyhold
