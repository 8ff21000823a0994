#include "engine/sys/mounts_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

constexpr const char* kAll = "sys/internal/ui/mounts";

class VisibleMounts : public test::MountsTest {
 protected:
  Got one(const std::string& path, std::optional<std::string> token = {}) { return node_.read(std::string(kAll) + "/" + path, std::move(token)); }
};

TEST_F(VisibleMounts, WhatTheKvCommandAsksFirst) {
  const Got got = one("kv/some/secret");
  EXPECT_EQ(got.at("path"), "kv/");
  EXPECT_EQ(got.at("type"), "kv");
  EXPECT_EQ(got.at("options"), R"({"version":"2"})");
  EXPECT_EQ(one("kv").at("path"), "kv/");
  EXPECT_EQ(one("kv/").at("path"), "kv/");
  ASSERT_EQ(node_.write("sys/mounts/kv1", R"({"type":"kv"})").word(), "empty");
  EXPECT_EQ(one("kv1/x").at("options"), "null");
  EXPECT_EQ(one("auth/token/create").at("path"), "auth/token/");
}

TEST_F(VisibleMounts, OneIsShownToWhoeverMayDoAnythingInIt) {
  for (const char* rule : {R"(path "kv/data/app" { capabilities = ["read"] })", R"(path "kv/*" { capabilities = ["list"] })",
                           R"(path "k*" { capabilities = ["update"] })", R"(path "+/data/x" { capabilities = ["read"] })",
                           R"(path "kv/+/x/*" { capabilities = ["patch"] })", R"(path "kv" { capabilities = ["list"] })", R"(path "+" { capabilities = ["list"] })",
                           R"(path "kv/data/app" { capabilities = ["read"] } path "kv/*" { capabilities = ["deny"] })"}) {
    EXPECT_EQ(one("kv/other", with_policy(rule)).word(), "found") << rule;
  }
  for (const char* rule : {R"(path "kv2/*" { capabilities = ["read"] })", R"(path "kv/*" { capabilities = ["deny"] })",
                           R"(path "kv/data/app" { capabilities = ["deny"] })", R"(path "k" { capabilities = ["read"] })",
                           R"(path "k*" { capabilities = ["read"] } path "kv/*" { capabilities = ["deny"] })",
                           R"(path "+" { capabilities = ["read"] })", R"(path "x/+/data" { capabilities = ["read"] })",
                           R"(path "+/data/x" { capabilities = ["deny"] })",
                           R"(path "sys/internal/ui/mounts/*" { capabilities = ["read", "sudo"] })"}) {
    EXPECT_EQ(one("kv/other", with_policy(rule)).word(), "denied") << rule;
  }
}

TEST_F(VisibleMounts, WhatIsNotThereLooksLikeWhatIsNotShown) {
  const std::string token = with_policy(R"(path "other/*" { capabilities = ["read"] })");
  EXPECT_EQ(said(one("kv/x", token)), "preflight capability check returned 403, please ensure client's policies grant access to path \"kv/x/\"");
  EXPECT_EQ(said(one("no/x", token)), "preflight capability check returned 403, please ensure client's policies grant access to path \"no/x/\"");
  EXPECT_EQ(one("no/x").word(), "denied");
  for (const char* path : {"kv/x", "no/x"}) {
    EXPECT_EQ(said(one(path, "")), "permission denied");
    EXPECT_EQ(said(one(path, "hvs.forged")), "permission denied");
  }
  ASSERT_EQ(tune("kv", R"({"listing_visibility":"unauth"})").word(), "empty");
  EXPECT_EQ(one("kv/x", token).word(), "denied");
  EXPECT_EQ(one("kv/x", "").word(), "denied");
}

TEST_F(VisibleMounts, TheListShowsToEachHisOwn) {
  ASSERT_EQ(enable("badge").word(), "empty");
  ASSERT_EQ(node_.write("sys/mounts/team", R"({"type":"kv"})").word(), "empty");
  const Got root = node_.read(kAll);
  for (const char* member : {"secret.kv/", "secret.team/", "secret.sys/", "secret.cubbyhole/", "auth.token/", "auth.badge/"}) {
    EXPECT_NE(root.at(member), "(none)") << member;
  }
  const Got some = node_.read(kAll, with_policy(R"(path "kv/data/app" { capabilities = ["read"] } path "auth/badge/x" { capabilities = ["read"] })"));
  EXPECT_EQ(some.at("secret.kv/.options.version"), "2");
  EXPECT_TRUE(some.at("secret.kv/.accessor").starts_with("kv_"));
  EXPECT_EQ(some.at("auth.badge/.type"), "badge");
  for (const char* member : {"secret.team/", "secret.sys/", "secret.cubbyhole/", "auth.token/"}) EXPECT_EQ(some.at(member), "(none)") << member;
}

TEST_F(VisibleMounts, StrangersSeeWhatIsMeantForThemAndNoMoreOfIt) {
  ASSERT_EQ(enable("badge").word(), "empty");
  EXPECT_EQ(node_.read(kAll, "").data, R"({"auth":{},"secret":{}})");
  ASSERT_EQ(tune("auth/badge", R"({"listing_visibility":"unauth","description":"log in here"})").word(), "empty");
  ASSERT_EQ(tune("kv", R"({"listing_visibility":"hidden"})").word(), "empty");
  EXPECT_EQ(node_.read(kAll, "").data,
            R"({"auth":{"badge/":{"description":"log in here","options":null,"type":"badge"}},"secret":{}})");
  EXPECT_EQ(node_.read(kAll, node_.token({"none"})).at("auth.badge/.type"), "badge");
  EXPECT_EQ(node_.read(kAll, "hvs.forged").word(), "denied") << "not as a stranger";
  EXPECT_EQ(other_.node.read(kAll, "").at("auth.badge/.type"), "badge");
  EXPECT_EQ(node_.ask({.path = kAll, .token = "", .wrap_ttl_s = 60}).word(), "denied") << "a write for anybody";
  EXPECT_FALSE(node_.ask({.path = kAll, .wrap_ttl_s = 60}).wrapping_token.empty());
}

TEST_F(VisibleMounts, WhatStrangersAskIsRecordedOrRefused) {
  const Got got = node_.read(kAll, "");
  EXPECT_EQ(node_.records_of(got.request_id).size(), 1u);
  std::size_t limited = 0;
  for (int i = 0; i < 400; ++i) limited += node_.read(kAll, "").word() == "limited" ? 1 : 0;
  EXPECT_GT(limited, 50u);
  EXPECT_EQ(node_.read(kAll).word(), "found") << "who has a token is no stranger";
}

}  // namespace
}  // namespace keyhold::engine
