#include "core/secret.h"

#include <gtest/gtest.h>

#include "core/test_support/intercepted_storage.h"
#include "core/secret_write.h"
#include "core/test_support/test_node.h"

namespace keyhold::core::secrets {
namespace {

constexpr keys::MountId kMount = 2000;

class SecretTest : public ::testing::Test {
 protected:
  SecretTest() { node_.initialize(); }

  std::shared_ptr<const Session> session() { return node_.node().session().load(); }
  Transaction::Commit prepared_put(std::string_view name, std::string_view bytes) {
    Transaction tx = node_.transaction();
    NewContent content;
    content.bytes = bytes;
    const auto existing = find(tx, kMount, name);
    CHECK(existing.ok());
    Head changed = open_head(tx, {kMount, keys::kRootNamespace, name}, existing->get(), clock_.now_ms(), rng_);
    put_version(tx, kMount, changed, content, settings_, session()->fingerprints, clock_.now_ms(), rng_);
    auto commit = tx.prepare(node_.node().barrier());
    CHECK(commit.ok());
    return std::move(commit).value();
  }
  void put(std::string_view name, std::string_view bytes) {
    Transaction::Commit commit = prepared_put(name, bytes);
    for (storage::Batch& batch : commit.staged) ASSERT_TRUE(store_.commit(std::move(batch)).ok());
    ASSERT_TRUE(store_.commit(std::move(commit.batch)).ok());
  }
  std::shared_ptr<const Head> head(std::string_view name) {
    Transaction tx = node_.transaction();
    auto found = find(tx, kMount, name);
    CHECK(found.ok());
    return std::move(found).value();
  }
  std::string content_of(std::string_view name, std::uint64_t number) {
    Transaction tx = node_.transaction();
    const auto found = find(tx, kMount, name);
    const Version* version = version_numbered(**found, number);
    if (version == nullptr) return "(no version)";
    const auto held = content(tx, kMount, **found, *version, session()->redactor);
    return held.ok() ? std::string(held->reveal()) : "(" + held.error().message + ")";
  }
  void change(std::string_view name, std::vector<std::int64_t> numbers, StateChange change) {
    Transaction tx = node_.transaction();
    change_versions(tx, kMount, *head(name), numbers, change, settings_, clock_.now_ms());
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  std::size_t keys_of_kind(char kind) { return test::count_keys(store_, keys::with_owner(kind, kMount)); }

  Settings settings_;
  FakeClock clock_;
  crypto::SeededRng rng_{1};
  storage::MemoryStorage store_{clock_};
  test::InterceptedStorage tap_{store_};
  test::TestNode node_{tap_, clock_, [](Router&, Node&) {}};
};

TEST_F(SecretTest, VersionsCountUpAndLabelsMove) {
  put("a", R"({"n":1})");
  put("a", R"({"n":2})");
  const auto found = head("a");
  ASSERT_EQ(found->versions_size(), 2);
  EXPECT_EQ(current_version(*found)->number(), 2u);
  EXPECT_EQ(found->labels().at(std::string(kPreviousLabel)), version_numbered(*found, 1)->id());
  EXPECT_EQ(content_of("a", 1), R"({"n":1})");
  EXPECT_EQ(content_of("a", 2), R"({"n":2})");
  EXPECT_NE(version_numbered(*found, 1)->fingerprint(), version_numbered(*found, 2)->fingerprint());
}

TEST_F(SecretTest, TheOldestOverTheMaximumIsErased) {
  for (int i = 1; i <= 13; ++i) put("a", R"({"n":)" + std::to_string(i) + "}");
  const auto found = head("a");
  EXPECT_EQ(found->versions_size(), 10);
  EXPECT_EQ(found->oldest_number(), 4u);
  EXPECT_EQ(found->last_number(), 13u);
  EXPECT_EQ(version_numbered(*found, 3), nullptr);
  EXPECT_EQ(content_of("a", 4), R"({"n":4})");
  EXPECT_EQ(keys_of_kind('v'), 10u);
}

TEST_F(SecretTest, StatesChangeAndBack) {
  put("a", "{}");
  change("a", {1, 99, 0, -1}, StateChange::kDelete);
  EXPECT_FALSE(readable(*version_numbered(*head("a"), 1), clock_.now_ms()));
  EXPECT_EQ(version_numbered(*head("a"), 1)->deleted_ms(), clock_.now_ms());
  change("a", {1}, StateChange::kUndelete);
  EXPECT_TRUE(readable(*version_numbered(*head("a"), 1), clock_.now_ms()));
  change("a", {1}, StateChange::kDestroy);
  EXPECT_EQ(keys_of_kind('v'), 0u) << "the bytes are gone";
  change("a", {1}, StateChange::kUndelete);
  EXPECT_EQ(version_numbered(*head("a"), 1)->state(), Version::DESTROYED);
}

TEST_F(SecretTest, ReadableOnlyWithinItsTimes) {
  Version version;
  version.set_not_before_ms(100);
  version.set_expires_ms(200);
  EXPECT_FALSE(readable(version, 99));
  EXPECT_TRUE(readable(version, 100));
  EXPECT_TRUE(readable(version, 199));
  EXPECT_FALSE(readable(version, 200));
}

TEST_F(SecretTest, BigContentIsChunkedAndComesBackWhole) {
  for (const std::size_t bytes : {kInlineContentBytesMax, kInlineContentBytesMax + 1, std::size_t{1} << 20, std::size_t{2} << 20}) {
    const std::string name = std::to_string(bytes);
    const std::string big = R"({"k":")" + std::string(bytes - 8, 'y') + R"("})";
    ASSERT_EQ(big.size(), bytes);
    put(name, big);
    EXPECT_EQ(content_of(name, 1), big) << bytes;
    EXPECT_EQ(head(name)->versions(0).chunks() == 0, bytes <= kInlineContentBytesMax);
  }
  EXPECT_EQ(keys_of_kind('o'), 0u) << "nothing is pending";
  change(std::to_string(2 << 20), {1}, StateChange::kDestroy);
  change(std::to_string(1 << 20), {1}, StateChange::kDestroy);
  change(std::to_string(kInlineContentBytesMax + 1), {1}, StateChange::kDestroy);
  EXPECT_EQ(keys_of_kind('x'), 0u);
}

TEST_F(SecretTest, DroppedVersionsTakeTheirChunksWithThem) {
  for (int i = 0; i < 11; ++i) put("a", R"({"k":")" + std::string(300 * 1024, 'a') + R"("})");
  EXPECT_EQ(keys_of_kind('x'), 20u);
}

TEST_F(SecretTest, AKillBetweenStagedBatchesLeavesTheSecretAsItWas) {
  put("a", "{\"n\":1}");
  const std::string big = R"({"k":")" + std::string(1 << 20, 'b') + R"("})";
  const std::size_t batches = prepared_put("a", big).staged.size();
  ASSERT_GT(batches, 1u);
  for (std::size_t done = 0; done <= batches; ++done) {
    Transaction::Commit commit = prepared_put("a", big);
    for (std::size_t i = 0; i < done; ++i) ASSERT_TRUE(store_.commit(std::move(commit.staged[i])).ok());
    EXPECT_EQ(head("a")->versions_size(), 1) << done;
    EXPECT_EQ(content_of("a", 1), "{\"n\":1}");
  }
  EXPECT_EQ(keys_of_kind('o'), batches);

  ASSERT_TRUE(node_.node().jobs().run_all().ok());
  EXPECT_EQ(keys_of_kind('o'), batches) << "too young: their commit may still come";
  clock_.advance_ms(3600 * 1000);
  ASSERT_TRUE(node_.node().jobs().run_all().ok());
  EXPECT_EQ(keys_of_kind('o'), 0u);
  EXPECT_EQ(keys_of_kind('x'), 0u);
  EXPECT_EQ(content_of("a", 1), "{\"n\":1}");
}

TEST_F(SecretTest, ACommitThatComesAfterItsChunksWereTidiedAwayFails) {
  Transaction::Commit commit = prepared_put("a", R"({"k":")" + std::string(1 << 20, 'b') + R"("})");
  for (storage::Batch& batch : commit.staged) ASSERT_TRUE(store_.commit(std::move(batch)).ok());
  clock_.advance_ms(3600 * 1000);
  ASSERT_TRUE(node_.node().jobs().run_all().ok());
  EXPECT_EQ(store_.commit(std::move(commit.batch)).kind, storage::Outcome::Kind::kConflict);
  EXPECT_EQ(head("a"), nullptr);
}

TEST_F(SecretTest, AWriteThatIsStagedWhileItsMountIsRemovedLeavesNothing) {
  const std::string big = R"({"k":")" + std::string(1 << 20, 'b') + R"("})";
  for (const char kind : keys::kMountOwnedKinds) {
    Transaction::Commit commit = prepared_put("a", big);
    tap_.before_list(kind, [&] { EXPECT_TRUE(store_.commit(std::move(commit.staged[0])).ok()); });
    records::Job job;
    job.set_kind(records::Job::REMOVE_MOUNT_DATA);
    job.set_namespace_id(keys::kRootNamespace);
    job.set_mount_id(kMount);
    Transaction tx = node_.transaction();
    tx.put(keys::job(keys::kRootNamespace, kMount), encode_record(job));
    ASSERT_TRUE(node_.commit(tx).ok());
    ASSERT_TRUE(test::await([this] { return test::count_keys(store_, keys::kJobKind) == 0; }));
    store_.commit(std::move(commit.staged[1]));  // It may be too late.
  }
  clock_.advance_ms(3600 * 1000);
  ASSERT_TRUE(node_.node().jobs().run_all().ok());
  EXPECT_EQ(keys_of_kind('o'), 0u);
  EXPECT_EQ(keys_of_kind('x'), 0u);
}

TEST_F(SecretTest, ListsOneFolderInOrderPageByPage) {
  for (const char* name : {"a", "a/b", "a/c/d", "b", "ab", "c/x/y"}) put(name, "{}");
  const auto names = [this](std::string_view prefix, std::string_view after, std::size_t limit) {
    Transaction tx = node_.transaction();
    const auto page = list(tx, kMount, prefix, after, limit);
    std::string text;
    for (const std::string& name : page->names) text += name + " ";
    return text + (page->more ? "…" : "");
  };
  EXPECT_EQ(names("", "", 10), "a a/ ab b c/ ");
  EXPECT_EQ(names("a/", "", 10), "b c/ ");
  EXPECT_EQ(names("none/", "", 10), "");
  EXPECT_EQ(names("", "", 2), "a a/ …");
  EXPECT_EQ(names("", "a/", 2), "ab b …");
  EXPECT_EQ(names("", "b", 2), "c/ ");
}

TEST_F(SecretTest, MountsShareNothing) {
  put("a", "{}");
  Transaction tx = node_.transaction();
  EXPECT_EQ(*find(tx, kMount + 1, "a"), nullptr);
}

TEST_F(SecretTest, NoContentIsInTheStoreInClear) {
  put("a", R"({"password":"hunter2hunter2"})");
  EXPECT_EQ(test::all_bytes(store_).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace keyhold::core::secrets
