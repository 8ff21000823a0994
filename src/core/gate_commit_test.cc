#include <gtest/gtest.h>

#include <future>

#include "base/limits.h"
#include "core/gate.h"
#include "core/test_support/gate_fixture.h"
#include "core/test_support/intercepted_storage.h"

namespace keyhold::core {
namespace {

using storage::CommitFault;
using test::GateTest;
using test::Got;

std::string swap_body(int from, int to) {
  const std::string expect = from == 0 ? std::string() : std::to_string(from);
  return R"({"expect":")" + expect + R"(","text":")" + std::to_string(to) + R"("})";
}

TEST_F(GateTest, OfManyWhoSwapOneWinsEachTime) {
  for (int version = 0; version < 8; ++version) {
    std::vector<std::future<Got>> answers;
    for (int i = 0; i < 50; ++i) {
      answers.push_back(node_.ask_later({.operation = Operation::kUpdate, .path = "box/swap/a", .body = swap_body(version, version + 1)}, i % 2));
    }
    int winners = 0;
    for (auto& answer : answers) {
      const std::string word = answer.get().word();
      EXPECT_TRUE(word == "empty" || word == "invalid") << word;
      winners += word == "empty";
    }
    EXPECT_EQ(winners, 1);
  }
}

TEST_F(GateTest, NoIncrementIsLost) {
  std::vector<std::future<Got>> answers;
  for (int i = 0; i < 200; ++i) {
    answers.push_back(node_.ask_later({.operation = Operation::kUpdate, .path = "box/count/hot"}, i % 2));
  }
  for (auto& answer : answers) EXPECT_EQ(answer.get().word(), "empty");
  EXPECT_EQ(node_.read("box/item/hot").at("text"), "200");
}

TEST_F(GateTest, ConflictsRunTheHandlerAgain) {
  inject({.kind = CommitFault::Kind::kConflict, .times = 5});
  const Got got = node_.write("box/count/a", "");
  EXPECT_EQ(got.word(), "empty");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1");
  EXPECT_EQ(node_.records_of(got.request_id).size(), 2u) << "one intent for all runs";
}

TEST_F(GateTest, EndlessConflictsEndIn503) {
  inject({.kind = CommitFault::Kind::kConflict, .times = CommitFault::kForEver});
  const Got got = node_.write("box/count/a", "");
  EXPECT_EQ(got.word(), "unavailable");
  EXPECT_GT(got.retry_after_s, 0);
  faults_.heal();
  EXPECT_EQ(node_.write("box/count/a", "").word(), "empty") << "its place in the queue was given back";
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1");
}

TEST_F(GateTest, AnUnknownOutcomeIsResolved) {
  inject({.kind = CommitFault::Kind::kUnknownHappened});
  EXPECT_EQ(node_.write("box/count/a", "").word(), "empty");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1");
  inject({.kind = CommitFault::Kind::kUnknownDidNotHappen});
  const Got got = node_.write("box/count/a", "");
  EXPECT_EQ(got.word(), "unavailable");
  EXPECT_GT(got.retry_after_s, 0);
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1");
}

TEST_F(GateTest, WhatStaysUnknownIsSaidToBe) {
  inject({.kind = CommitFault::Kind::kUnknownHappened, .resolves_unknown = 1'000'000});
  EXPECT_EQ(node_.write("box/count/a", "").word(), "unknown");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1") << "and what is there is shown";
}

TEST_F(GateTest, AReadOnlyStoreRefusesWritesAndServesReads) {
  ASSERT_EQ(node_.write("box/count/a", "").word(), "empty");
  inject({.kind = CommitFault::Kind::kRefused, .times = CommitFault::kForEver});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(node_.write("box/count/a", "").word(), "unavailable");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1");
  faults_.heal();
  EXPECT_EQ(node_.write("box/count/a", "").word(), "empty");
}

TEST_F(GateTest, AnIntentWrittenBeforeTheRunIsOnDiskBeforeTheAnswer) {
  EXPECT_EQ(node_.write("box/surely/a", "").word(), "empty");
  calls_.sync_error = EIO;
  const Got got = node_.write("box/surely/a", "");
  EXPECT_TRUE(got.word() == "unknown" || got.word() == "unavailable") << got.word();
}

TEST_F(GateTest, AReadThatFailsIsAnError) {
  node_.node().cache().purge();
  faults_.fail_reads(1, CommitFault::kForEver);
  EXPECT_EQ(node_.read("box/item/a").word(), "unavailable");
  faults_.heal();
  EXPECT_EQ(node_.read("box/item/a").word(), "not-found");
}

/// A second node on the same store, through a tap.
class TwoGatesTest : public GateTest {
 protected:
  TwoGatesTest() { other_.join(node_); }

  test::InterceptedStorage tap_{memory_};
  test::TestNode other_{tap_, clock_, engines_, {2, nullptr}};
};

TEST_F(TwoGatesTest, ATokenRevokedAtOneIsRefusedByTheOtherAtOnce) {
  node_.put_policy("reader", R"(path "box/*" { capabilities = ["read"] })");
  for (int i = 0; i < 20; ++i) {
    const std::string token = node_.token({"reader"});
    ASSERT_EQ(other_.read("box/item/a", token).word(), "not-found");
    Transaction tx = node_.transaction();
    const TokenStore& tokens = node_.node().session().load()->tokens;
    ASSERT_TRUE(tokens.revoke(tx, keys::kRootNamespace, tokens.id_of(token)).ok());
    ASSERT_TRUE(node_.commit(tx).ok());
    EXPECT_EQ(other_.read("box/item/a", token).word(), "denied");
    EXPECT_EQ(node_.read("box/item/a", token).word(), "denied");
  }
}

TEST_F(TwoGatesTest, AWriteAtOneIsReadAtTheOther) {
  for (int i = 0; i < 50; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_EQ((i % 2 == 0 ? node_ : other_).write("box/item/a", R"({"text":")" + text + R"("})").word(), "found");
    EXPECT_EQ(node_.read("box/item/a").at("text"), text);
    EXPECT_EQ(other_.read("box/item/a").at("text"), text);
  }
}

TEST_F(TwoGatesTest, SwapsAcrossNodesHaveOneWinner) {
  for (int version = 0; version < 8; ++version) {
    std::vector<std::future<Got>> answers;
    for (int i = 0; i < 40; ++i) {
      answers.push_back((i % 2 == 0 ? node_ : other_).ask_later({.operation = Operation::kUpdate, .path = "box/swap/a", .body = swap_body(version, version + 1)}));
    }
    int winners = 0;
    for (auto& answer : answers) {
      const std::string word = answer.get().word();
      EXPECT_TRUE(word == "empty" || word == "invalid") << word;
      winners += word == "empty";
    }
    EXPECT_EQ(winners, 1);
  }
}

TEST_F(TwoGatesTest, AWriteToAMountThatTheOtherRemovesMeanwhileFails) {
  // Removed after the handler of `other_` found its mount and before its commit.
  tap_.before_get('n', [&] {
    Transaction tx = node_.transaction();
    records::Mount removed = **tx.load<records::Mount>(keys::mount(keys::kRootNamespace, mount_));
    removed.set_state(records::Mount::REMOVED);
    tx.put(keys::mount(keys::kRootNamespace, mount_), encode_record(removed));
    ASSERT_TRUE(node_.commit(tx).ok());
  });
  EXPECT_EQ(other_.write("box/count/new", "").word(), "not-found");
  EXPECT_EQ(test::count_keys(memory_, keys::with_owner('n', mount_)), 0u);
}

TEST_F(TwoGatesTest, WhatBothHaveInCacheStaysTrueUnderLoad) {
  std::vector<std::future<Got>> answers;
  for (int i = 0; i < 200; ++i) {
    answers.push_back((i % 2 == 0 ? node_ : other_).ask_later({.operation = Operation::kUpdate, .path = "box/count/" + std::to_string(i % 5)}, i % 2));
  }
  int taken = 0;
  for (auto& answer : answers) taken += answer.get().word() == "empty";
  int counted = 0;
  for (int i = 0; i < 5; ++i) counted += std::stoi(other_.read("box/item/" + std::to_string(i)).at("text"));
  EXPECT_EQ(counted, taken) << "each acknowledged increment once";
}

}  // namespace
}  // namespace keyhold::core
