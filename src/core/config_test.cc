#include "core/config.h"

#include <gtest/gtest.h>

#include "core/test_support/box_engine.h"
#include "core/test_support/intercepted_storage.h"
#include "core/test_support/test_node.h"

namespace keyhold::core {
namespace {

constexpr std::string_view kReadItems = R"(path "box/item/*" { capabilities = ["read"] })";

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    node_.initialize();
    other_.join(node_);
  }
  const test::TestNode::AddEngines engines_ = [this](Router& router, Node&) { router.add("box", box_); };

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  test::BoxEngine box_;
  test::TestNode node_{store_, clock_, engines_};
  test::TestNode other_{store_, clock_, engines_};
};

TEST_F(ConfigTest, StartsWithTheBuiltInMountsAndTheDefaultPolicy) {
  const auto config = node_.node().config().snapshot().load();
  ASSERT_NE(config, nullptr);
  std::string paths;
  for (const MountPoint* mount : config->mounts(keys::kRootNamespace)) paths += mount->record.path() + " ";
  EXPECT_EQ(paths, "auth/token/ cubbyhole/ sys/ ");
  EXPECT_EQ(config->policy_names(keys::kRootNamespace), std::vector<std::string>{"default"});
  EXPECT_TRUE(config->mounts(keys::kRootNamespace + 1).empty());
}

TEST_F(ConfigTest, ACommitOfOneNodeMakesBothStale) {
  EXPECT_FALSE(node_.node().config().stale());
  node_.put_mount("box/", "box");
  EXPECT_TRUE(node_.node().config().stale());
  EXPECT_TRUE(other_.node().config().stale());
  ASSERT_TRUE(other_.node().config().refresh().ok());
  EXPECT_FALSE(other_.node().config().stale());
  EXPECT_NE(other_.node().config().snapshot().load()->mount_of(keys::kRootNamespace, "box/item/a"), nullptr);
}

TEST_F(ConfigTest, OtherRecordsLeaveItFresh) {
  node_.token({"default"});
  EXPECT_FALSE(node_.node().config().stale());
}

TEST_F(ConfigTest, APolicyThatCannotBeReadGrantsNothingAndStopsNobodyElse) {
  node_.put_mount("box/", "box");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  node_.put_policy("reader", kReadItems);
  const std::string good = node_.token({"reader"});
  const std::string bad = node_.token({"reader", "newer"});
  EXPECT_EQ(node_.read("box/item/a", bad).word(), "found");
  node_.put_policy("newer", "of a later version {{");
  EXPECT_EQ(node_.read("box/item/a", bad).word(), "denied");
  EXPECT_EQ(node_.read("box/item/a", good).word(), "found");
  node_.put_policy("newer", kReadItems);
  EXPECT_EQ(node_.read("box/item/a", bad).word(), "found");
}

TEST_F(ConfigTest, TheOtherNodeServesANewMountAtOnce) {
  EXPECT_EQ(other_.write("box/item/a", R"({"text":"x"})").word(), "not-found");
  node_.put_mount("box/", "box");
  EXPECT_EQ(other_.write("box/item/a", R"({"text":"x"})").word(), "found");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "x");
}

TEST_F(ConfigTest, ARemovedMountIsGoneFromBothAtOnce) {
  const keys::MountId id = node_.put_mount("box/", "box");
  ASSERT_EQ(other_.write("box/item/a", R"({"text":"x"})").word(), "found");
  Transaction tx = node_.transaction();
  const auto record = tx.load<records::Mount>(keys::mount(keys::kRootNamespace, id));
  ASSERT_TRUE(record.ok());
  records::Mount removed = **record;
  removed.set_state(records::Mount::REMOVED);
  tx.put(keys::mount(keys::kRootNamespace, id), encode_record(removed));
  ASSERT_TRUE(node_.commit(tx).ok());
  EXPECT_EQ(node_.read("box/item/a").word(), "not-found");
  EXPECT_EQ(other_.read("box/item/a").word(), "not-found");
  EXPECT_EQ(other_.write("box/item/a", R"({"text":"y"})").word(), "not-found");
}

TEST_F(ConfigTest, APolicyChangeHoldsForTheNextRequestOnBothNodes) {
  node_.put_mount("box/", "box");
  const std::string token = node_.token({"reader"});
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  for (test::TestNode* node : {&node_, &other_}) EXPECT_EQ(node->read("box/item/a", token).word(), "denied");
  node_.put_policy("reader", kReadItems);
  for (test::TestNode* node : {&node_, &other_}) EXPECT_EQ(node->read("box/item/a", token).word(), "found");
  other_.put_policy("reader", R"(path "box/item/*" { capabilities = ["deny"] })");
  for (test::TestNode* node : {&node_, &other_}) EXPECT_EQ(node->read("box/item/a", token).word(), "denied");
}

TEST_F(ConfigTest, IsStaleToOthersUntilWhatChangedIsPublished) {
  test::InterceptedStorage tap(store_);
  test::TestNode node{tap, clock_, engines_};
  node.join(node_);
  node_.put_mount("box/", "box");
  bool stale_while_loading = false;
  tap.before_get(keys::kMountKind.front(), [&] { stale_while_loading = node.node().config().stale(); });
  ASSERT_TRUE(node.node().config().refresh().ok());
  EXPECT_TRUE(stale_while_loading);
  EXPECT_FALSE(node.node().config().stale());
}

TEST_F(ConfigTest, AChangeDuringALoadIsLoadedToo) {
  test::InterceptedStorage tap(store_);
  test::TestNode node{tap, clock_, engines_};
  node.join(node_);
  node_.put_mount("box/", "box");
  tap.before_get(keys::kMountKind.front(), [&] { node_.put_mount("crate/", "box"); });
  ASSERT_TRUE(node.node().config().refresh().ok());
  EXPECT_NE(node.node().config().snapshot().load()->mount_of(keys::kRootNamespace, "crate/a"), nullptr);
}

TEST_F(ConfigTest, AStoreThatCannotBeReadIsAskedAgain) {
  EXPECT_EQ(node_.node().config().snapshot().load()->policy(keys::kRootNamespace, "reader"), nullptr);
  node_.put_policy("reader", kReadItems);
  node_.node().seal();
  EXPECT_EQ(node_.read("box/item/a").word(), "sealed");
  node_.unseal();
  EXPECT_NE(node_.node().config().snapshot().load()->policy(keys::kRootNamespace, "reader"), nullptr);
}

}  // namespace
}  // namespace keyhold::core
