#include "engine/sys/mounts_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class Remount : public test::MountsTest {};

TEST_F(Remount, MovesTheEntryAndKeepsTheRest) {
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{"x":1}})").word(), "found");
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{"x":2}})").word(), "found");
  ASSERT_EQ(tune("kv", R"({"description":"d","max_lease_ttl":"1h"})").word(), "empty");
  const Got before = node_.read("sys/mounts/kv");
  const Got moved = remount("kv", "team/new");
  ASSERT_EQ(moved.word(), "found");
  EXPECT_EQ(node_.read("sys/mounts/kv").word(), "invalid");
  EXPECT_EQ(node_.read("sys/mounts/team/new").data, before.data) << "accessor, uuid, settings";
  for (core::test::TestNode* node : {&node_, &other_.node}) {
    EXPECT_EQ(node->read("kv/data/a").word(), "not-found");
    EXPECT_EQ(node->read("team/new/data/a").at("data"), R"({"x":2})");
    const Got status = node->read("sys/remount/status/" + moved.at("migration_id"));
    EXPECT_EQ(status.at("migration_info"), R"({"source_mount":"kv/","status":"success","target_mount":"team/new/"})");
    EXPECT_EQ(status.at("migration_id"), moved.at("migration_id"));
  }
  EXPECT_EQ(node_.write("team/new/data/a", R"({"data":{"x":3}})").at("version"), "3");
  ASSERT_EQ(node_.write("sys/mounts/kv", R"({"type":"kv-v2"})").word(), "empty") << "its path is free";
  EXPECT_EQ(node_.read("kv/data/a").word(), "not-found");
  EXPECT_EQ(node_.read("sys/remount/status/none").word(), "not-found");
}

TEST_F(Remount, PoliciesAreOfPaths) {
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{"x":1}})").word(), "found");
  const std::string token = with_policy(R"(path "kv/*" { capabilities = ["read", "update", "create"] })");
  ASSERT_EQ(node_.read("kv/data/a", token).word(), "found");
  ASSERT_EQ(remount("kv/", "new/").word(), "found");
  EXPECT_EQ(node_.read("new/data/a", token).word(), "denied");
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "not-found");
  ASSERT_EQ(node_.write("sys/mounts/kv", R"({"type":"kv-v2"})").word(), "empty");
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "not-found") << "what is there now is another mount";
}

TEST_F(Remount, RefusesWhatCannotBeMovedAndWhereTo) {
  ASSERT_EQ(node_.write("sys/mounts/b/c", R"({"type":"kv"})").word(), "empty");
  ASSERT_EQ(enable("badge").word(), "empty");
  EXPECT_EQ(said(remount("", "x")), "both 'from' and 'to' path must be specified as a string");
  EXPECT_EQ(remount("kv", "").word(), "invalid");
  EXPECT_EQ(said(remount("none", "x")), "no matching mount at the path 'from'");
  EXPECT_EQ(remount("kv/below", "x").word(), "invalid");
  for (const char* from : {"sys", "cubbyhole", "auth/token"}) EXPECT_NE(said(remount(from, "auth/x")).find("built in"), std::string::npos) << from;
  for (const char* to : {"kv", "kv/below", "b", "b/c", "b/c/d", "sys/x", "auth/x", "auth", "cubbyhole/x", "audit/x", "identity/x", "x/tune", "a//b",
                         "../x", "x/../y", "//", "a%2fb", "a%", "/", "a\\\\b", "a\\u0000b"}) {
    EXPECT_EQ(remount("kv", to).word(), "invalid") << to;
  }
  EXPECT_EQ(remount("kv", std::string(600, 'x')).word(), "invalid");
  EXPECT_EQ(said(remount("auth/badge", "badge")), "cannot remount auth mount to non-auth mount");
  for (const char* to : {"auth/token", "auth/token/x", "auth", "auth/x/tune"}) EXPECT_EQ(remount("auth/badge", to).word(), "invalid") << to;
  EXPECT_EQ(node_.read("sys/mounts/kv").at("type"), "kv");
  EXPECT_EQ(node_.read("sys/auth/badge").at("type"), "badge");
}

TEST_F(Remount, NeedsSudo) {
  const std::string rule = R"(path "sys/remount" { capabilities = ["update")";
  EXPECT_EQ(node_.write("sys/remount", R"({"from":"kv","to":"x"})", with_policy(rule + "] }")).word(), "denied");
  EXPECT_EQ(node_.write("sys/remount", R"({"from":"kv","to":"x"})", with_policy(rule + ", \"sudo\"] }")).word(), "found");
}

TEST_F(Remount, TokensOfAMovedAuthMethodStayAndTheirLeasesAreAtItsNewPath) {
  ASSERT_EQ(enable("badge").word(), "empty");
  node_.put_policy("reader", R"(path "kv/data/*" { capabilities = ["read"] })");
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{"x":1}})").word(), "found");
  const std::string kept = login("badge");
  const std::string doomed = login("badge");
  const std::string old_id = "auth/badge/login/" + node_.list("sys/leases/lookup/auth/badge/login").at("keys").substr(2, 65);
  ASSERT_EQ(node_.write("sys/leases/lookup", R"({"lease_id":")" + old_id + "\"}").at("id"), old_id);

  ASSERT_EQ(remount("auth/badge", "auth/door").word(), "found");
  EXPECT_EQ(node_.read("kv/data/a", kept).word(), "found");
  EXPECT_EQ(other_.node.read("kv/data/a", doomed).word(), "found");
  EXPECT_EQ(node_.write("auth/badge/login", "{}", "").word(), "denied");
  const std::string third = login("door");

  EXPECT_EQ(node_.list("sys/leases/lookup/auth").at("keys"), R"(["door/"])");
  EXPECT_EQ(node_.list("sys/leases/lookup/auth/badge/login").word(), "not-found");
  const std::string new_id = "auth/door/" + old_id.substr(std::string("auth/badge/").size());
  for (const std::string& id : {old_id, new_id}) {
    EXPECT_EQ(node_.write("sys/leases/lookup", R"({"lease_id":")" + id + "\"}").at("id"), new_id) << "an old id still names it";
  }
  // Nor is what was given out under the old path out of reach.
  EXPECT_EQ(node_.write("sys/leases/revoke", R"({"lease_id":")" + old_id + "\"}").word(), "empty");
  EXPECT_EQ((node_.read("kv/data/a", kept).word() == "found") + (node_.read("kv/data/a", doomed).word() == "found"), 1);
  EXPECT_EQ(node_.write("sys/leases/lookup", R"({"lease_id":")" + new_id + "\"}").word(), "invalid");

  // Another mount at the old path has nothing to do with it.
  ASSERT_EQ(enable("badge").word(), "empty");
  EXPECT_EQ(node_.write("sys/leases/revoke-prefix/auth/badge", "{}").word(), "empty");
  EXPECT_EQ(node_.read("kv/data/a", third).word(), "found");
  EXPECT_EQ(node_.write("sys/leases/revoke-prefix/auth/door", "{}").word(), "empty");
  EXPECT_EQ(node_.read("kv/data/a", third).word(), "denied");
}

TEST_F(Remount, AMovedAuthMethodStillEndsItsTokens) {
  ASSERT_EQ(enable("badge").word(), "empty");
  node_.put_policy("reader", R"(path "kv/data/*" { capabilities = ["read"] })");
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{"x":1}})").word(), "found");
  const std::string token = login("badge");
  ASSERT_EQ(remount("auth/badge", "auth/door").word(), "found");
  ASSERT_EQ(node_.read("kv/data/a", token).word(), "found");
  ASSERT_EQ(node_.erase("sys/auth/door").word(), "empty");
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "denied");
  EXPECT_TRUE(jobs_done());
}

TEST_F(Remount, OfMovesToOnePathOneWins) {
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_EQ(node_.write("sys/mounts/a" + n, R"({"type":"kv"})").word(), "empty");
    ASSERT_EQ(node_.write("sys/mounts/b" + n, R"({"type":"kv"})").word(), "empty");
    auto a = node_.ask_later({.operation = core::Operation::kUpdate, .path = "sys/remount", .body = R"({"from":"a)" + n + R"(","to":"to)" + n + "\"}"});
    auto b = other_.node.ask_later({.operation = core::Operation::kUpdate, .path = "sys/remount", .body = R"({"from":"b)" + n + R"(","to":"to)" + n + "/x\"}"});
    const std::string words = a.get().word() + " " + b.get().word();
    EXPECT_TRUE(words == "found invalid" || words == "invalid found") << words;
  }
}

TEST_F(Remount, AWriteBesideAMoveIsInTheMountOrNotThere) {
  std::vector<std::future<Got>> writes;
  for (int i = 0; i < 100; ++i) {
    writes.push_back(other_.node.ask_later({.operation = core::Operation::kUpdate, .path = "kv/data/" + std::to_string(i), .body = R"({"data":{}})"}));
    if (i == 50) {
      EXPECT_EQ(remount("kv", "moved").word(), "found");
    }
  }
  for (int i = 0; i < 100; ++i) {
    const std::string word = writes[static_cast<std::size_t>(i)].get().word();
    EXPECT_TRUE(word == "found" || word == "not-found") << word;
    EXPECT_EQ(node_.read("moved/data/" + std::to_string(i)).word(), word) << i;
  }
}

}  // namespace
}  // namespace keyhold::engine
