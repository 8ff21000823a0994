#include "engine/sys/mounts_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class AuthMounts : public test::MountsTest {};

TEST_F(AuthMounts, ListsAndReadsThem) {
  const Got all = node_.read("sys/auth");
  EXPECT_EQ(all.at("token/.type"), "token");
  EXPECT_EQ(all.at("token/.config.token_type"), "default-service");
  EXPECT_EQ(all.at("token/.options"), "null");
  EXPECT_EQ(all.at("kv/"), "(none)");
  EXPECT_EQ(node_.read("sys/auth/token").at("type"), "token");
  EXPECT_EQ(node_.read("sys/auth/token/").at("description"), "token based credentials");
  EXPECT_EQ(said(node_.read("sys/auth/none")), "No auth engine at auth/none/");
  EXPECT_EQ(node_.read("sys/auth/kv").word(), "invalid");
  EXPECT_EQ(all.mount_type, "system");
}

TEST_F(AuthMounts, AreEnabledWithTheirSettingsAndDisabled) {
  ASSERT_EQ(enable("team/badge", R"({"type":"badge","description":"d","local":true,"options":{"a":"b"},
      "config":{"default_lease_ttl":"1h","max_lease_ttl":7200,"token_type":"batch","listing_visibility":"unauth",
                "audit_non_hmac_request_keys":["x","y"],"passthrough_request_headers":"H1,H2","force_no_cache":true}})").word(), "empty");
  const Got got = node_.read("sys/auth/team/badge");
  EXPECT_EQ(got.at("type"), "badge");
  EXPECT_TRUE(got.at("accessor").starts_with("auth_badge_"));
  EXPECT_EQ(got.at("description"), "d");
  EXPECT_EQ(got.at("local"), "true");
  EXPECT_EQ(got.at("options"), R"({"a":"b"})");
  EXPECT_EQ(got.at("config"), R"({"default_lease_ttl":3600,"force_no_cache":true,"max_lease_ttl":7200,)"
                              R"("audit_non_hmac_request_keys":["x","y"],"passthrough_request_headers":["H1","H2"],)"
                              R"("listing_visibility":"unauth","token_type":"batch"})");
  EXPECT_EQ(node_.read("sys/auth").at("team/badge/.type"), "badge");
  EXPECT_EQ(node_.read("sys/mounts").at("auth/team/badge/"), "(none)");
  EXPECT_EQ(node_.erase("sys/auth/team/badge").word(), "empty");
  EXPECT_EQ(node_.read("sys/auth/team/badge").word(), "invalid");
  EXPECT_EQ(node_.erase("sys/auth/team/badge").word(), "empty") << "what is not there needs no end";
  EXPECT_EQ(node_.write("auth/team/badge/login", "{}", "").word(), "denied");
}

TEST_F(AuthMounts, RefusesWhatIsNotOneAndWhatIsInUse) {
  ASSERT_EQ(enable("badge").word(), "empty");
  for (const char* path : {"badge", "badge/", "badge/below", "token", "token/x", "x/tune"}) EXPECT_EQ(enable(path).word(), "invalid") << path;
  EXPECT_EQ(said(enable("x", R"({"type":"token"})")), "token credential backend cannot be instantiated");
  for (const char* type : {"kv", "kv-v2", "system", "cubbyhole", "github", "", "badge-v1", "badge-v"}) {
    EXPECT_EQ(said(enable("x", R"({"type":")" + std::string(type) + R"("})")), R"(unknown backend type: the field "type" may be badge)") << type;
  }
  EXPECT_EQ(said(enable("x", "{}")), R"(unknown backend type: the field "type" may be badge)");
  EXPECT_EQ(said(node_.erase("sys/auth/token")), "token credential backend cannot be disabled");
}

TEST_F(AuthMounts, AreNotMadeOrRemovedAsEnginesForSecretsNorTheOtherWayRound) {
  ASSERT_EQ(enable("badge").word(), "empty");
  EXPECT_EQ(node_.write("sys/mounts/auth/x", R"({"type":"badge"})").word(), "invalid");
  EXPECT_EQ(node_.write("sys/mounts/auth/x", R"({"type":"kv"})").word(), "invalid");
  EXPECT_EQ(said(node_.write("sys/mounts/x", R"({"type":"badge"})")),
            R"(unknown backend type: the field "type" may be generic, kv, kv-v1, kv-v2)");
  EXPECT_EQ(node_.erase("sys/mounts/auth/badge").word(), "invalid");
  EXPECT_EQ(node_.erase("sys/auth/kv").word(), "empty");
  EXPECT_EQ(node_.read("sys/mounts/kv").at("type"), "kv");
  EXPECT_EQ(node_.read("sys/auth/badge").at("type"), "badge");
}

TEST_F(AuthMounts, NeedSudoButAlsoStandBelowMountsForTheirTuning) {
  ASSERT_EQ(enable("badge").word(), "empty");
  const std::string all = R"(path "sys/auth/*" { capabilities = ["create", "read", "update", "delete", "list")";
  const std::string some = with_policy(all + "] }\n path \"sys/mounts/auth/*\" { capabilities = [\"read\", \"update\"] }");
  EXPECT_EQ(node_.read("sys/auth/badge", some).word(), "denied");
  EXPECT_EQ(node_.write("sys/auth/new", R"({"type":"badge"})", some).word(), "denied");
  EXPECT_EQ(node_.erase("sys/auth/badge", some).word(), "denied");
  EXPECT_EQ(node_.read("sys/auth/badge/tune", some).word(), "denied");
  EXPECT_EQ(node_.write("sys/auth/badge/tune", R"({"description":"x"})", some).word(), "denied");
  EXPECT_EQ(node_.write("sys/mounts/auth/badge/tune", R"({"description":"x"})", some).word(), "empty");
  EXPECT_EQ(node_.read("sys/mounts/auth/badge/tune", some).at("description"), "x");
  const std::string with_sudo = with_policy(all + ", \"sudo\"] }");
  EXPECT_EQ(node_.read("sys/auth/badge", with_sudo).word(), "found");
  EXPECT_EQ(node_.write("sys/auth/badge/tune", R"({"description":"y"})", with_sudo).word(), "empty");
  EXPECT_EQ(node_.erase("sys/auth/badge", with_sudo).word(), "empty");
}

TEST_F(AuthMounts, DisablingEndsTheTokensAndTheirChildrenAtOnceOnBothNodes) {
  ASSERT_EQ(enable("badge").word(), "empty");
  ASSERT_EQ(enable("other").word(), "empty");
  node_.put_policy("reader", R"(path "kv/data/*" { capabilities = ["read", "update", "create"] })");
  const std::string token = login("badge");
  const std::string batch = login("badge", R"({"policies":"reader","batch":true})");
  const std::string stays = login("other");
  // As auth/token would make one.
  std::string child;
  {
    core::Transaction tx = node_.transaction();
    const auto& tokens = node_.node().session().load()->tokens;
    const auto parent = tokens.find(tx, core::keys::kRootNamespace, tokens.id_of(token));
    ASSERT_TRUE(parent.ok());
    core::TokenSpec spec;
    spec.policies = {"reader"};
    spec.ttl_s = 3600;
    spec.mount_id = core::kTokenMount;
    spec.ancestors = {parent->record->liveness()};
    crypto::OsRng rng;
    auto made = tokens.create(tx, std::move(spec), rng);
    ASSERT_TRUE(made.ok() && node_.commit(tx).ok());
    child = made->token.reveal();
  }
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{}})", token).word(), "found");
  for (core::test::TestNode* node : {&node_, &other_.node}) {
    for (const std::string& one : {token, batch, child, stays}) EXPECT_EQ(node->read("kv/data/a", one).word(), "found");
  }
  // No job gets anything done.
  node_.node().jobs().stop();
  other_.node.node().jobs().stop();
  ASSERT_EQ(node_.erase("sys/auth/badge").word(), "empty");
  for (core::test::TestNode* node : {&node_, &other_.node}) {
    for (const std::string& one : {token, batch, child}) EXPECT_EQ(node->read("kv/data/a", one).word(), "denied");
    EXPECT_EQ(node->read("kv/data/a", stays).word(), "found");
  }
  ASSERT_EQ(enable("badge").word(), "empty");
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "denied") << "a new mount does not bring them back";
  node_.node().jobs().start();
  EXPECT_TRUE(jobs_done());
  EXPECT_EQ(node_.read("kv/data/a", stays).word(), "found");
}

TEST_F(AuthMounts, OfTwoThatOverlapOnTwoNodesOneWins) {
  for (int i = 0; i < 20; ++i) {
    const std::string outer = "sys/auth/race" + std::to_string(i);
    auto a = node_.ask_later({.operation = core::Operation::kUpdate, .path = outer, .body = R"({"type":"badge"})"});
    auto b = other_.node.ask_later({.operation = core::Operation::kUpdate, .path = outer + "/inner", .body = R"({"type":"badge"})"});
    const std::string words = a.get().word() + " " + b.get().word();
    EXPECT_TRUE(words == "empty invalid" || words == "invalid empty") << words;
  }
}

}  // namespace
}  // namespace keyhold::engine
