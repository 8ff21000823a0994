#include "core/expiry.h"

#include <gtest/gtest.h>

#include "core/test_support/test_tokens.h"

namespace keyhold::core {
namespace {

class ExpiryTest : public test::TokenFixture {
 protected:
  bool comes_to(std::size_t entries) {
    return test::await([&] { return node_.node().expiry().run().ok() && jobs_done() && token_entries() == entries; });
  }
  /// Two rounds in which something may have been deleted wrongly.
  void work() {
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(node_.node().expiry().run().ok());
      EXPECT_TRUE(other_.node().expiry().run().ok());
      EXPECT_TRUE(jobs_done());
    }
  }
  void renew(const NewToken& token, std::int64_t ttl_s) {
    Transaction tx = node_.transaction();
    const auto found = tokens().find(tx, keys::kRootNamespace, id(token));
    ASSERT_TRUE(found.ok());
    ASSERT_TRUE(tokens().renew(tx, *found, {.ttl_s = ttl_s}, {.default_s = 100, .max_s = 100'000}).ok());
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  /// Until the store knows what time it is.
  void mark_time(test::TestNode& node) {
    EXPECT_TRUE(test::await([&] {
      Transaction tx = node.transaction();
      const auto mark = tx.load<records::TimeMark>(keys::time_mark());
      return node.node().expiry().run().ok() && mark.ok() && *mark != nullptr && (*mark)->seen_ms() == clock_.now_ms();
    }));
  }
  /// What a node says to whoever presents it; nullopt: it is valid.
  std::optional<Code> refusal(test::TestNode& node, const NewToken& token) {
    Transaction tx = node.transaction();
    const auto found = tokens(node).find_presented(tx, keys::kRootNamespace, token.token.reveal());
    return found.ok() ? std::nullopt : std::optional(found.code());
  }
  static TokenSpec renewable(std::int64_t ttl_s) {
    TokenSpec spec = living(ttl_s);
    spec.renewable = true;
    return spec;
  }
};

TEST_F(ExpiryTest, WhatHasEndedIsDeletedWithAllBelowIt) {
  for (int i = 0; i < 40; ++i) {
    const NewToken parent = create(living(10));
    child_of(parent, 1'000);
  }
  const NewToken longer = create(living(100));
  clock_.advance_ms(9'999);
  work();
  EXPECT_GT(token_entries(), 40 * 5u);
  clock_.advance_ms(1'001);
  EXPECT_TRUE(comes_to(4));
  EXPECT_TRUE(valid(longer));
}

TEST_F(ExpiryTest, ARenewedTokenIsFiledAnew) {
  const NewToken token = create(renewable(10));
  clock_.advance_ms(5'000);
  renew(token, 50);
  clock_.advance_ms(6'000);
  work();
  EXPECT_TRUE(valid(token));
  EXPECT_EQ(count('e'), 1u);
  clock_.advance_ms(48'000);
  EXPECT_FALSE(valid(token));
  clock_.advance_ms(2'000);
  EXPECT_TRUE(comes_to(0));
}

TEST_F(ExpiryTest, ATokenRenewedToAnEarlierEndIsDeletedThen) {
  const NewToken token = create(renewable(1'000));
  renew(token, 10);
  clock_.advance_ms(11'000);
  EXPECT_FALSE(valid(token));
  EXPECT_TRUE(test::await([&] { return node_.node().expiry().run().ok() && count('t') == 1; }));
  clock_.advance_ms(1'000'000);
  EXPECT_TRUE(comes_to(0)) << "the entry it was first filed under goes in its turn";
}

TEST_F(ExpiryTest, ManyAtOnceTakeSeveralPages) {
  for (int i = 0; i < 1'100; ++i) create(living(1 + i % 7));
  clock_.advance_ms(8'000);
  EXPECT_TRUE(comes_to(0));
}

TEST_F(ExpiryTest, WhatSlowerClocksFileBeforeTheMarkIsFound) {
  create(living(1));
  clock_.advance_ms(120'000);
  EXPECT_TRUE(comes_to(0));
  // As of a node whose clock is a minute behind.
  Transaction tx = node_.transaction();
  records::TokenRef stale;
  stale.set_namespace_id(keys::kRootNamespace);
  stale.set_token("gone");
  tx.put(keys::expiry(clock_.now_ms() - 60'000, keys::kRootNamespace, "gone"), encode_record(stale));
  ASSERT_TRUE(node_.commit(tx).ok());
  EXPECT_TRUE(comes_to(0));
}

TEST_F(ExpiryTest, AfterAJumpNothingIsUsedAndNothingIsDeleted) {
  const NewToken token = create(living(3'600));
  for (const std::int64_t step_ms : {1'000'000'000'000ll, -1'000'000'000ll}) {
    clock_.step_wall_ms(step_ms);
    Transaction tx = node_.transaction();
    const auto found = tokens().find(tx, keys::kRootNamespace, id(token));
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.code(), Code::kUnavailable) << "it may be valid: its bearer must not throw it away";
    EXPECT_EQ(tokens().create(tx, living(10), rng_).code(), Code::kUnavailable);
    EXPECT_TRUE(tokens().create(tx, living(0), rng_).ok());
    work();
    EXPECT_EQ(token_entries(), 4u);
    clock_.step_wall_ms(-step_ms);
    EXPECT_TRUE(valid(token));
  }
}

TEST_F(ExpiryTest, AClockSetBackAcrossARestartRevivesNothing) {
  const NewToken token = create(living(100));
  clock_.advance_ms(90'000);
  mark_time(node_);
  node_.node().seal();
  other_.node().seal();
  clock_.step_wall_ms(-80'000);
  node_.unseal();
  other_.unseal();
  EXPECT_TRUE(valid(token));
  clock_.advance_ms(50'000);
  EXPECT_TRUE(valid(token)) << "time stood still";
  clock_.advance_ms(40'000);
  EXPECT_FALSE(valid(token)) << "100 s after it was made, by the wall clock";
}

TEST_F(ExpiryTest, AClockSetForwardCountsFromTheRestartThatConfirmsIt) {
  const NewToken shorter = create(living(100));
  const NewToken longer = create(living(100'000));
  const NewToken batch = batch_below(longer);
  clock_.step_wall_ms(3'600'000);
  work();
  EXPECT_EQ(token_entries(), 2 * 4u) << "nothing is deleted by a time that may be wrong";
  for (test::TestNode* node : {&node_, &other_}) {
    node->node().seal();
    node->unseal();
  }
  EXPECT_FALSE(valid(shorter));
  EXPECT_FALSE(valid(batch));
  EXPECT_TRUE(valid(longer));
  EXPECT_TRUE(comes_to(4));
  clock_.advance_ms(100'000'000 - 3'600'001);
  EXPECT_TRUE(valid(longer));
  clock_.advance_ms(1);
  EXPECT_FALSE(valid(longer));
}

TEST_F(ExpiryTest, ANodeThatStartsWithItsClockBehindRevivesNothing) {
  const NewToken token = create(living(100));
  const NewToken batch = batch_below(create(living(1'000)));
  clock_.advance_ms(101'000);
  mark_time(node_);
  const FakeClock behind(clock_.now_ms() - 90'000);  // Of a machine that was just started: it has no other clock to compare with.
  test::TestNode started(store_, behind, [](Router&, Node&) {});
  started.join(node_);
  for (const NewToken* ended : {&token, &batch}) {
    Transaction tx = started.transaction();
    EXPECT_EQ(tokens(started).find_presented(tx, keys::kRootNamespace, ended->token.reveal()).code(), Code::kDenied);
  }
}

TEST_F(ExpiryTest, AfterAJumpABatchTokenIsNeitherUsedNorLost) {
  const NewToken batch = batch_below(create(living(100)));
  for (const std::int64_t step_ms : {3'600'000ll, -3'600'000ll}) {
    clock_.step_wall_ms(step_ms);
    Transaction tx = node_.transaction();
    EXPECT_EQ(tokens().find_presented(tx, keys::kRootNamespace, batch.token.reveal()).code(), Code::kUnavailable);
    clock_.step_wall_ms(-step_ms);
    EXPECT_TRUE(valid(batch));
  }
}

TEST_F(ExpiryTest, ANewNodeBeginsWithTheTimeThatTheStoreHasSeen) {
  const UnixMillis start_ms = clock_.now_ms();
  const NewToken token = create(living(100));
  clock_.advance_ms(90'000);
  mark_time(node_);
  node_.node().seal();
  other_.node().seal();
  clock_.step_wall_ms(-80'000);
  test::TestNode restarted(store_, clock_, [](Router&, Node&) {});
  restarted.join(node_);
  EXPECT_EQ(refusal(restarted, token), std::nullopt);
  Transaction tx = restarted.transaction();
  const auto made = tokens(restarted).create(tx, living(10), rng_);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->record.expires_ms(), start_ms + 100'000) << "ten seconds after the ninety that have passed";
  clock_.advance_ms(89'999);
  EXPECT_EQ(refusal(restarted, token), std::nullopt);
  clock_.advance_ms(1);
  EXPECT_EQ(refusal(restarted, token), Code::kDenied);
}

TEST_F(ExpiryTest, WhatEndedByAClockSetForwardAcrossARestartStaysEnded) {
  const NewToken token = create(living(100));
  clock_.step_wall_ms(200'000);
  test::TestNode restarted(store_, clock_, [](Router&, Node&) {});
  restarted.join(node_);
  EXPECT_EQ(refusal(restarted, token), Code::kDenied) << "whoever starts it confirms the clock";
  mark_time(restarted);
  Transaction tx = restarted.transaction();
  const auto later = tokens(restarted).create(tx, living(100), rng_);
  ASSERT_TRUE(later.ok() && restarted.commit(tx).ok());
  clock_.step_wall_ms(-200'000);
  EXPECT_EQ(refusal(restarted, *later), Code::kUnavailable);
  test::TestNode again(store_, clock_, [](Router&, Node&) {});
  again.join(node_);
  EXPECT_EQ(refusal(again, token), Code::kDenied);
  EXPECT_EQ(refusal(again, *later), std::nullopt);
}

TEST_F(ExpiryTest, AHeldClockKeepsNothingAlive) {
  const NewToken token = create(living(100));
  const auto hold_ms = [this](std::int64_t ms) {
    clock_.advance_ms(ms);
    clock_.step_wall_ms(-ms);
  };
  EXPECT_TRUE(valid(token));
  hold_ms(60'000);
  EXPECT_TRUE(valid(token));
  hold_ms(1'000);
  for (test::TestNode* node : {&node_, &other_}) EXPECT_EQ(refusal(*node, token), Code::kUnavailable);
  hold_ms(100'000);
  work();
  EXPECT_EQ(token_entries(), 4u) << "nor does it end anything";
  clock_.step_wall_ms(161'000);
  EXPECT_FALSE(valid(token));
}

TEST_F(ExpiryTest, ARestoredStoreKnowsNothingThatWasGivenOutBefore) {
  const NewToken service = create(living(100));
  const NewToken batch = batch_below(service);
  TokenSpec orphan = living(100);
  orphan.type = records::Token::BATCH;
  const NewToken orphan_batch = create(std::move(orphan));
  EXPECT_TRUE(valid(batch) && valid(orphan_batch));
  Transaction tx = node_.transaction();
  records::Epoch epoch;
  epoch.set_number(1);
  tx.put(keys::epoch(), encode_record(epoch));
  ASSERT_TRUE(node_.commit(tx).ok());
  for (test::TestNode* node : {&node_, &other_}) {
    node->node().seal();
    node->unseal();
  }
  EXPECT_FALSE(valid(service));
  EXPECT_FALSE(valid(batch));
  EXPECT_FALSE(valid(orphan_batch));
  EXPECT_TRUE(valid(create(living(100))));
}

}  // namespace
}  // namespace keyhold::core
