#include <gtest/gtest.h>

#include "core/seal/seal_manager.h"
#include "core/seal/static_seal.h"
#include "core/seal/testing_storage.h"

namespace keyhold::core {
namespace {

using namespace seal_records;

class AutoUnseal : public testing::Test {
 protected:
  static StaticSeal::Key key(std::string id, char fill) { return {std::move(id), KeyBytes::copy_of(std::string(32, fill))}; }
  StaticSeal seal(StaticSeal::Key current, std::optional<StaticSeal::Key> previous = {}) {
    auto made = StaticSeal::make(std::move(current), std::move(previous), rng_);
    EXPECT_TRUE(made.ok());
    return std::move(*made);
  }
  /// A server that starts on the store.
  struct Node {
    Node(AutoUnseal& test, AutoSeal& seal) : barrier(test.rng_), manager(test.storage_, barrier, test.rng_, test.clock_) {
      manager.set_auto_seal(seal);
    }
    Barrier barrier;
    SealManager manager;
  };
  SealManager::Records records() const {
    const auto entry_of = [this](std::string_view name) { return **storage_.get(name); };
    return {entry_of(kConfigKey), entry_of(kRootKeyKey), entry_of(kKeyringKey)};
  }

  crypto::OsRng rng_;
  FakeClock clock_;
  SpoiledStorage storage_{clock_};
};

TEST_F(AutoUnseal, WrapsAndUnwrapsAndEveryChangedByteIsFound) {
  StaticSeal one = seal(key("a", 'a'));
  const auto secret = KeyBytes::copy_of(std::string(32, 's'));
  const std::string wrapped = *one.wrap(secret, "context");
  EXPECT_EQ(one.unwrap(wrapped, "context")->reveal(), secret.reveal());
  EXPECT_EQ(one.unwrap(wrapped, "another").code(), Code::kCorrupt);
  for (std::size_t at = 0; at < wrapped.size(); ++at) {
    std::string changed = wrapped;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(one.unwrap(changed, "context").code(), Code::kCorrupt) << at;
    EXPECT_EQ(one.unwrap(wrapped.substr(0, at), "context").code(), Code::kCorrupt) << at;
  }
}

TEST_F(AutoUnseal, KeysAreReadInTheFormsThatOperatorsWrite) {
  const std::string raw("0123456789abcdef\0\n23456789abcdef", 32);
  EXPECT_EQ(StaticSeal::parse_key(raw)->reveal(), raw);
  EXPECT_EQ(StaticSeal::parse_key("6161616161616161616161616161616161616161616161616161616161616161\n")->reveal(), std::string(32, 'a'));
  EXPECT_EQ(StaticSeal::parse_key(" YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n")->reveal(), std::string(32, 'a'));
  for (const char* bad : {"", " ", "short", "616161", "YWFh"}) EXPECT_EQ(StaticSeal::parse_key(bad).code(), Code::kInvalid) << bad;
}

TEST_F(AutoUnseal, BadSettingsAreRefused) {
  EXPECT_FALSE(StaticSeal::make(key("", 'a'), {}, rng_).ok());
  EXPECT_FALSE(StaticSeal::make(key(std::string(65, 'x'), 'a'), {}, rng_).ok());
  EXPECT_FALSE(StaticSeal::make({"a", KeyBytes::copy_of("short")}, {}, rng_).ok());
  EXPECT_FALSE(StaticSeal::make(key("a", 'a'), key("a", 'b'), rng_).ok());
}

TEST_F(AutoUnseal, UnsealsWithoutSharesWhichAreOfTheRecoveryKey) {
  StaticSeal own = seal(key("a", 'a'));
  Node node(*this, own);
  ASSERT_TRUE(node.manager.load().ok());
  const auto made = node.manager.initialize(3, 2);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(node.barrier.sealed());
  EXPECT_EQ(node.manager.unseal(made->shares[0]).code(), Code::kInvalid);
  ASSERT_TRUE(node.manager.auto_unseal().ok());
  EXPECT_FALSE(node.barrier.sealed());
  EXPECT_TRUE(node.manager.status().recovery_seal);
  EXPECT_EQ(node.manager.status().type, "static");
  EXPECT_TRUE(node.manager.check_shares(records(), std::span(made->shares).first(2)).ok());
  EXPECT_EQ(node.manager.check_shares(records(), std::span(made->shares).first(1)).code(), Code::kInvalid);
  const std::string entry = *node.barrier.encrypt("nkey", "value");

  StaticSeal later = seal(key("a", 'a'));
  Node restarted(*this, later);
  ASSERT_TRUE(restarted.manager.load().ok());
  ASSERT_TRUE(restarted.manager.auto_unseal().ok());
  EXPECT_EQ(restarted.barrier.decrypt("nkey", entry)->reveal(), "value");
}

TEST_F(AutoUnseal, AnotherKeyOrAnotherTypeDoesNot) {
  StaticSeal own = seal(key("a", 'a'));
  Node node(*this, own);
  ASSERT_TRUE(node.manager.initialize(1, 1).ok());
  for (StaticSeal* wrong : {new StaticSeal(seal(key("a", 'b'))), new StaticSeal(seal(key("b", 'a')))}) {
    const std::unique_ptr<StaticSeal> owned(wrong);
    Node other(*this, *owned);
    ASSERT_TRUE(other.manager.load().ok());
    EXPECT_EQ(other.manager.auto_unseal().code(), Code::kCorrupt);
    EXPECT_TRUE(other.barrier.sealed());
  }
  Barrier barrier(rng_);
  SealManager by_shares(storage_, barrier, rng_, clock_);
  EXPECT_EQ(by_shares.load().code(), Code::kInvalid);
  EXPECT_EQ(by_shares.auto_unseal().code(), Code::kInvalid);
}

TEST_F(AutoUnseal, TheNextKeyTakesOverWhileThePreviousOneIsNamed) {
  StaticSeal own = seal(key("a", 'a'));
  Node node(*this, own);
  ASSERT_TRUE(node.manager.initialize(1, 1).ok());
  StaticSeal both = seal(key("b", 'b'), key("a", 'a'));
  {
    Node other(*this, both);
    ASSERT_TRUE(other.manager.auto_unseal().ok());
  }
  StaticSeal next = seal(key("b", 'b'));
  Node last(*this, next);
  EXPECT_TRUE(last.manager.auto_unseal().ok()) << "it was wrapped anew";
}

TEST_F(AutoUnseal, TheRecoveryKeyIsReplacedWithTheRootKey) {
  StaticSeal own = seal(key("a", 'a'));
  Node node(*this, own);
  const auto made = node.manager.initialize(3, 2);
  ASSERT_TRUE(node.manager.auto_unseal().ok());
  const auto next = node.manager.make_seal(5, 3);
  ASSERT_TRUE(next.ok());
  auto writes = node.manager.rekey(records(), *next);
  ASSERT_TRUE(writes.ok());
  for (auto& write : *writes) storage_.overwrite(write.key, std::move(write.record));
  ASSERT_TRUE(node.manager.follow().ok());
  EXPECT_TRUE(node.manager.in_force(records(), *next));
  EXPECT_TRUE(node.manager.check_shares(records(), std::span(next->shares).first(3)).ok());
  EXPECT_FALSE(node.manager.check_shares(records(), std::span(made->shares).first(2)).ok());
  node.manager.seal();
  EXPECT_TRUE(node.manager.auto_unseal().ok());
  EXPECT_EQ(node.manager.status().threshold, 3);
}

TEST_F(AutoUnseal, AStoreOfSharesIsChangedOverAndBackByTheSameShares) {
  using Migration = SealManager::Migration;
  std::vector<SecretBytes> shares;
  std::string entry;
  {
    Barrier barrier(rng_);
    SealManager by_shares(storage_, barrier, rng_, clock_);
    shares = std::move(by_shares.initialize(3, 2)->shares);
    for (int i : {0, 1}) ASSERT_TRUE(by_shares.unseal(shares[static_cast<std::size_t>(i)]).ok());
    EXPECT_EQ(by_shares.unseal(shares[0], Migration::kMigrate)->sealed, false) << "on an open barrier it has no effect";
    entry = *barrier.encrypt("nkey", "value");
    by_shares.seal();
    EXPECT_EQ(by_shares.unseal(shares[0], Migration::kMigrate).code(), Code::kInvalid) << "there is nothing to change over to";
  }
  StaticSeal own = seal(key("a", 'a'));
  {
    Node node(*this, own);
    ASSERT_TRUE(node.manager.load().ok());
    EXPECT_TRUE(node.manager.status().migration);
    EXPECT_EQ(node.manager.auto_unseal().code(), Code::kInvalid);
    EXPECT_EQ(node.manager.unseal(shares[0]).code(), Code::kInvalid) << "not by accident";
    ASSERT_TRUE(node.manager.unseal(shares[0], Migration::kMigrate).ok());
    SecretBytes wrong = shares[1].clone();
    wrong.writable()[5] = static_cast<char>(wrong.writable()[5] ^ 1);
    EXPECT_EQ(node.manager.unseal(wrong, Migration::kMigrate).code(), Code::kInvalid);
    EXPECT_TRUE(node.barrier.sealed());
    ASSERT_TRUE(node.manager.unseal(shares[0], Migration::kMigrate).ok());
    storage_.commits = SpoiledStorage::Commits::kLostCommit;
    storage_.resolutions = {storage::Resolution::kDidNotHappen};
    EXPECT_EQ(node.manager.unseal(shares[2], Migration::kMigrate).code(), Code::kUnavailable);
    EXPECT_TRUE(node.barrier.sealed());
    storage_.commits = SpoiledStorage::Commits::kLostAnswer;
    storage_.resolutions = {storage::Resolution::kStillUnknown, storage::Resolution::kHappened};
    const auto done = node.manager.unseal(shares[2], Migration::kMigrate);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_FALSE(done->sealed);
    EXPECT_FALSE(done->migration);
    EXPECT_EQ(node.barrier.decrypt("nkey", entry)->reveal(), "value");
    EXPECT_TRUE(node.manager.check_shares(records(), std::span(shares).first(2)).ok()) << "they are of the recovery key now";
  }
  {
    Node node(*this, own);
    ASSERT_TRUE(node.manager.auto_unseal().ok());
    EXPECT_EQ(node.barrier.decrypt("nkey", entry)->reveal(), "value");
  }
  {
    Barrier barrier(rng_);
    SealManager leaving(storage_, barrier, rng_, clock_);
    leaving.set_former_auto_seal(own);
    ASSERT_TRUE(leaving.load().ok());
    EXPECT_TRUE(leaving.status().migration);
    EXPECT_EQ(leaving.auto_unseal().code(), Code::kInvalid);
    SecretBytes wrong = shares[1].clone();
    wrong.writable()[5] = static_cast<char>(wrong.writable()[5] ^ 1);
    ASSERT_TRUE(leaving.unseal(shares[0], Migration::kMigrate).ok());
    EXPECT_EQ(leaving.unseal(wrong, Migration::kMigrate).code(), Code::kInvalid);
    EXPECT_TRUE(barrier.sealed());
    ASSERT_TRUE(leaving.unseal(shares[0], Migration::kMigrate).ok());
    const auto done = leaving.unseal(shares[1], Migration::kMigrate);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(barrier.decrypt("nkey", entry)->reveal(), "value");
  }
  EXPECT_FALSE((*storage_.get(kAutoUnsealKey)).has_value());
  Barrier barrier(rng_);
  SealManager by_shares(storage_, barrier, rng_, clock_);
  ASSERT_TRUE(by_shares.load().ok());
  for (int i : {1, 2}) ASSERT_TRUE(by_shares.unseal(shares[static_cast<std::size_t>(i)]).ok());
  EXPECT_EQ(barrier.decrypt("nkey", entry)->reveal(), "value");
}

/// Another type of seal.
class NamedSeal final : public AutoSeal {
 public:
  explicit NamedSeal(AutoSeal& inner) : inner_(inner) {}
  std::string_view type() const override { return "named"; }
  Result<std::string> wrap(const KeyBytes& wrapped, std::string_view context) override {
    if (during) during();
    return inner_.wrap(wrapped, context);
  }
  Result<KeyBytes> unwrap(std::string_view wrapped, std::string_view context) override { return inner_.unwrap(wrapped, context); }
  bool outdated(std::string_view wrapped) const override { return inner_.outdated(wrapped); }
  std::function<void()> during;

 private:
  AutoSeal& inner_;
};

TEST_F(AutoUnseal, AStoreThatUnsealsItselfIsChangedOverToAnotherSealByItsRecoveryShares) {
  using Migration = SealManager::Migration;
  StaticSeal own = seal(key("a", 'a'));
  std::vector<SecretBytes> shares;
  std::string entry;
  {
    Node node(*this, own);
    shares = std::move(node.manager.initialize(3, 2)->shares);
    ASSERT_TRUE(node.manager.auto_unseal().ok());
    entry = *node.barrier.encrypt("nkey", "value");
  }
  StaticSeal other = seal(key("b", 'b'));
  NamedSeal next(other);
  {
    Node without(*this, next);
    EXPECT_EQ(without.manager.load().code(), Code::kInvalid) << "what unseals it is not known";
  }
  {
    Node node(*this, next);
    node.manager.set_former_auto_seal(own);
    ASSERT_TRUE(node.manager.load().ok());
    EXPECT_TRUE(node.manager.status().migration);
    EXPECT_EQ(node.manager.auto_unseal().code(), Code::kInvalid);
    SecretBytes wrong = shares[1].clone();
    wrong.writable()[5] = static_cast<char>(wrong.writable()[5] ^ 1);
    ASSERT_TRUE(node.manager.unseal(shares[0], Migration::kMigrate).ok());
    EXPECT_EQ(node.manager.unseal(wrong, Migration::kMigrate).code(), Code::kInvalid);
    EXPECT_TRUE(node.barrier.sealed());
    ASSERT_TRUE(node.manager.unseal(shares[0], Migration::kMigrate).ok());
    bool answered = false;
    next.during = [&] { answered = node.manager.status().migration; };
    const auto done = node.manager.unseal(shares[1], Migration::kMigrate);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_TRUE(answered) << "its status is told while a seal is asked";
    EXPECT_EQ(done->type, "named");
    EXPECT_EQ(node.barrier.decrypt("nkey", entry)->reveal(), "value");
  }
  next.during = nullptr;
  Node restarted(*this, next);
  ASSERT_TRUE(restarted.manager.load().ok());
  ASSERT_TRUE(restarted.manager.auto_unseal().ok());
  EXPECT_EQ(restarted.barrier.decrypt("nkey", entry)->reveal(), "value");
  EXPECT_TRUE(restarted.manager.check_shares(records(), std::span(shares).first(2)).ok());
  Node old(*this, own);
  EXPECT_EQ(old.manager.load().code(), Code::kInvalid);
}

/// Away for a while.
class AwaySeal final : public AutoSeal {
 public:
  explicit AwaySeal(AutoSeal& inner) : inner_(inner) {}
  std::string_view type() const override { return inner_.type(); }
  Result<std::string> wrap(const KeyBytes& wrapped, std::string_view context) override {
    if (away) return Error{Code::kUnavailable, "away"};
    return inner_.wrap(wrapped, context);
  }
  Result<KeyBytes> unwrap(std::string_view wrapped, std::string_view context) override {
    if (away) return Error{Code::kUnavailable, "away"};
    return inner_.unwrap(wrapped, context);
  }
  bool outdated(std::string_view wrapped) const override { return inner_.outdated(wrapped); }
  bool away = true;

 private:
  AutoSeal& inner_;
};

TEST_F(AutoUnseal, WhatIsAwayLeavesNothingHalfDone) {
  StaticSeal own = seal(key("a", 'a'));
  AwaySeal seal(own);
  Node node(*this, seal);
  EXPECT_EQ(node.manager.initialize(1, 1).code(), Code::kUnavailable);
  EXPECT_FALSE((*storage_.get(kConfigKey)).has_value());
  seal.away = false;
  ASSERT_TRUE(node.manager.initialize(1, 1).ok());
  seal.away = true;
  EXPECT_EQ(node.manager.auto_unseal().code(), Code::kUnavailable);
  EXPECT_TRUE(node.barrier.sealed());
  seal.away = false;
  ASSERT_TRUE(node.manager.auto_unseal().ok());
  seal.away = true;
  EXPECT_EQ(node.manager.make_seal(1, 1).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace keyhold::core
