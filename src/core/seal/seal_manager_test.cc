#include "core/seal/seal_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "core/seal/testing_storage.h"

namespace keyhold::core {
namespace {

/// One server's seal on a store.
struct Node {
  Node(storage::Storage& storage, crypto::Rng& rng, const Clock& clock)
      : barrier(rng), manager(storage, barrier, rng, clock) {}

  Barrier barrier;
  SealManager manager;
};

class SealManagerTest : public testing::Test {
 protected:
  std::vector<SecretBytes> initialize(int shares, int threshold) {
    EXPECT_TRUE(node_.manager.load().ok());
    auto made = node_.manager.initialize(shares, threshold);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(made->shares);
  }
  SealStatus give(const SecretBytes& share) { return give(node_, share); }
  static SealStatus give(Node& node, const SecretBytes& share) {
    auto status = node.manager.unseal(share);
    EXPECT_TRUE(status.ok()) << status.error().message;
    return std::move(status).value();
  }

  crypto::OsRng rng_;
  FakeClock clock_;
  SpoiledStorage storage_{clock_};
  Node node_{storage_, rng_, clock_};
};

TEST_F(SealManagerTest, AnEmptyStoreIsNotInitialised) {
  ASSERT_TRUE(node_.manager.load().ok());
  const SealStatus status = node_.manager.status();
  EXPECT_FALSE(status.initialized);
  EXPECT_TRUE(status.sealed);
  EXPECT_EQ(status.type, "shamir");
  EXPECT_EQ(node_.manager.store_id(), "");
  EXPECT_EQ(node_.manager.unseal(SecretBytes::zeroed(33)).code(), Code::kInvalid);
}

TEST_F(SealManagerTest, UnsealsAtTheThreshold) {
  const auto shares = initialize(5, 3);
  ASSERT_EQ(shares.size(), 5u);
  EXPECT_TRUE(node_.barrier.sealed()) << "initialising leaves the barrier sealed";
  EXPECT_TRUE(node_.manager.status().initialized);
  EXPECT_EQ(node_.manager.store_id().size(), Barrier::kStoreIdBytes);

  const SealStatus first = give(shares[4]);
  EXPECT_EQ(first.progress, 1);
  EXPECT_EQ(first.shares, 5);
  EXPECT_EQ(first.threshold, 3);
  EXPECT_THAT(first.nonce, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  const SealStatus second = give(shares[1]);
  EXPECT_EQ(second.progress, 2);
  EXPECT_EQ(second.nonce, first.nonce);
  EXPECT_TRUE(second.sealed);
  const SealStatus third = give(shares[2]);
  EXPECT_FALSE(third.sealed);
  EXPECT_EQ(third.progress, 0);
  EXPECT_EQ(third.nonce, "");
  EXPECT_EQ(node_.barrier.store_id(), node_.manager.store_id());
}

TEST_F(SealManagerTest, WhatWasEncryptedOpensAfterSealingAndOnAnotherNode) {
  const auto shares = initialize(3, 2);
  give(shares[0]);
  give(shares[1]);
  const auto entry = node_.barrier.encrypt("nkey", "value");
  ASSERT_TRUE(entry.ok());
  const auto derived = node_.barrier.derive("purpose");
  ASSERT_TRUE(derived.ok());

  node_.manager.seal();
  EXPECT_TRUE(node_.manager.status().sealed);
  EXPECT_EQ(node_.barrier.decrypt("nkey", *entry).code(), Code::kSealed);
  give(shares[2]);
  EXPECT_FALSE(give(shares[0]).sealed);
  EXPECT_EQ(node_.barrier.decrypt("nkey", *entry)->reveal(), "value");

  Node other(storage_, rng_, clock_);
  ASSERT_TRUE(other.manager.load().ok());
  EXPECT_TRUE(other.manager.status().initialized);
  give(other, shares[1]);
  EXPECT_FALSE(give(other, shares[2]).sealed);
  EXPECT_EQ(other.barrier.decrypt("nkey", *entry)->reveal(), "value");
  EXPECT_EQ(other.barrier.derive("purpose")->reveal(), derived->reveal());
}

TEST_F(SealManagerTest, OneShareIsTheKeyItself) {
  const auto shares = initialize(1, 1);
  ASSERT_EQ(shares.size(), 1u);
  EXPECT_EQ(shares[0].size(), 32u);
  EXPECT_FALSE(give(shares[0]).sealed);
}

TEST_F(SealManagerTest, TheMostSharesWork) {
  const auto shares = initialize(255, 255);
  for (const SecretBytes& share : shares) give(share);
  EXPECT_FALSE(node_.barrier.sealed());
}

TEST_F(SealManagerTest, RefusesBadNumbers) {
  const std::pair<int, int> bad[] = {{0, 0}, {1, 0}, {2, 1}, {1, 2}, {256, 3}, {-1, -1}, {5, 6}};
  for (const auto& [shares, threshold] : bad) {
    EXPECT_EQ(node_.manager.initialize(shares, threshold).code(), Code::kInvalid) << shares << ' ' << threshold;
  }
  EXPECT_FALSE(node_.manager.status().initialized);
}

TEST_F(SealManagerTest, AShareGivenTwiceCountsOnce) {
  const auto shares = initialize(3, 2);
  give(shares[0]);
  const SealStatus again = give(shares[0]);
  EXPECT_EQ(again.progress, 1);
  EXPECT_TRUE(again.sealed);
  EXPECT_FALSE(give(shares[1]).sealed);
}

TEST_F(SealManagerTest, AShareOfTheWrongLengthIsRefusedAtOnceAndCostsNoProgress) {
  const auto shares = initialize(3, 2);
  give(shares[0]);
  for (const std::size_t size : {0, 1, 32, 34, 4096}) {
    EXPECT_EQ(node_.manager.unseal(SecretBytes::zeroed(size)).code(), Code::kInvalid);
  }
  EXPECT_EQ(node_.manager.status().progress, 1);
  EXPECT_FALSE(give(shares[1]).sealed);
}

TEST_F(SealManagerTest, AWrongShareDropsAllProgress) {
  const auto shares = initialize(5, 3);
  SecretBytes wrong = shares[1].clone();
  wrong.writable()[7] = static_cast<char>(wrong.writable()[7] ^ 1);
  give(shares[0]);
  give(wrong);
  EXPECT_EQ(node_.manager.unseal(shares[2]).code(), Code::kInvalid);
  EXPECT_EQ(node_.manager.status().progress, 0);
  EXPECT_EQ(node_.manager.status().nonce, "");
  EXPECT_TRUE(node_.barrier.sealed());

  for (int i : {0, 1, 2}) give(shares[i]);
  EXPECT_FALSE(node_.barrier.sealed());
}

TEST_F(SealManagerTest, TwoSharesOfOneCoordinateDoNotFit) {
  const auto shares = initialize(3, 2);
  SecretBytes twin = shares[0].clone();
  twin.writable()[0] = static_cast<char>(twin.writable()[0] ^ 1);
  give(shares[0]);
  EXPECT_EQ(node_.manager.unseal(twin).code(), Code::kInvalid);
  EXPECT_EQ(node_.manager.status().progress, 0);
}

TEST_F(SealManagerTest, ResetAndSealDropTheSharesCollected) {
  const auto shares = initialize(3, 2);
  const std::string nonce = give(shares[0]).nonce;
  node_.manager.reset();
  EXPECT_EQ(node_.manager.status().progress, 0);
  EXPECT_EQ(node_.manager.status().nonce, "");
  EXPECT_NE(give(shares[0]).nonce, nonce);
  node_.manager.seal();
  EXPECT_EQ(node_.manager.status().progress, 0);
}

TEST_F(SealManagerTest, AShareOnAnOpenBarrierHasNoEffect) {
  const auto shares = initialize(3, 2);
  give(shares[0]);
  give(shares[1]);
  for (const std::size_t size : {0, 33}) {
    const SealStatus status = give(SecretBytes::zeroed(size));
    EXPECT_FALSE(status.sealed);
    EXPECT_EQ(status.progress, 0);
  }
}

TEST_F(SealManagerTest, AStoreIsInitialisedOnce) {
  initialize(1, 1);
  const auto again = node_.manager.initialize(1, 1);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.code(), Code::kInvalid);
  EXPECT_EQ(again.error().message, "Vault is already initialized");
}

TEST_F(SealManagerTest, OfTwoNodesOneWins) {
  Node other(storage_, rng_, clock_);
  std::vector<SecretBytes> winning;
  storage_.before_commit = [&] { winning = std::move(other.manager.initialize(3, 2)->shares); };
  const auto lost = node_.manager.initialize(5, 3);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.code(), Code::kInvalid);
  EXPECT_EQ(lost.error().message, "Vault is already initialized");
  EXPECT_EQ(node_.manager.status().threshold, 2) << "the loser knows the winner's configuration";
  give(winning[0]);
  EXPECT_FALSE(give(winning[2]).sealed);
}

TEST_F(SealManagerTest, AnswersAtOnceOnTwoThreadsWithOneWinner) {
  Node other(storage_, rng_, clock_);
  std::atomic<int> won{0};
  const auto run = [&won](Node& node) {
    const auto made = node.manager.initialize(3, 2);
    if (made.ok()) {
      ++won;
    } else {
      EXPECT_TRUE(made.code() == Code::kInvalid || made.code() == Code::kUnavailable);
    }
  };
  std::thread first(run, std::ref(node_));
  std::thread second(run, std::ref(other));
  first.join();
  second.join();
  EXPECT_EQ(won, 1);
}

TEST_F(SealManagerTest, AnUnsealLearnsThatAnotherNodeInitialised) {
  ASSERT_TRUE(node_.manager.load().ok());
  Node other(storage_, rng_, clock_);
  const auto shares = std::move(other.manager.initialize(3, 2)->shares);
  give(shares[0]);
  EXPECT_FALSE(give(shares[1]).sealed);
}

TEST_F(SealManagerTest, ALostAnswerIsResolvedBeforeTheSharesAreGiven) {
  storage_.commits = SpoiledStorage::Commits::kLostAnswer;
  storage_.resolutions = {storage::Resolution::kStillUnknown, storage::Resolution::kHappened};
  const auto shares = initialize(3, 2);
  give(shares[0]);
  EXPECT_FALSE(give(shares[1]).sealed);
}

TEST_F(SealManagerTest, ALostCommitGivesNoShares) {
  storage_.commits = SpoiledStorage::Commits::kLostCommit;
  storage_.resolutions = {storage::Resolution::kDidNotHappen};
  EXPECT_EQ(node_.manager.initialize(3, 2).code(), Code::kUnavailable);
  EXPECT_FALSE(node_.manager.status().initialized);
  initialize(3, 2);
}

TEST_F(SealManagerTest, AnUnsettledInitialisationKeepsItsShares) {
  storage_.commits = SpoiledStorage::Commits::kLostAnswer;
  storage_.resolutions = {storage::Resolution::kStillUnknown};
  EXPECT_EQ(node_.manager.initialize(3, 2).code(), Code::kUnknown);
  EXPECT_EQ(node_.manager.initialize(5, 3).code(), Code::kUnavailable);
  storage_.resolutions = {storage::Resolution::kHappened};
  const auto made = node_.manager.initialize(3, 2);
  ASSERT_TRUE(made.ok());
  give(made->shares[0]);
  EXPECT_FALSE(give(made->shares[1]).sealed);
  EXPECT_EQ(node_.manager.initialize(3, 2).code(), Code::kInvalid);
}

TEST_F(SealManagerTest, AStoreThatFailsCostsOnlyTheLastShare) {
  const auto shares = initialize(5, 3);
  give(shares[0]);
  give(shares[1]);
  storage_.refuse_get = [](std::string_view) { return Error{Code::kUnavailable, "down"}; };
  EXPECT_EQ(node_.manager.unseal(shares[2]).code(), Code::kUnavailable);
  EXPECT_EQ(node_.manager.status().progress, 2);
  storage_.refuse_get = nullptr;
  EXPECT_FALSE(give(shares[2]).sealed);
}

TEST_F(SealManagerTest, StatusIsAnsweredWhileSharesCome) {
  const auto shares = initialize(3, 2);
  std::atomic<bool> stop{false};
  std::thread watcher([&] {
    while (!stop) {
      const SealStatus status = node_.manager.status();
      EXPECT_LE(status.progress, 1);
    }
  });
  for (int i = 0; i < 50; ++i) {
    give(shares[0]);
    EXPECT_FALSE(give(shares[1]).sealed);
    node_.manager.seal();
  }
  stop = true;
  watcher.join();
}

}  // namespace
}  // namespace keyhold::core
