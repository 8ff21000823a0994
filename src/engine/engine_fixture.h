#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "core/test_support/intercepted_storage.h"
#include "core/test_support/test_node.h"
#include "engine/engines.h"
#include "storage/fault_storage.h"

namespace keyhold::engine::test {

using core::test::Ask;
using core::test::Got;
using core::test::TestNode;

/// A node with all engines of this folder.
class EngineNode {
 public:
  EngineNode(storage::Storage& store, const Clock& clock, TestNode::Options options = {1, nullptr, {}, {}, {}})
      : node(
            store, clock,
            [this](core::Router& router, core::Node& own) {
              engines_.emplace(own, router, ServerFacts{}, audit_devices());
              engines_->add_to(router);
            },
            options) {}

 private:
  static std::vector<core::audit::Device> audit_devices() {
    return {*core::audit::Device::make("file", "siem", {{"file_path", "/var/log/siem.log"}, {"mode", "0640"}})};
  }

  std::optional<Engines> engines_;

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
