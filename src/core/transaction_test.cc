#include "core/transaction.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/test_support/test_node.h"

namespace keyhold::core {
namespace {

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() { node_.initialize(); }

  static std::string key(std::string_view name) { return keys::name(7, name); }
  static SecretBytes record(std::string_view text) {
    records::NameEntry entry;
    entry.set_secret_id(std::string(text));
    return encode_record(entry);
  }
  void write(std::string_view name, std::string_view text) {
    Transaction tx = node_.transaction();
    tx.put(key(name), record(text));
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  std::string read(std::string_view name) {
    Transaction tx = node_.transaction();
    const auto entry = tx.load<records::NameEntry>(key(name));
    return entry.ok() && *entry != nullptr ? (*entry)->secret_id() : "(absent)";
  }
  storage::Outcome::Kind commit(const Transaction& tx) { return node_.commit(tx).kind; }
  Code prepare_error(const Transaction& tx) {
    const auto commit = tx.prepare(node_.node().barrier());
    return commit.ok() ? Code::kInternal : commit.code();
  }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  test::TestNode node_{store_, clock_, [](Router&, Node&) {}};
};

TEST_F(TransactionTest, WhatWasReadMustNotHaveChanged) {
  write("a", "1");
  Transaction tx = node_.transaction();
  ASSERT_TRUE(tx.get(key("a")).ok());
  tx.put(key("b"), record("2"));
  EXPECT_FALSE(tx.drop_outdated());
  write("a", "1");
  EXPECT_TRUE(tx.drop_outdated());
  EXPECT_EQ(commit(tx), storage::Outcome::Kind::kConflict);
  EXPECT_EQ(read("b"), "(absent)");
}

TEST_F(TransactionTest, AbsenceThatWasReadIsAConditionToo) {
  Transaction tx = node_.transaction();
  ASSERT_FALSE((*tx.get(key("a")))->present());
  tx.put(key("b"), record("2"));
  write("a", "1");
  EXPECT_EQ(commit(tx), storage::Outcome::Kind::kConflict);
}

TEST_F(TransactionTest, WhatWasNotReadMayChange) {
  Transaction tx = node_.transaction();
  tx.put(key("a"), record("2"));
  write("a", "1");
  EXPECT_EQ(commit(tx), storage::Outcome::Kind::kOk);
  EXPECT_EQ(read("a"), "2");
}

TEST_F(TransactionTest, TwoReadsOfAnEntryThatChangesInBetweenConflict) {
  write("a", "1");
  Transaction tx = node_.transaction();
  ASSERT_TRUE(tx.get(key("a")).ok());
  write("a", "2");
  const auto again = tx.get(key("a"));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.code(), Code::kConflict);
}

TEST_F(TransactionTest, TheLastWriteOfAKeyCounts) {
  write("a", "1");
  Transaction tx = node_.transaction();
  tx.put(key("a"), record("2"));
  tx.erase(key("a"));
  tx.erase(key("b"));
  tx.put(key("b"), record("3"));
  EXPECT_EQ(read("a"), "1") << "not before the commit";
  ASSERT_EQ(commit(tx), storage::Outcome::Kind::kOk);
  EXPECT_EQ(read("a"), "(absent)");
  EXPECT_EQ(read("b"), "3");
}

TEST_F(TransactionTest, CachedOnlyDoesNotAskTheStore) {
  write("a", "1");
  Transaction cold(node_.node().cache(), store_, Transaction::Mode::kCachedOnly);
  EXPECT_EQ(cold.get(key("a")).code(), Code::kMiss);
  EXPECT_EQ(cold.list({}).code(), Code::kMiss);
  EXPECT_EQ(read("a"), "1");
  Transaction warm(node_.node().cache(), store_, Transaction::Mode::kCachedOnly);
  EXPECT_TRUE(warm.get(key("a")).ok());
}

TEST_F(TransactionTest, RefusesMoreThanABatchHolds) {
  Transaction many = node_.transaction();
  for (std::size_t i = 0; i <= limits::kStorageOperationsMax; ++i) many.put(key(std::to_string(i)), record("x"));
  EXPECT_EQ(prepare_error(many), Code::kTooLarge);
  Transaction big = node_.transaction();
  big.put(key("a"), SecretBytes::zeroed(limits::kStorageValueBytesMax));
  EXPECT_EQ(prepare_error(big), Code::kTooLarge) << "the barrier's own bytes count";
  node_.node().seal();
  Transaction late = node_.transaction();
  late.put(key("a"), record("x"));
  EXPECT_EQ(prepare_error(late), Code::kSealed);
}

TEST_F(TransactionTest, StagedRecordsGoAheadInBatchesWithinTheBound) {
  Transaction tx = node_.transaction();
  tx.stage(key("mark"), record("m"));
  for (int i = 0; i < 5; ++i) tx.stage(key("part" + std::to_string(i)), SecretBytes::zeroed(256 * 1024));
  tx.erase(key("mark"));
  const auto commit = tx.prepare(node_.node().barrier());
  ASSERT_TRUE(commit.ok());
  ASSERT_GT(commit->staged.size(), 1u);
  std::size_t staged = 0;
  for (const storage::Batch& batch : commit->staged) {
    EXPECT_TRUE(storage::check_batch(batch).ok());
    EXPECT_EQ(batch.conditions.size(), staged == 0 ? 0u : 1u) << "later ones want the mark";
    staged += batch.operations.size();
  }
  EXPECT_EQ(staged, 6u);
}

TEST_F(TransactionTest, WithoutItsMarkWhatWasStagedIsNotAdopted) {
  Transaction tx = node_.transaction();
  tx.stage(key("mark"), record("m"));
  tx.stage(key("part"), SecretBytes::zeroed(10));
  tx.erase(key("mark"));
  tx.put(key("head"), record("h"));
  auto commit = tx.prepare(node_.node().barrier());
  ASSERT_TRUE(commit.ok());
  ASSERT_TRUE(store_.commit(std::move(commit->staged.at(0))).ok());
  Transaction tidy = node_.transaction();
  tidy.erase(key("mark"));
  tidy.erase(key("part"));
  ASSERT_TRUE(node_.commit(tidy).ok());
  EXPECT_EQ(store_.commit(std::move(commit->batch)).kind, storage::Outcome::Kind::kConflict);
  EXPECT_EQ(read("head"), "(absent)");
}

}  // namespace
}  // namespace keyhold::core
