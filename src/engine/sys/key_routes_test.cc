#include <gtest/gtest.h>

#include "base/time_format.h"
#include "core/keyring_rotation.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using storage::CommitFault;
using test::Got;

class KeyRoutesTest : public test::EngineTest {
 protected:
  Got status() { return node_.read("sys/key-status"); }
  std::string term() { return status().at("term"); }
};

TEST_F(KeyRoutesTest, TellsTheKeyringsNewestKey) {
  const Got before = status();
  EXPECT_EQ(before.at("term"), "1");
  EXPECT_EQ(before.at("install_time"), std::string(format_rfc3339(clock_.now_ms())));
  node_.write("kv/data/a", R"({"data":{"a":1}})");
  EXPECT_GT(std::stoll(status().at("encryptions")), std::stoll(before.at("encryptions")));
}

TEST_F(KeyRoutesTest, RotatesUnderEitherNameAndKeepsWhatIsThere) {
  node_.write("kv/data/a", R"({"data":{"a":"1"}})");
  clock_.advance_ms(5'000);
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty");
  EXPECT_EQ(term(), "2");
  EXPECT_EQ(status().at("install_time"), std::string(format_rfc3339(clock_.now_ms())));
  EXPECT_EQ(node_.write("sys/rotate/keyring", "").word(), "empty");
  EXPECT_EQ(term(), "3");
  node_.write("kv/data/b", R"({"data":{"a":"2"}})");
  node_.node().seal();
  node_.unseal();
  EXPECT_EQ(term(), "3");
  EXPECT_EQ(node_.read("kv/data/a").at("data.a"), "1");
  EXPECT_EQ(node_.read("kv/data/b").at("data.a"), "2");
}

TEST_F(KeyRoutesTest, RotatingTakesSudo) {
  const std::string weak = with_policy(R"(path "sys/rotate" { capabilities = ["update"] } path "sys/rotate/config" { capabilities = ["update", "read"] })");
  EXPECT_EQ(node_.write("sys/rotate", "", weak).word(), "denied");
  EXPECT_EQ(node_.write("sys/rotate", "", "").word(), "denied");
  EXPECT_EQ(node_.write("sys/rotate/config", R"({"enabled":false})", weak).word(), "denied");
  EXPECT_EQ(node_.read("sys/key-status", "").word(), "denied");
  EXPECT_EQ(term(), "1");
}

TEST_F(KeyRoutesTest, AFaultyStoreRotatesOnceOrNotAtAll) {
  const auto of_keyring = [](const storage::Batch& batch) {
    return std::ranges::any_of(batch.operations, [](const auto& operation) { return operation.key == core::seal_records::kKeyringKey; });
  };
  faults_.inject({.kind = CommitFault::Kind::kConflict, .times = 3, .matches = of_keyring});
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty") << "run again";
  EXPECT_EQ(term(), "2");
  faults_.inject({.kind = CommitFault::Kind::kUnknownHappened, .matches = of_keyring});
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty");
  EXPECT_EQ(term(), "3");
  for (const auto kind : {CommitFault::Kind::kUnknownDidNotHappen, CommitFault::Kind::kRefused}) {
    faults_.inject({.kind = kind, .matches = of_keyring});
    EXPECT_EQ(node_.write("sys/rotate", "").word(), "unavailable");
    EXPECT_EQ(term(), "3");
  }
  faults_.inject({.kind = CommitFault::Kind::kUnknownHappened, .matches = of_keyring, .resolves_unknown = 5});
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "unknown");
  EXPECT_EQ(term(), "4");
}

TEST_F(KeyRoutesTest, TheOtherNodeFollowsAndRacesLoseNothing) {
  test::EngineNode other_engines(faults_, clock_);
  test::TestNode& other = other_engines.node;
  other.join(node_);
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty");
  EXPECT_EQ(node_.write("kv/data/a", R"({"data":{"a":"new"}})").word(), "found");
  EXPECT_EQ(other.read("kv/data/a").at("data.a"), "new") << "an entry of a term that it had not";
  EXPECT_EQ(other.read("sys/key-status").at("term"), "2");

  std::vector<std::future<Got>> asked;
  for (int i = 0; i < 20; ++i) {
    asked.push_back((i % 2 == 0 ? node_ : other).ask_later({.operation = core::Operation::kUpdate, .path = "sys/rotate"}));
    const std::string name = std::to_string(i);
    asked.push_back((i % 2 == 1 ? node_ : other).ask_later({.operation = core::Operation::kUpdate,
                                                           .path = "kv/data/r" + name,
                                                           .body = R"({"data":{"a":")" + name + R"("}})"}));
  }
  int rotated = 0;
  for (auto& each : asked) rotated += each.get().word() == "empty" ? 1 : 0;
  EXPECT_EQ(node_.read("sys/key-status").at("term"), std::to_string(2 + rotated));
  EXPECT_EQ(other.read("sys/key-status").at("term"), std::to_string(2 + rotated));
  for (test::TestNode* node : {&node_, &other}) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(node->read("kv/data/r" + std::to_string(i)).at("data.a"), std::to_string(i));
  }
}

TEST_F(KeyRoutesTest, SettingsHaveVaultsDefaultsAndBounds) {
  for (const char* path : {"sys/rotate/config", "sys/rotate/keyring/config"}) {
    const Got got = node_.read(path);
    EXPECT_EQ(got.data, R"({"max_operations":3865470566,"interval":0,"enabled":true})");
  }
  for (const char* bad : {R"({"max_operations":999999})", R"({"max_operations":3865470567})", R"({"max_operations":-1})",
                          R"({"interval":"23h"})", R"({"interval":-1})", R"({"interval":"x"})", R"({"enabled":"x"})"}) {
    EXPECT_EQ(node_.write("sys/rotate/config", bad).word(), "invalid") << bad;
  }
  EXPECT_EQ(node_.write("sys/rotate/config", R"({"interval":"48h"})").word(), "empty");
  EXPECT_EQ(node_.write("sys/rotate/keyring/config", R"({"max_operations":1000000,"enabled":false})").word(), "empty");
  EXPECT_EQ(node_.read("sys/rotate/config").data, R"({"max_operations":1000000,"interval":172800,"enabled":false})");
}

TEST_F(KeyRoutesTest, RotatesByItselfWhenItIsTime) {
  node_.write("sys/rotate/config", R"({"interval":"24h"})");
  node_.node().keyring().wake();
  clock_.advance_ms(24 * 3600 * 1000 - 1000);
  EXPECT_EQ(term(), "1");
  clock_.advance_ms(1000);
  node_.node().keyring().wake();
  EXPECT_TRUE(core::test::await([this] { return term() == "2"; }));
  node_.write("sys/rotate/config", R"({"enabled":false})");
  clock_.advance_ms(48 * 3600 * 1000);
  node_.node().keyring().wake();
  node_.node().seal();  // Waits for the round.
  node_.unseal();
  EXPECT_EQ(term(), "2");
}

TEST_F(KeyRoutesTest, RotatesByItselfWhenEnoughWasEncrypted) {
  core::records::Encryptions noted;
  noted.set_term(1);
  noted.set_count(1'000'000);
  auto tx = node_.transaction();
  tx.put(core::keys::encryptions(), core::encode_record(noted));
  ASSERT_TRUE(node_.commit(tx).ok());
  EXPECT_GE(std::stoll(status().at("encryptions")), 1'000'000);
  node_.write("sys/rotate/config", R"({"max_operations":1000000})");
  node_.node().keyring().wake();
  EXPECT_TRUE(core::test::await([this] { return term() == "2"; }));
  EXPECT_LT(std::stoll(status().at("encryptions")), 1000) << "those of the new key";
}

TEST_F(KeyRoutesTest, WhatWasCountedSurvivesSealing) {
  for (int i = 0; i < 10; ++i) node_.write("kv/data/a", R"({"data":{"a":1}})");
  const auto before = std::stoll(status().at("encryptions"));
  EXPECT_GE(before, 10);
  node_.node().seal();
  node_.unseal();
  EXPECT_GE(std::stoll(status().at("encryptions")), before);
}

}  // namespace
}  // namespace keyhold::engine
