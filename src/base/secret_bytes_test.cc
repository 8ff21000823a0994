#include "base/secret_bytes.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <thread>
#include <vector>

#include "base/memory_test_util.h"
#include "base/mutex.h"
#include "base/secret_pool.h"

namespace keyhold {
namespace {

using testing::mapping_of;
using testing::raw_memory;

const std::string kMarker = "hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2";

std::string zeros(std::size_t size) { return std::string(size, '\0'); }

TEST(SecretBytes, WipesWhatItFrees) {
  const char* address = nullptr;
  {
    const auto secret = SecretBytes::copy_of(kMarker);
    address = secret.reveal().data();
    ASSERT_EQ(raw_memory(address, kMarker.size()), kMarker);
  }
  // The first bytes may link free blocks.
  EXPECT_EQ(raw_memory(address + sizeof(void*), kMarker.size() - sizeof(void*)),
            zeros(kMarker.size() - sizeof(void*)));
}

TEST(SecretBytes, WipesWhatItShrinksBy) {
  auto secret = SecretBytes::copy_of(kMarker);
  secret.resize(8);
  EXPECT_EQ(raw_memory(secret.reveal().data(), kMarker.size()), kMarker.substr(0, 8) + zeros(kMarker.size() - 8));
  secret.clear();
  EXPECT_EQ(raw_memory(secret.reveal().data(), kMarker.size()), zeros(kMarker.size()));
}

TEST(SecretBytes, WipesTheOldPlaceWhenItGrows) {
  auto secret = SecretBytes::copy_of(kMarker);
  const char* const before = secret.reveal().data();
  secret.append(std::string(secret.capacity(), 'x'));
  ASSERT_NE(secret.reveal().data(), before);
  EXPECT_EQ(raw_memory(before + sizeof(void*), kMarker.size() - sizeof(void*)),
            zeros(kMarker.size() - sizeof(void*)));
  EXPECT_TRUE(secret.reveal().starts_with(kMarker));
}

TEST(SecretBytes, WipesWhatAMoveReplaces) {
  auto secret = SecretBytes::copy_of(kMarker);
  const char* const before = secret.reveal().data();
  secret = SecretBytes::copy_of("other");
  EXPECT_EQ(raw_memory(before + sizeof(void*), kMarker.size() - sizeof(void*)),
            zeros(kMarker.size() - sizeof(void*)));
}

TEST(SecretBytes, UnmapsLargeSizes) {
  const char* address = nullptr;
  {
    const auto secret = SecretBytes::copy_of(std::string(secret_pool::kPooledBytesMax + 1, 's'));
    address = secret.reveal().data();
    ASSERT_EQ(raw_memory(address, 1), "s");
  }
  EXPECT_EQ(raw_memory(address, 1), std::nullopt);
}

TEST(SecretBytes, GrowsByZeroBytesWhateverWasThere) {
  for (std::size_t size = 1; size <= 4 * secret_pool::kPooledBytesMax; size = size * 3 / 2 + 1) {
    { const auto dirty = SecretBytes::copy_of(std::string(size, 'x')); }
    auto secret = SecretBytes::zeroed(size);
    EXPECT_EQ(secret.reveal(), zeros(size));
    secret.writable()[size - 1] = 'y';
    secret.resize(size - 1);
    secret.resize(secret.capacity());
    EXPECT_EQ(secret.reveal(), zeros(secret.capacity()));
  }
}

TEST(SecretBytes, AtLeastDoublesWhenItGrows) {
  SecretBytes secret;
  std::size_t before = 0;
  while (before < 1024 * 1024) {
    if (secret.size() == secret.capacity()) before = secret.capacity();
    secret.push_back('x');
    EXPECT_GE(secret.capacity(), 2 * before);
    secret.resize(secret.capacity());
  }
}

TEST(SecretBytes, MovesWithoutCopying) {
  auto first = SecretBytes::copy_of(kMarker);
  const char* const address = first.reveal().data();
  SecretBytes second = std::move(first);
  EXPECT_EQ(second.reveal().data(), address);
  EXPECT_EQ(second.clone().reveal(), kMarker);
  EXPECT_NE(second.clone().reveal().data(), address);
}

TEST(SecretBytesDeathTest, RefusesSizesPastTheAddressSpace) {
  volatile std::size_t most = std::numeric_limits<std::size_t>::max();  // Unknown to the compiler, which would warn.
  auto secret = SecretBytes::copy_of("x");
  EXPECT_DEATH(secret.resize(most), "CHECK failed");
  EXPECT_DEATH(secret.reserve(most / 2 + 1), "CHECK failed");
  EXPECT_DEATH(secret.append(std::string_view("x", most)), "CHECK failed");
}

TEST(SecretPool, IsExcludedFromDumps) {
  for (const std::size_t size : {std::size_t{1}, secret_pool::kPooledBytesMax, std::size_t{1} << 20}) {
    const auto secret = SecretBytes::zeroed(size);
    const auto mapping = mapping_of(secret.reveal().data());
    ASSERT_TRUE(mapping);
    EXPECT_TRUE(mapping->has("dd")) << mapping->flags;
  }
  EXPECT_TRUE(secret_pool::excluded_from_dumps());
}

TEST(SecretPool, UsesTheBlocksOfEndedThreadsAgain) {
  constexpr int kThreads = 50;
  constexpr int kBlocks = 100;
  std::set<const char*> addresses;
  for (int i = 0; i < kThreads; ++i) {
    std::thread([&] {
      std::vector<SecretBytes> held;
      for (int block = 0; block < kBlocks; ++block) {
        held.push_back(SecretBytes::zeroed(3000));
        addresses.insert(held.back().reveal().data());
      }
    }).join();
  }
  EXPECT_LE(addresses.size(), 2u * kBlocks);
}

TEST(SecretPool, ServesThreadLocalsThatOutliveItsCache) {
  std::thread([] {
    thread_local SecretBytes last_to_die;
    last_to_die.clear();
    last_to_die.append("x");
  }).join();
}

TEST(SecretPool, KeepsBlocksApartWhenThreadsExchangeThem) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  constexpr std::size_t kHeldMax = 64;
  Mutex mutex;
  std::vector<SecretBytes> shared;
  const auto work = [&](unsigned thread) {
    std::size_t size = thread + 1;
    for (int round = 0; round < kRounds; ++round) {
      size = size * 7 % 9001 + 1;
      const char fill = static_cast<char>('a' + size % 26);
      SecretBytes made = SecretBytes::zeroed(size);
      EXPECT_EQ(made.reveal().find_first_not_of('\0'), std::string_view::npos);
      std::memset(made.writable().data(), fill, size);
      SecretBytes taken;
      {
        const MutexLock lock(mutex);
        shared.push_back(std::move(made));
        std::swap(shared[size % shared.size()], shared.back());
        if (shared.size() > kHeldMax) {
          taken = std::move(shared.back());
          shared.pop_back();
        }
      }
      if (taken.empty()) continue;
      EXPECT_EQ(taken.reveal(), std::string(taken.size(), static_cast<char>('a' + taken.size() % 26)));
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace keyhold
