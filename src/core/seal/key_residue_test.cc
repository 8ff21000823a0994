#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/sanitizer_test_util.h"
#include "core/seal/seal_manager.h"
#include "core/seal/testing_storage.h"

namespace keyhold::core {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr char kMask = 0x5a;
using Masked = std::array<char, kKeyBytes>;

/// Remembers every key that was drawn, masked, so that the memory of the test itself does not hold it.
class RecordingRng final : public crypto::Rng {
 public:
  void fill(std::span<char> out) override {
    os_.fill(out);
    if (out.size() != kKeyBytes) return;
    Masked& masked = drawn.emplace_back();
    for (std::size_t i = 0; i < kKeyBytes; ++i) masked[i] = static_cast<char>(out[i] ^ kMask);
  }
  std::vector<Masked> drawn;

 private:
  crypto::OsRng os_;
};

bool holds_at(const char* at, const Masked& masked) {
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    if (static_cast<char>(at[i] ^ kMask) != masked[i]) return false;
  }
  return true;
}

/// Counts the keys in all writable memory of this process. The kernel does not let anyone read secret memory through
/// /proc, so that is looked at directly.
class MemoryScan {
 public:
  MemoryScan() : file_(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)), chunk_(kChunkBytes) {}
  ~MemoryScan() {
    if (file_ >= 0) close(file_);
  }
  bool possible() const { return file_ >= 0; }

  int count(const std::vector<Masked>& keys) {
    int found = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      unsigned long begin = 0;
      unsigned long end = 0;
      char mode[5] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3 || mode[0] != 'r' || mode[1] != 'w') continue;
      if (line.find("secretmem") != std::string::npos) {
        found += count_in(reinterpret_cast<const char*>(begin), end - begin, keys);
      } else {
        found += count_in_mapping(begin, end, keys);
      }
    }
    return found;
  }

 private:
  static constexpr std::size_t kChunkBytes = 1024 * 1024;

  static int count_in(const char* memory, std::size_t size, const std::vector<Masked>& keys) {
    int found = 0;
    for (const Masked& key : keys) {
      const char first = static_cast<char>(key[0] ^ kMask);
      for (std::size_t at = 0; at + kKeyBytes <= size; ++at) {
        const void* candidate = std::memchr(memory + at, first, size - kKeyBytes + 1 - at);
        if (candidate == nullptr) break;
        at = static_cast<std::size_t>(static_cast<const char*>(candidate) - memory);
        if (holds_at(memory + at, key)) ++found;
      }
    }
    return found;
  }

  int count_in_mapping(unsigned long begin, unsigned long end, const std::vector<Masked>& keys) {
    int found = 0;
    const auto chunk = reinterpret_cast<unsigned long>(chunk_.data());
    // Chunks overlap, so that a key across two of them is seen.
    for (unsigned long at = begin; at < end; at += kChunkBytes - kKeyBytes) {
      const std::size_t size = std::min<unsigned long>(kChunkBytes, end - at);
      if (at < chunk + kChunkBytes && at + size > chunk) continue;  // The scanner's own buffer.
      const ssize_t got = pread(file_, chunk_.data(), size, static_cast<off_t>(at));
      if (got > 0) found += count_in(chunk_.data(), static_cast<std::size_t>(got), keys);
    }
    return found;
  }

  int file_;
  std::vector<char> chunk_;
};

TEST(KeyResidue, NoKeyIsInMemoryAfterSealing) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's shadow memory is too large to scan, and its quarantine is not wiped";
  MemoryScan scan;
  if (!scan.possible()) GTEST_SKIP() << "/proc/self/mem cannot be opened here";

  RecordingRng rng;
  FakeClock clock;
  SpoiledStorage storage(clock);
  Barrier barrier(rng);
  SealManager manager(storage, barrier, rng, clock);
  auto made = manager.initialize(5, 3);
  ASSERT_TRUE(made.ok());
  ASSERT_GE(rng.drawn.size(), 4u) << "root key, unseal key, derivation secret, first term";
  EXPECT_EQ(scan.count(rng.drawn), 0) << "initialising leaves no key behind";

  for (int i = 0; i < 3; ++i) ASSERT_TRUE(manager.unseal(made->shares[i]).ok());
  ASSERT_FALSE(barrier.sealed());
  EXPECT_GT(scan.count(rng.drawn), 0) << "the scan does not find the keys that are in use";
  EXPECT_EQ(scan.count({rng.drawn[1]}), 0) << "the unseal key is not needed once it is open";

  const auto entry = barrier.encrypt("nkey", "value");
  ASSERT_TRUE(entry.ok());
  ASSERT_TRUE(barrier.decrypt("nkey", *entry).ok());
  ASSERT_TRUE(barrier.derive("purpose").ok());

  const Masked root_key = rng.drawn[0];
  {
    const auto records = [&] {
      const auto entry_of = [&](std::string_view key) { return **storage.get(key); };
      return SealManager::Records{entry_of(seal_records::kConfigKey), entry_of(seal_records::kRootKeyKey), entry_of(seal_records::kKeyringKey)};
    };
    const auto apply = [&](Result<std::vector<SealManager::Write>> writes) {
      ASSERT_TRUE(writes.ok());
      for (SealManager::Write& write : *writes) storage.overwrite(write.key, std::move(write.record));
      ASSERT_TRUE(manager.follow().ok());
    };
    const std::size_t before = rng.drawn.size();
    auto next = manager.make_seal(3, 2);
    ASSERT_TRUE(next.ok());
    apply(manager.rekey(records(), *next));
    apply(manager.rotate(records().keyring));
    ASSERT_GE(rng.drawn.size(), before + 3) << "unseal key, root key, term";
    EXPECT_EQ(scan.count({root_key}), 0) << "the former root key";
    EXPECT_GT(scan.count({rng.drawn[before]}), 0) << "the new unseal key is held by its maker";
    next->unseal_key = {};
    EXPECT_EQ(scan.count({rng.drawn[before]}), 0) << "and by nobody else";
  }
  manager.seal();
  EXPECT_EQ(scan.count(rng.drawn), 0) << "sealing leaves no key behind";
}

}  // namespace
}  // namespace keyhold::core
