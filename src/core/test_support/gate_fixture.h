#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/audit/journal_test_util.h"
#include "core/test_support/box_engine.h"
#include "core/test_support/test_node.h"
#include "storage/fault_storage.h"

namespace keyhold::core::test {

/// A node with boxes at "box/", on a store and a journal that can fail.
class GateTest : public ::testing::Test {
 protected:
  GateTest() {
    node_.initialize();
    mount_ = node_.put_mount("box/", "box");
    // Everything that a request needs is loaded.
    EXPECT_EQ(node_.read("box/item/none").word(), "not-found");
  }

  /// Hits only batches that write boxes, not elections of background jobs.
  void inject(storage::CommitFault fault) {
    fault.matches = [](const storage::Batch& batch) { return !batch.operations.empty() && batch.operations[0].key[0] == 'n'; };
    faults_.inject(std::move(fault));
  }
  std::string policy(std::string_view name, std::string_view text) {
    node_.put_policy(name, text);
    return node_.token({std::string(name)});
  }
  const TestNode::AddEngines engines_ = [this](Router& router, Node&) {
    router.add("box", box_);
    router.add("system", box_);
  };

  FakeClock clock_;
  storage::MemoryStorage memory_{clock_};
  storage::FaultStorage faults_{memory_, clock_};
  audit::FaultyCalls calls_;
  BoxEngine box_;
  TestNode node_{faults_, clock_, engines_, {2, &calls_}};
  keys::MountId mount_ = 0;
};

}  // namespace keyhold::core::test
