#include "auth/token/token_auth.h"

#include <gtest/gtest.h>

#include "core/test_support/test_node.h"

namespace keyhold::auth {
namespace {

using core::test::Got;

class TokenAuthTest : public ::testing::Test {
 protected:
  TokenAuthTest() {
    node_.initialize();
    node_.put_policy("creator", R"(path "auth/token/create" { capabilities = ["update"] })");
    node_.put_policy("admin", R"(path "auth/token/create" { capabilities = ["update", "sudo"] })");
  }

  Got create(std::string body, std::optional<std::string> token = {}) {
    return node_.write("auth/token/create", std::move(body), std::move(token));
  }
  Got look(std::string token) { return node_.read("auth/token/lookup-self", std::move(token)); }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  TokenAuth auth_;
  core::test::TestNode node_{store_, clock_, [this](core::Router& router, core::Node&) { router.add("token", auth_); }};
};

TEST_F(TokenAuthTest, MakesATokenThatKnowsItself) {
  const Got made = create(R"({"policies":["app","app"," DB "],"ttl":"1h","display_name":"ci","meta":{"team":"db"}})");
  ASSERT_EQ(made.word(), "found");
  EXPECT_EQ(made.at("policies"), R"(["app","db","default"])");
  EXPECT_EQ(made.at("lease_duration"), "3600");
  EXPECT_EQ(made.at("orphan"), "false");
  EXPECT_EQ(made.at("metadata.team"), "db");
  const Got self = look(made.at("client_token"));
  EXPECT_EQ(self.at("id"), made.at("client_token"));
  EXPECT_EQ(self.at("accessor"), made.at("accessor"));
  EXPECT_EQ(self.at("display_name"), "token-ci");
  EXPECT_EQ(self.at("ttl"), "3600");
  EXPECT_EQ(self.at("path"), "auth/token/create");
  clock_.advance_ms(600'000);
  EXPECT_EQ(look(made.at("client_token")).at("ttl"), "3000");
  clock_.advance_ms(3'000'000);
  EXPECT_EQ(look(made.at("client_token")).word(), "denied");
}

TEST_F(TokenAuthTest, NeverTellsTheJournal) {
  const Got made = create(R"({"policies":["app"],"meta":{"team":"hunter2"}})");
  look(made.at("client_token"));
  for (const std::string& record : node_.records()) {
    EXPECT_EQ(record.find(made.at("client_token")), std::string::npos);
    EXPECT_EQ(record.find("hunter2"), std::string::npos);
  }
}

TEST_F(TokenAuthTest, WithoutSudoAChildHasASubsetOfThePolicies) {
  const std::string creator = node_.token({"creator", "app", "default"});
  EXPECT_EQ(create("{}", creator).at("policies"), R"(["app","creator","default"])");
  EXPECT_EQ(create(R"({"policies":["app"]})", creator).at("policies"), R"(["app","default"])");
  EXPECT_EQ(create(R"({"policies":["app"],"no_default_policy":true})", creator).at("policies"), R"(["app"])");
  EXPECT_EQ(create(R"({"policies":["app","other"]})", creator).word(), "invalid");
  EXPECT_EQ(create(R"({"policies":["app"]})", node_.token({"app"})).word(), "denied");
  const std::string admin = node_.token({"admin"});
  EXPECT_EQ(create(R"({"policies":["other"]})", admin).word(), "found");
}

TEST_F(TokenAuthTest, OnlyRootMakesRoot) {
  for (const std::string& token : {node_.token({"creator"}), node_.token({"admin"})}) {
    for (const char* name : {"root", " Root ", "ROOT"}) {
      EXPECT_EQ(create(R"({"policies":[")" + std::string(name) + R"("]})", token).word(), "invalid") << name;
    }
  }
  const Got root = create(R"({"policies":["root"]})");
  EXPECT_EQ(root.at("policies"), R"(["root"])");
  EXPECT_EQ(root.at("lease_duration"), "0");
  EXPECT_EQ(create("{}").at("policies"), R"(["root"])") << "as its parent";
}

TEST_F(TokenAuthTest, AnExpiringRootDoesNotMakeOneThatStays) {
  const Got expiring = create(R"({"policies":["root"],"ttl":"1h"})");
  ASSERT_EQ(expiring.word(), "found");
  EXPECT_EQ(create(R"({"policies":["root"]})", expiring.at("client_token")).word(), "invalid");
  EXPECT_EQ(create(R"({"policies":["root"],"ttl":"1m"})", expiring.at("client_token")).word(), "found");
}

TEST_F(TokenAuthTest, OnlyRootChoosesTheToken) {
  EXPECT_EQ(create(R"({"id":"my-own"})", node_.token({"admin"})).word(), "invalid");
  EXPECT_EQ(create(R"({"id":"my-own"})").at("client_token"), "my-own");
  EXPECT_EQ(look("my-own").word(), "found");
  EXPECT_EQ(create(R"({"id":"my-own"})").word(), "invalid");
}

TEST_F(TokenAuthTest, OnlySudoMakesAnOrphan) {
  EXPECT_EQ(create(R"({"no_parent":true})", node_.token({"creator"})).word(), "invalid");
  const std::string admin = node_.token({"admin"});
  const std::string orphan = create(R"({"no_parent":true})", admin).at("client_token");
  const std::string child = create("{}", admin).at("client_token");
  EXPECT_EQ(look(orphan).at("orphan"), "true");
  EXPECT_EQ(node_.write("auth/token/revoke-self", "", admin).word(), "denied") << "its policy does not say so";
  node_.put_policy("admin", R"(path "auth/token/*" { capabilities = ["read", "update", "sudo"] })");
  EXPECT_EQ(node_.write("auth/token/revoke-self", "", admin).word(), "empty");
  EXPECT_EQ(look(admin).word(), "denied");
  EXPECT_EQ(look(child).word(), "denied");
  EXPECT_EQ(look(orphan).word(), "found");
}

TEST_F(TokenAuthTest, TimesAreBounded) {
  const auto ttl = [this](const std::string& body) { return create(body).at("lease_duration"); };
  const std::string most = std::to_string(core::TokenStore::kMaxTtlS);
  EXPECT_EQ(ttl(R"({"policies":["app"]})"), most);
  EXPECT_EQ(ttl(R"({"policies":["app"],"ttl":"100000h"})"), most);
  EXPECT_EQ(ttl(R"({"policies":["app"],"ttl":"2h","explicit_max_ttl":"1h"})"), "3600");
  EXPECT_EQ(ttl(R"({"policies":["app"],"explicit_max_ttl":60})"), "60");
  EXPECT_EQ(ttl(R"({"policies":["root"],"explicit_max_ttl":60})"), "60");
  EXPECT_EQ(ttl(R"({"policies":["root"],"ttl":9223372036})"), most) << "in milliseconds it would overflow";
  EXPECT_EQ(create(R"({"ttl":"-1s"})").word(), "invalid");
  EXPECT_EQ(create(R"({"ttl":"soon"})").word(), "invalid");
}

TEST_F(TokenAuthTest, NestingIsBounded) {
  std::string token = node_.token({"creator"});
  std::size_t depth = 0;
  for (; depth < 100; ++depth) {
    const Got made = create("{}", token);
    if (!made.ok()) {
      EXPECT_EQ(made.word(), "invalid");
      break;
    }
    token = made.at("client_token");
  }
  EXPECT_EQ(depth, core::TokenStore::kAncestorsMax);
}

}  // namespace
}  // namespace keyhold::auth
