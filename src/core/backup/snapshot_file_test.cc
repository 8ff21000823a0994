#include "core/backup/snapshot_file.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "storage/memory_storage.h"

namespace keyhold::core::backup {
namespace {

std::shared_ptr<const SpoolFile> file_of(std::string_view bytes) {
  auto file = SpoolFile::create("").value();
  CHECK(file->append(bytes).ok());
  return file;
}

class SnapshotFileTest : public ::testing::Test {
 protected:
  static SnapshotKeys keys_of(crypto::Rng& rng) {
    return {crypto::HmacSha256(rng.key(32)), crypto::Ed25519Signer::from_seed(rng.key(32)).value()};
  }
  void put(std::string key, std::string value) {
    storage::Batch batch;
    batch.operations.push_back(storage::put(std::move(key), std::move(value)));
    ASSERT_TRUE(static_cast<storage::Storage&>(store_).commit(std::move(batch)).ok());
  }
  std::string snapshot() {
    const auto view = store_.view().value();
    manifest_.at = view->at();
    std::string bytes;
    const auto written = write_snapshot(*view, manifest_, keys_, [&bytes](std::string_view part) -> Result<void> {
      bytes.append(part);
      return {};
    });
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(written->bytes, bytes.size());
    return bytes;
  }
  static Code refusal(std::string_view bytes, const SnapshotKeys* keys) {
    const auto verified = verify_snapshot(file_of(bytes), keys);
    EXPECT_FALSE(verified.ok());
    return verified.code();
  }

  FakeClock clock_;
  crypto::SeededRng rng_{7};
  storage::MemoryStorage store_{clock_};
  SnapshotKeys keys_ = keys_of(rng_);
  Manifest manifest_{.id = std::string(32, 'a'),
                     .store_id = std::string(16, 's'),
                     .at = 0,
                     .created_ms = 1'700'000'000'000,
                     .keyhold_version = "1.2.3",
                     .seal_type = "shamir",
                     .shares = 5,
                     .threshold = 3,
                     .active_term = 2};
};

TEST_F(SnapshotFileTest, HoldsEveryEntryOnce) {
  std::map<std::string, std::string> wanted;
  for (int i = 0; i < 3'000; ++i) {
    const std::string key = "key/" + std::to_string(i);
    wanted[key] = std::string(static_cast<std::size_t>(i), 'v');
    put(key, wanted[key]);
  }
  const auto file = file_of(snapshot());
  const auto reader = SnapshotReader::open(file, &keys_);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->manifest().seal_type, "shamir");
  EXPECT_EQ((*reader)->manifest().threshold, 3);
  EXPECT_EQ((*reader)->manifest().store_id, manifest_.store_id);
  EXPECT_EQ((*reader)->manifest().at, 3'000u);
  std::map<std::string, std::string> found;
  int sections = 0;
  for (;; ++sections) {
    const auto entries = (*reader)->next();
    ASSERT_TRUE(entries.ok()) << entries.error().message;
    if (entries->empty()) break;
    for (const auto& entry : *entries) EXPECT_TRUE(found.emplace(entry.key, entry.value).second);
  }
  EXPECT_EQ(found, wanted);
  EXPECT_GT(sections, 2);
  EXPECT_EQ((*reader)->entries(), 3'000u);
  EXPECT_EQ((*reader)->public_key(), keys_.signer.public_key());
}

TEST_F(SnapshotFileTest, AnybodyCanVerifyItByItsPublicKey) {
  put("a", "1");
  const auto verified = verify_snapshot(file_of(snapshot()), nullptr);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->public_key, keys_.signer.public_key());
  EXPECT_EQ(verified->entries, 1u);
}

TEST_F(SnapshotFileTest, NoByteOfItMayDifferWhoeverReadsIt) {
  put("a", "1");
  put("b", std::string(300, 'v'));
  const std::string good = snapshot();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    EXPECT_FALSE(verify_snapshot(file_of(bad), &keys_).ok()) << at;
    EXPECT_FALSE(verify_snapshot(file_of(bad), nullptr).ok()) << at;
  }
}

TEST_F(SnapshotFileTest, ACutOneIsRefused) {
  put("a", std::string(100, 'v'));
  const std::string good = snapshot();
  for (std::size_t size = 0; size < good.size(); size += 7) EXPECT_EQ(refusal(good.substr(0, size), &keys_), Code::kInvalid) << size;
}

TEST_F(SnapshotFileTest, OneOfAnotherStoreIsRefusedBeforeItsEntriesAreTold) {
  put("a", "1");
  const std::string of_this = snapshot();
  const SnapshotKeys other = keys_of(rng_);
  const auto reader = SnapshotReader::open(file_of(of_this), &other);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->next().code(), Code::kInvalid);
}

/// Whoever has no key of the store puts together what looks like a snapshot.
TEST_F(SnapshotFileTest, OneThatIsSignedAnewIsNotTheStores) {
  put("a", "1");
  keys_.signer = crypto::Ed25519Signer::from_seed(rng_.key(32)).value();
  const std::string forged = snapshot();
  EXPECT_TRUE(verify_snapshot(file_of(forged), nullptr).ok());
  SnapshotKeys own = keys_of(rng_);
  own.mac = std::move(keys_.mac);
  EXPECT_EQ(refusal(forged, &own), Code::kInvalid);
}

/// A section of another snapshot of the same store.
TEST_F(SnapshotFileTest, PartsOfTwoAreNotOne) {
  put("a", "old");
  const std::string older = snapshot();
  put("a", "new");
  manifest_.id = std::string(32, 'b');
  const std::string newer = snapshot();
  ASSERT_EQ(older.size(), newer.size());
  std::size_t differing = 0;
  std::string mixed = newer;
  const std::size_t section = newer.find("entries/00000000");
  for (std::size_t i = section; i < section + 1024; ++i) {
    differing += mixed[i] != older[i] ? 1 : 0;
    mixed[i] = older[i];
  }
  EXPECT_GT(differing, 0u);
  EXPECT_EQ(refusal(mixed, &keys_), Code::kInvalid);
}

TEST_F(SnapshotFileTest, WhatIsNoneIsRefused) {
  EXPECT_EQ(refusal("", &keys_), Code::kInvalid);
  EXPECT_EQ(refusal("{}", nullptr), Code::kInvalid);
  EXPECT_EQ(refusal(std::string(100'000, '\0'), nullptr), Code::kInvalid);
  EXPECT_EQ(SpoolFile::open("/nowhere").code(), Code::kNotFound);
  EXPECT_EQ(SpoolFile::open("/").code(), Code::kInvalid);
}

}  // namespace
}  // namespace keyhold::core::backup
