#include "core/token_reaper.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/test_support/test_tokens.h"

namespace keyhold::core {
namespace {

class TokenReaperTest : public test::TokenFixture {
 protected:
  bool orphan(const NewToken& token) {
    Transaction tx = node_.transaction();
    const auto found = tokens().find(tx, keys::kRootNamespace, id(token));
    EXPECT_TRUE(found.ok());
    return found.ok() && found->record->orphan();
  }
};

TEST_F(TokenReaperTest, OfATreeThatEndsNothingStays) {
  const NewToken parent = create(living(1'000));
  for (int i = 0; i < 30; ++i) {
    const NewToken child = child_of(parent);
    const NewToken grandchild = child_of(child);
    TokenSpec limited = below(grandchild);
    limited.num_uses = 3;
    limited.mount_id = kTokenMount;
    limited.lease_path = "create";
    create(std::move(limited));
  }
  const NewToken other = create(living(1'000));
  const std::size_t others = 4;
  EXPECT_GT(token_entries(), 30 * 12u);
  revoke(parent);
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(token_entries(), others);
  EXPECT_TRUE(valid(other));
}

TEST_F(TokenReaperTest, LetGoChildrenGoOnAsOrphansWhateverBecomesOfThoseAbove) {
  const NewToken top = create(living(1'000));
  const NewToken middle = child_of(top, 1'000);
  const NewToken child = child_of(middle, 1'000);
  const NewToken grandchild = child_of(child, 1'000);
  const NewToken sibling = child_of(top, 1'000);
  revoke_orphaning(middle);
  // At once, before any job.
  EXPECT_FALSE(valid(middle));
  EXPECT_TRUE(valid(child));
  EXPECT_TRUE(valid(grandchild));
  ASSERT_TRUE(jobs_done());
  EXPECT_TRUE(orphan(child));
  EXPECT_FALSE(orphan(grandchild));
  revoke(top);
  EXPECT_FALSE(valid(sibling));
  EXPECT_TRUE(valid(child));
  EXPECT_TRUE(valid(grandchild));
  revoke(child);
  EXPECT_FALSE(valid(grandchild));
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(token_entries(), 0u);
}

TEST_F(TokenReaperTest, TheOneAboveMayEndBeforeTheJobHasRun) {
  const NewToken top = create(living(1'000));
  const NewToken middle = child_of(top);
  const NewToken child = child_of(middle);
  revoke_orphaning(middle);
  revoke(top);
  EXPECT_TRUE(valid(child));
  ASSERT_TRUE(jobs_done());
  EXPECT_TRUE(valid(child));
  EXPECT_TRUE(orphan(child));
}

TEST_F(TokenReaperTest, OneThatIsBeingLetGoOfIsValidAtEveryMoment) {
  for (int round = 0; round < 200; ++round) {
    const NewToken top = create(living(1'000));
    const NewToken middle = child_of(top);
    const NewToken child = child_of(middle);
    revoke_orphaning(middle);
    revoke(top);
    std::thread jobs([this] { EXPECT_TRUE(jobs_done()); });
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(valid(child)) << round;
    jobs.join();
  }
}

TEST_F(TokenReaperTest, BatchTokensFollowTheirParent) {
  const NewToken top = create(living(1'000));
  const NewToken parent = child_of(top);
  const NewToken batch = batch_below(parent);
  EXPECT_TRUE(valid(batch));
  revoke_orphaning(top);
  EXPECT_TRUE(valid(batch)) << "its parent goes on";
  ASSERT_TRUE(jobs_done());
  EXPECT_TRUE(valid(batch));
  revoke_orphaning(parent);
  EXPECT_FALSE(valid(batch)) << "it cannot be let go of: it is not stored";
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(token_entries(), 0u);
}

TEST_F(TokenReaperTest, ABatchTokenDoesNotComeBackWithItsParentsName) {
  TokenSpec chosen = living(0);
  chosen.chosen = SecretBytes::copy_of("mine");
  const NewToken parent = create(std::move(chosen));
  const NewToken batch = batch_below(parent);
  EXPECT_TRUE(valid(batch));
  revoke(parent);
  TokenSpec again = living(0);
  again.chosen = SecretBytes::copy_of("mine");
  EXPECT_TRUE(valid(create(std::move(again))));
  EXPECT_FALSE(valid(batch));
}

TEST_F(TokenReaperTest, RemovingAMountEndsTheTokensItGaveOut) {
  const keys::MountId mount = node_.put_mount("auth/door/", "door");
  TokenSpec lease = living(1'000);
  lease.mount_id = mount;
  lease.lease_path = "login/alice";
  const NewToken given = create(std::move(lease));
  const NewToken below_it = child_of(given);
  Transaction tx = node_.transaction();
  records::Job job;
  job.set_kind(records::Job::REMOVE_MOUNT_DATA);
  job.set_namespace_id(keys::kRootNamespace);
  job.set_mount_id(mount);
  tx.put(keys::job(keys::kRootNamespace, mount), encode_record(job));
  ASSERT_TRUE(node_.commit(tx).ok());
  ASSERT_TRUE(jobs_done());
  EXPECT_FALSE(valid(given));
  EXPECT_FALSE(valid(below_it));
  EXPECT_EQ(token_entries(), 0u);
}

}  // namespace
}  // namespace keyhold::core
