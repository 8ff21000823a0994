// Rotation and rekeying below any API: what each node and each share opens afterwards.
#include <gtest/gtest.h>

#include <span>

#include "core/seal/seal_manager.h"
#include "core/seal/testing_storage.h"

namespace keyhold::core {
namespace {

using namespace seal_records;

/// One server's seal on a store.
struct Node {
  Node(storage::Storage& storage, crypto::Rng& rng, const Clock& clock)
      : barrier(rng), manager(storage, barrier, rng, clock) {
    EXPECT_TRUE(manager.load().ok());
  }

  bool unseal(std::span<const SecretBytes> shares) {
    for (const SecretBytes& share : shares) {
      const auto status = manager.unseal(share);
      if (!status.ok()) return false;
      if (!status->sealed) return true;
    }
    return false;
  }
  std::string encrypt(std::string_view value) { return barrier.encrypt("nkey", value).value(); }
  std::string decrypt(std::string_view entry) {
    const auto opened = barrier.decrypt("nkey", entry);
    return opened.ok() ? std::string(opened->reveal()) : "(" + opened.error().message + ")";
  }

  Barrier barrier;
  SealManager manager;
};

class KeyChange : public testing::Test {
 protected:
  KeyChange() {
    shares_ = std::move(first_.manager.initialize(3, 2)->shares);
    EXPECT_TRUE(first_.unseal(shares_));
    EXPECT_TRUE(second_.unseal(shares_));
  }

  SealManager::Records records() const {
    const auto entry_of = [this](std::string_view key) { return **storage_.get(key); };
    return {entry_of(kConfigKey), entry_of(kRootKeyKey), entry_of(kKeyringKey)};
  }
  void apply(const Result<std::vector<SealManager::Write>>& writes) {
    ASSERT_TRUE(writes.ok()) << writes.error().message;
    storage::Batch batch;
    for (const SealManager::Write& write : *writes) batch.operations.push_back(storage::put(write.key, write.record));
    ASSERT_TRUE(static_cast<storage::Storage&>(storage_).commit(std::move(batch)).ok());
  }
  void rotate(Node& node) { apply(node.manager.rotate(records().keyring)); }
  SealManager::NewSeal rekey(Node& node, int shares = 5, int threshold = 3) {
    auto next = node.manager.make_seal(shares, threshold);
    EXPECT_TRUE(next.ok());
    apply(node.manager.rekey(records(), *next));
    return std::move(*next);
  }

  crypto::OsRng rng_;
  FakeClock clock_;
  SpoiledStorage storage_{clock_};
  Node first_{storage_, rng_, clock_};
  Node second_{storage_, rng_, clock_};
  std::vector<SecretBytes> shares_;
};

TEST_F(KeyChange, ARotationHoldsForTheNextEntryOfBothNodesAndOldOnesStayReadable) {
  const std::string old = first_.encrypt("old");
  rotate(first_);
  for (Node* node : {&first_, &second_}) {
    const std::string entry = node->encrypt("new");
    EXPECT_EQ(entry.substr(0, 4), std::string("\0\0\0\2", 4));
    for (Node* reader : {&first_, &second_}) {
      EXPECT_EQ(reader->decrypt(entry), "new");
      EXPECT_EQ(reader->decrypt(old), "old");
    }
  }
}

TEST_F(KeyChange, ANodeThatMeetsAnUnknownTermFollows) {
  const auto writes = first_.manager.rotate(records().keyring);
  ASSERT_TRUE(writes.ok());
  Node third(storage_, rng_, clock_);
  storage_.overwrite(kKeyringKey, writes->front().record);
  ASSERT_TRUE(third.unseal(shares_));
  EXPECT_EQ(second_.decrypt(third.encrypt("new")), "new");
}

TEST_F(KeyChange, AnEntryOfATermThatNobodyKnowsIsDamage) {
  std::string entry = first_.encrypt("value");
  entry[0] = '\x7f';
  EXPECT_EQ(first_.barrier.decrypt("nkey", entry).code(), Code::kCorrupt);
  storage_.refuse_get = [](std::string_view) { return Error{Code::kUnavailable, "down"}; };
  EXPECT_EQ(first_.barrier.decrypt("nkey", entry).code(), Code::kUnavailable) << "it may be known to the store";
}

TEST_F(KeyChange, AfterARekeyingTheNewSharesUnsealAndTheOldOnesDoNot) {
  const std::string entry = first_.encrypt("value");
  const auto derived = std::string(first_.barrier.derive("purpose")->reveal());
  const auto next = rekey(first_);
  EXPECT_TRUE(first_.manager.in_force(records(), next));
  first_.manager.seal();
  EXPECT_FALSE(first_.unseal(shares_));
  first_.manager.reset();
  EXPECT_TRUE(first_.unseal(std::span(next.shares).subspan(2)));
  EXPECT_EQ(first_.manager.status().threshold, 3);
  EXPECT_EQ(first_.decrypt(entry), "value");
  EXPECT_EQ(first_.barrier.derive("purpose")->reveal(), derived);
}

TEST_F(KeyChange, AnotherNodeFollowsARekeyingAndCanChangeTheKeysItself) {
  rekey(first_);
  EXPECT_TRUE(second_.manager.follow().ok());
  EXPECT_EQ(second_.manager.status().threshold, 3);
  rotate(second_);
  const auto last = rekey(second_, 1, 1);
  rotate(first_);
  EXPECT_EQ(second_.decrypt(first_.encrypt("value")), "value");
  Node third(storage_, rng_, clock_);
  EXPECT_TRUE(third.unseal(last.shares));
}

TEST_F(KeyChange, ANodeThatMissedTooMuchSaysSoAndIsUnsealedAnew) {
  Node late(storage_, rng_, clock_);
  ASSERT_TRUE(late.unseal(shares_));
  // It does nothing between a rotation and a rekeying long after.
  rotate(first_);
  ASSERT_TRUE(first_.manager.follow().ok());
  clock_.advance_ms(SealManager::kFollowMs);
  const auto next = rekey(first_);
  const std::string entry = first_.encrypt("value");
  EXPECT_EQ(late.manager.follow().code(), Code::kUnavailable);
  EXPECT_EQ(late.barrier.decrypt("nkey", entry).code(), Code::kUnavailable);
  late.manager.seal();
  EXPECT_TRUE(late.unseal(next.shares));
  EXPECT_EQ(late.decrypt(entry), "value");
}

TEST_F(KeyChange, TheFormerRootKeyIsWrappedByTheNext) {
  const auto before = records();
  const auto next = rekey(first_);
  const auto root = unwrap(next.unseal_key, {kRootKeyKey, next.config.store_id, records().config.value}, records().root_key.value);
  ASSERT_TRUE(root.ok());
  const std::string retired = retired_root_key_key(1);
  const auto former = unwrap(KeyBytes::copy_of(root->plaintext.reveal()), {retired, next.config.store_id, {}}, storage_.at(retired));
  ASSERT_TRUE(former.ok());
  EXPECT_TRUE(unwrap(KeyBytes::copy_of(former->plaintext.reveal()), {kKeyringKey, next.config.store_id, {}}, before.keyring.value).ok())
      << "the keyring of an older snapshot";
}

TEST_F(KeyChange, ANodeThatMissedBothALittleWhileAgoFollows) {
  rotate(first_);
  rekey(first_);
  rotate(first_);
  rekey(first_);
  EXPECT_TRUE(second_.manager.follow().ok());
  EXPECT_EQ(second_.barrier.active_term()->number, 3u);
}

TEST_F(KeyChange, ARotationTakesTheRootKeyAwayFromTheTermsBeforeAfterAWhile) {
  const auto settle = [this] { return first_.manager.settle(records().keyring, **storage_.get(kCurrentRootKeyKey)); };
  const auto term = [this] { return storage_.at(kCurrentRootKeyKey).substr(0, 4); };
  rekey(first_);
  rotate(first_);
  EXPECT_TRUE(settle()->empty()) << "the others may not have the new term yet";
  ASSERT_TRUE(second_.manager.follow().ok());
  clock_.advance_ms(SealManager::kFollowMs);
  EXPECT_EQ(term(), std::string("\0\0\0\1", 4));
  apply(settle());
  EXPECT_EQ(term(), std::string("\0\0\0\2", 4));
  EXPECT_TRUE(settle()->empty());
  rekey(first_);
  EXPECT_EQ(term(), std::string("\0\0\0\2", 4));
  EXPECT_TRUE(second_.manager.follow().ok());
}

TEST_F(KeyChange, AnOlderKeyringPutBackIsNotFollowed) {
  const std::string old = storage_.at(kKeyringKey);
  rotate(first_);
  ASSERT_TRUE(first_.manager.follow().ok());
  storage_.overwrite(kKeyringKey, old);
  EXPECT_EQ(first_.manager.follow().code(), Code::kCorrupt);
  EXPECT_EQ(first_.encrypt("value").substr(0, 4), std::string("\0\0\0\2", 4));
}

TEST_F(KeyChange, WhatIsDamagedIsNotFollowed) {
  const auto next = rekey(first_);
  for (const std::string& key : {std::string(kKeyringKey), std::string(kCurrentRootKeyKey)}) {
    Node fresh(storage_, rng_, clock_);
    ASSERT_TRUE(fresh.unseal(next.shares));
    const std::string record = storage_.at(key);
    for (std::size_t at = 0; at < record.size(); ++at) {
      std::string damaged = record;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      storage_.overwrite(key, damaged);
      Node& node = key == kKeyringKey ? fresh : second_;
      EXPECT_FALSE(node.manager.follow().ok()) << key << ' ' << at;
    }
    storage_.overwrite(key, record);
  }
}

TEST_F(KeyChange, NothingIsChangedWhileSealed) {
  const auto before = records();
  first_.manager.seal();
  EXPECT_EQ(first_.manager.rotate(before.keyring).code(), Code::kSealed);
  EXPECT_EQ(first_.manager.make_seal(3, 2).code(), Code::kSealed);
  EXPECT_EQ(first_.manager.rekey(before, *second_.manager.make_seal(3, 2)).code(), Code::kSealed);
  EXPECT_EQ(first_.manager.follow().code(), Code::kSealed);
}

TEST_F(KeyChange, WhatWasReadBeforeAnotherNodesChangeIsAConflict) {
  const auto before = records();
  rekey(second_);
  EXPECT_EQ(first_.manager.rotate(before.keyring).code(), Code::kConflict);
  EXPECT_EQ(first_.manager.rekey(before, *first_.manager.make_seal(3, 2)).code(), Code::kConflict);
}

TEST_F(KeyChange, SharesAreCheckedAsASet) {
  EXPECT_TRUE(first_.manager.check_shares(records(), std::span(shares_).first(2)).ok());
  EXPECT_EQ(first_.manager.check_shares(records(), std::span(shares_).first(1)).code(), Code::kInvalid);
  auto wrong = std::vector<SecretBytes>();
  wrong.push_back(shares_[0].clone());
  wrong.push_back(shares_[1].clone());
  wrong[1].writable()[3] = static_cast<char>(wrong[1].writable()[3] ^ 1);
  EXPECT_EQ(first_.manager.check_shares(records(), wrong).code(), Code::kInvalid);
}

TEST_F(KeyChange, FirstEntriesAreThereWithTheKeysOrNotAtAll) {
  SpoiledStorage empty(clock_);
  Node node(empty, rng_, clock_);
  const auto first = [](const Barrier& barrier) -> Result<SealManager::FirstEntries> {
    SealManager::FirstEntries entries;
    TRY_ASSIGN(std::string entry, barrier.encrypt("nfirst", "value"));
    entries.batch.operations.push_back(storage::put("nfirst", std::move(entry)));
    entries.root_token = SecretBytes::copy_of("token");
    return entries;
  };
  EXPECT_EQ(node.manager.initialize(1, 1, [](const Barrier&) -> Result<SealManager::FirstEntries> {
                  return Error{Code::kUnavailable, "down"};
                }).code(), Code::kUnavailable);
  EXPECT_FALSE((*empty.get(kConfigKey)).has_value());
  empty.commits = SpoiledStorage::Commits::kLostAnswer;
  empty.resolutions = {storage::Resolution::kStillUnknown};
  EXPECT_EQ(node.manager.initialize(1, 1, first).code(), Code::kUnknown);
  empty.resolutions = {storage::Resolution::kHappened};
  const auto made = node.manager.initialize(1, 1, first);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->root_token.reveal(), "token");
  ASSERT_TRUE(node.unseal(made->shares));
  EXPECT_EQ(node.barrier.decrypt("nfirst", empty.at("nfirst"))->reveal(), "value");
}

}  // namespace
}  // namespace keyhold::core
