#include "core/cache/entry_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/seal/testing_storage.h"

namespace keyhold::core {
namespace {

constexpr std::size_t kCacheBytes = 16 * 1024 * 1024;

class EntryCacheTest : public testing::Test {
 protected:
  EntryCacheTest() { unseal(); }

  void unseal() {
    crypto::SeededRng keys(1);
    barrier_.unseal(std::string(Barrier::kStoreIdBytes, 'S'), Keyring::create(keys, 0));
  }
  void write(std::string_view key, std::string_view value) {
    storage_.overwrite(key, std::move(barrier_.encrypt(key, value)).value());
  }
  void erase(std::string_view key) { storage_.overwrite(key, std::nullopt); }

  EntryRef load(std::string_view key) {
    auto entry = cache_.load(key);
    EXPECT_TRUE(entry.ok());
    return std::move(entry).value();
  }
  std::string value_of(std::string_view key) { return std::string(load(key)->value().reveal()); }
  bool is_cached(std::string_view key) {
    const auto entry = cache_.cached(key);
    EXPECT_TRUE(entry.ok() || entry.code() == Code::kMiss);
    return entry.ok();
  }

  crypto::OsRng rng_;
  FakeClock clock_;
  SpoiledStorage storage_{clock_};
  Barrier barrier_{rng_};
  EntryCache cache_{storage_, barrier_, kCacheBytes};
};

TEST_F(EntryCacheTest, RemembersWhatItLoadedAndWhatIsAbsent) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "value");
  EXPECT_FALSE(is_cached("nkey"));
  const EntryRef entry = load("nkey");
  EXPECT_TRUE(entry->present());
  EXPECT_EQ(entry->version(), storage_.get("nkey").value()->version);
  EXPECT_EQ(entry->value().reveal(), "value");
  EXPECT_FALSE(load("nother")->present());

  const int gets = storage_.gets;
  EXPECT_EQ(load("nkey"), entry);
  EXPECT_EQ(*cache_.cached("nkey"), entry);
  EXPECT_FALSE(load("nother")->present());
  EXPECT_EQ((*cache_.cached("nother"))->version(), 0u);
  EXPECT_EQ(storage_.gets, gets);
}

TEST_F(EntryCacheTest, ACommitDropsWhatItChanges) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "old");
  EXPECT_EQ(value_of("nkey"), "old");
  EXPECT_FALSE(load("nother")->present());
  write("nkey", "new");
  write("nother", "new");
  EXPECT_FALSE(is_cached("nkey"));
  EXPECT_EQ(value_of("nkey"), "new");
  EXPECT_EQ(value_of("nother"), "new");
  erase("nkey");
  EXPECT_FALSE(load("nkey")->present());
  EXPECT_TRUE(is_cached("nother"));
}

TEST_F(EntryCacheTest, ALoadThatACommitOvertakesIsNotRemembered) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "old");
  storage_.after_get = [this] { write("nkey", "new"); };
  EXPECT_EQ(value_of("nkey"), "old");
  EXPECT_FALSE(is_cached("nkey"));
  EXPECT_EQ(value_of("nkey"), "new");

  storage_.after_get = [this] { write("nabsent", "there"); };
  EXPECT_FALSE(load("nabsent")->present());
  EXPECT_EQ(value_of("nabsent"), "there");
}

TEST_F(EntryCacheTest, WithoutAWatchItGoesToTheStoreEachTime) {
  write("nkey", "one");
  EXPECT_EQ(value_of("nkey"), "one");
  EXPECT_FALSE(is_cached("nkey"));
  write("nkey", "two");
  EXPECT_EQ(value_of("nkey"), "two");
  EXPECT_EQ(cache_.entries(), 0u);
}

TEST_F(EntryCacheTest, StartingAgainDoesNothing) {
  ASSERT_TRUE(cache_.start().ok());
  storage_.watcher = nullptr;
  ASSERT_TRUE(cache_.start().ok());
  EXPECT_EQ(storage_.watcher, nullptr);
}

TEST_F(EntryCacheTest, AGapInTheWatchEmptiesIt) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "value");
  load("nkey");
  storage_.watcher->on_reset(100);
  EXPECT_EQ(cache_.entries(), 0u);
  EXPECT_EQ(cache_.bytes(), 0u);
  storage_.after_get = [this] { storage_.watcher->on_reset(101); };
  load("nkey");
  EXPECT_FALSE(is_cached("nkey"));
  load("nkey");
  EXPECT_TRUE(is_cached("nkey"));
}

TEST_F(EntryCacheTest, SealedItServesNothingNotEvenFromMemory) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "value");
  load("nkey");
  load("nabsent");
  barrier_.seal_up();
  for (const std::string_view key : {"nkey", "nabsent"}) {
    EXPECT_EQ(cache_.cached(key).code(), Code::kSealed);
    EXPECT_EQ(cache_.load(key).code(), Code::kSealed);
  }
  cache_.purge();
  EXPECT_EQ(cache_.entries(), 0u);
  unseal();
  EXPECT_EQ(value_of("nkey"), "value");
}

TEST_F(EntryCacheTest, ALoadOverAPurgeDoesNotPutItsEntryBack) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "value");
  storage_.after_get = [this] { cache_.purge(); };
  load("nkey");
  EXPECT_EQ(cache_.entries(), 0u);
}

TEST_F(EntryCacheTest, ErrorsAreNotRemembered) {
  ASSERT_TRUE(cache_.start().ok());
  storage_.overwrite("nkey", "not an entry");
  EXPECT_EQ(cache_.load("nkey").code(), Code::kCorrupt);
  storage_.refuse_get = [](std::string_view) { return Error{Code::kUnavailable, "down"}; };
  EXPECT_EQ(cache_.load("nkey").code(), Code::kUnavailable);
  storage_.refuse_get = nullptr;
  EXPECT_EQ(cache_.entries(), 0u);
}

TEST_F(EntryCacheTest, IsBoundedAndKeepsWhatIsAskedFor) {
  constexpr std::size_t kSmallBytes = 1024 * 1024;
  EntryCache small(storage_, barrier_, kSmallBytes);
  ASSERT_TRUE(small.start().ok());
  write("nhot", "value");
  ASSERT_TRUE(small.load("nhot").ok());
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "ncold" + std::to_string(i);
    ASSERT_TRUE(small.load(key).ok());
    ASSERT_LE(small.bytes(), kSmallBytes);
    ASSERT_TRUE(small.cached("nhot").ok()) << i;
  }
  EXPECT_GT(small.entries(), 1000u);
  EXPECT_LT(small.entries(), 5000u);
}

TEST_F(EntryCacheTest, AnEntryOverAShardIsServedButNotRemembered) {
  EntryCache small(storage_, barrier_, 1024 * 1024);
  ASSERT_TRUE(small.start().ok());
  write("nkey", std::string(64 * 1024, 'v'));
  ASSERT_TRUE(small.load("nkey").ok());
  EXPECT_EQ(small.entries(), 0u);
}

Result<std::string> decode(const SecretBytes& value) { return "decoded " + std::string(value.reveal()); }

TEST_F(EntryCacheTest, DecodesOnce) {
  ASSERT_TRUE(cache_.start().ok());
  write("nkey", "value");
  int decodings = 0;
  const auto counted = [&decodings](const SecretBytes& value) {
    ++decodings;
    return decode(value);
  };
  const auto first = load("nkey")->decoded<std::string>(counted);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(**first, "decoded value");
  EXPECT_EQ(*load("nkey")->decoded<std::string>(counted), *first);
  EXPECT_EQ(decodings, 1);
  write("nkey", "new");
  EXPECT_EQ(**load("nkey")->decoded<std::string>(counted), "decoded new");
  EXPECT_EQ(**first, "decoded value") << "outlives its entry";
}

struct Large {
  std::size_t memory_bytes() const { return 10'000; }
};

TEST_F(EntryCacheTest, MemosCountAgainstTheBound) {
  constexpr std::size_t kSmallBytes = 4 * 1024 * 1024;
  EntryCache small(storage_, barrier_, kSmallBytes);
  ASSERT_TRUE(small.start().ok());
  const auto enlarge = [](const SecretBytes&) -> Result<Large> { return Large(); };
  EntryRef held;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "nkey" + std::to_string(i);
    write(key, "v");
    auto entry = small.load(key);
    ASSERT_TRUE(entry.ok());
    ASSERT_TRUE((*entry)->decoded<Large>(enlarge).ok());
    // A memo is made after its entry was let in: one a shard may be too many until the next is.
    ASSERT_LT(small.bytes(), kSmallBytes + 64 * 11'000);
    held = *std::move(entry);
  }
  EXPECT_GT(small.entries(), 200u);
  small.purge();
  EXPECT_GE(small.bytes(), 10'000u);
  held.reset();
  EXPECT_EQ(small.bytes(), 0u);
}

TEST_F(EntryCacheTest, AFailedDecodingIsTriedAgain) {
  write("nkey", "value");
  const EntryRef entry = load("nkey");
  const auto fail = [](const SecretBytes&) -> Result<std::string> { return Error{Code::kCorrupt, "no"}; };
  EXPECT_EQ(entry->decoded<std::string>(fail).code(), Code::kCorrupt);
  EXPECT_TRUE(entry->decoded<std::string>(decode).ok());
}

TEST_F(EntryCacheTest, OneKindOfKeyHasOneDecodedType) {
  write("nkey", "value");
  const EntryRef entry = load("nkey");
  ASSERT_TRUE(entry->decoded<std::string>(decode).ok());
  const auto as_int = [](const SecretBytes&) -> Result<int> { return 1; };
  EXPECT_DEATH(static_cast<void>(entry->decoded<int>(as_int)), "CHECK failed");
}

TEST_F(EntryCacheTest, ThreadsThatDecodeAtOnceShareOneForm) {
  write("nkey", "value");
  for (int round = 0; round < 100; ++round) {
    const EntryRef entry = load("nkey");
    constexpr int kThreads = 4;
    std::array<const std::string*, kThreads> forms{};
    std::vector<std::thread> threads;
    for (auto& form : forms) {
      threads.emplace_back([&entry, &form] { form = entry->decoded<std::string>(decode)->get(); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string* form : forms) ASSERT_EQ(form, forms[0]);
  }
}

// The cache's promise: what a reader gets is never older than what had been acknowledged when it asked.
TEST_F(EntryCacheTest, NoReadIsOlderThanAnAcknowledgedCommit) {
  constexpr int kKeys = 12;
  constexpr int kWriters = 2;
  constexpr int kReaders = 3;
  constexpr int kCommitsAWriter = 4000;
  constexpr std::size_t kSmallBytes = 32 * 1024;  // One entry a shard: eviction takes part.
  storage_.yield_after_get = true;
  EntryCache cache(storage_, barrier_, kSmallBytes);
  ASSERT_TRUE(cache.start().ok());
  std::array<std::atomic<int>, kKeys> acknowledged{};
  const auto key_of = [](int i) { return "nkey" + std::to_string(i); };
  for (int i = 0; i < kKeys; ++i) write(key_of(i), "0");

  std::atomic<bool> stop{false};
  std::atomic<int> hits{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      for (int i = reader; !stop; i = (i + 7) % kKeys) {
        const int before = acknowledged[i];
        if (const auto entry = cache.cached(key_of(i)); entry.ok()) {
          ++hits;
          ASSERT_GE(std::stoi(std::string((*entry)->value().reveal())), before);
        }
        const auto entry = cache.load(key_of(i));
        ASSERT_TRUE(entry.ok());
        const auto number = (*entry)->decoded<int>(
            [](const SecretBytes& value) -> Result<int> { return std::stoi(std::string(value.reveal())); });
        ASSERT_GE(**number, before);
      }
    });
  }
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int commit = 1; commit <= kCommitsAWriter; ++commit) {
        // Each key has one writer, whose numbers only grow.
        const int i = (commit * kWriters + writer) % kKeys;
        write(key_of(i), std::to_string(commit));
        acknowledged[i] = commit;
        if (commit % 1000 == 0) cache.purge();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  while (hits == 0) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace keyhold::core
