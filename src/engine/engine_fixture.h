#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "core/test_support/intercepted_storage.h"
#include "core/test_support/test_node.h"
#include "engine/kv/kv_engine.h"
#include "engine/sys/sys_engine.h"
#include "engine/sys/sys_info.h"
#include "engine/sys/sys_tools.h"
#include "storage/fault_storage.h"

namespace keyhold::engine::test {

using core::test::Ask;
using core::test::Got;
using core::test::TestNode;

/// A node with the engines of this folder, and its own "sys".
class EngineNode {
 public:
  EngineNode(storage::Storage& store, const Clock& clock, TestNode::Options options = {1, nullptr})
      : node(
            store, clock,
            [this](core::Router& router, core::Node& own) {
              sys_.emplace(own, router);
              router.add("sys", *sys_);
              router.add("sys", info_);
              router.add("sys", tools_);
              router.add("kv", kv_);
            },
            options) {}

 private:
  KvEngine kv_;
  SysInfo info_;
  SysTools tools_;
  std::optional<SysEngine> sys_;

 public:
  TestNode node;
};

/// One initialised node with an empty kv-v2 at "kv/".
class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    node_.initialize();
    EXPECT_EQ(mount("kv").word(), "empty");
  }

  Got mount(const std::string& path) { return node_.write("sys/mounts/" + path, R"({"type":"kv-v2"})"); }
  core::keys::MountId mount_id(std::string_view path) {
    EXPECT_TRUE(node_.node().config().refresh().ok());
    return node_.node().config().snapshot().load()->mount_of(core::keys::kRootNamespace, path)->record.id();
  }
  std::string with_policy(std::string_view text) {
    node_.put_policy("given", text);
    return node_.token({"given"});
  }
  std::size_t keys_of(core::keys::MountId id) {
    std::size_t count = 0;
    for (const char kind : core::keys::kMountOwnedKinds) count += core::test::count_keys(memory_, core::keys::with_owner(kind, id));
    return count;
  }

  FakeClock clock_;
  storage::MemoryStorage memory_{clock_};
  storage::FaultStorage faults_{memory_, clock_};
  EngineNode engines_{faults_, clock_};
  TestNode& node_ = engines_.node;
};

}  // namespace keyhold::engine::test
