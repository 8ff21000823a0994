#include <gtest/gtest.h>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

using test::Got;

class CreateTest : public test::TokenAuthTest {};

TEST_F(CreateTest, AWrappedTokenShowsItsAccessor) {
  core::test::Ask wrapping{.operation = core::Operation::kUpdate, .path = "auth/token/create", .body = "{}"};
  wrapping.wrap_ttl_s = 60;
  const Got got = node_.ask(std::move(wrapping));
  EXPECT_EQ(got.data, "");
  EXPECT_EQ(got.creation_path, "auth/token/create");
  EXPECT_NE(got.wrapping_token, "");
  EXPECT_EQ(ask("lookup-accessor", named("accessor", got.wrapped_accessor)).at("path"), "auth/token/create");
}

TEST_F(CreateTest, MakesATokenThatKnowsItself) {
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

TEST_F(CreateTest, NeverTellsTheJournal) {
  const Got made = create(R"({"policies":["app"],"meta":{"team":"hunter2"}})");
  look(made.at("client_token"));
  for (const std::string& record : node_.records()) {
    EXPECT_EQ(record.find(made.at("client_token")), std::string::npos);
    EXPECT_EQ(record.find("hunter2"), std::string::npos);
  }
}

TEST_F(CreateTest, WithoutSudoAChildHasASubsetOfThePolicies) {
  const std::string creator = node_.token({"creator", "app", "default"});
  EXPECT_EQ(create("{}", creator).at("policies"), R"(["app","creator","default"])");
  EXPECT_EQ(create(R"({"policies":["app"]})", creator).at("policies"), R"(["app","default"])");
  EXPECT_EQ(create(R"({"policies":["app"],"no_default_policy":true})", creator).at("policies"), R"(["app"])");
  EXPECT_EQ(create(R"({"policies":["app","other"]})", creator).word(), "invalid");
  EXPECT_EQ(create(R"({"policies":["app"]})", node_.token({"app"})).word(), "denied");
  const std::string admin = node_.token({"admin"});
  EXPECT_EQ(create(R"({"policies":["other"]})", admin).word(), "found");
}

TEST_F(CreateTest, OnlyRootMakesRoot) {
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

TEST_F(CreateTest, AnExpiringRootDoesNotMakeOneThatStays) {
  const Got expiring = create(R"({"policies":["root"],"ttl":"1h"})");
  ASSERT_EQ(expiring.word(), "found");
  EXPECT_EQ(create(R"({"policies":["root"]})", expiring.at("client_token")).word(), "invalid");
  EXPECT_EQ(create(R"({"policies":["root"],"ttl":"1m"})", expiring.at("client_token")).word(), "found");
}

TEST_F(CreateTest, ARefusalLeavesNothing) {
  const std::string creator = node_.token({"creator"});
  const auto entries = [this] {
    std::size_t count = 0;
    for (const char kind : std::string_view("tlabue")) count += core::test::count_keys(store_, std::string(1, kind));
    return count;
  };
  const std::size_t stored = entries();
  for (const char* body : {R"({"policies":["root"]})", R"({"no_parent":true})", R"({"id":"mine"})", R"({"period":"1h"})", R"({"ttl":"x"})",
                           R"({"num_uses":-1})", R"({"type":"other"})", R"({"meta":5})"}) {
    EXPECT_EQ(create(body, creator).word(), "invalid") << body;
  }
  EXPECT_EQ(ask("create/none", "{}", node_.root_token()).word(), "invalid");
  EXPECT_EQ(create("{}", "hvs.forged").word(), "denied");
  EXPECT_EQ(entries(), stored) << "no token that nobody was told of (CVE-2026-46405)";
}

TEST_F(CreateTest, OnlySudoChoosesTheToken) {
  EXPECT_EQ(create(R"({"id":"my-own"})", node_.token({"creator"})).word(), "invalid");
  EXPECT_EQ(create(R"({"id":"my-own"})", node_.token({"admin"})).at("client_token"), "my-own");
  for (const char* generated : {"hvs.mine", "hvb.mine"}) EXPECT_EQ(create(named("id", generated)).word(), "invalid") << generated;
  EXPECT_EQ(look("my-own").word(), "found");
  EXPECT_EQ(create(R"({"id":"my-own"})").word(), "invalid");
}

TEST_F(CreateTest, OnlySudoMakesAnOrphan) {
  EXPECT_EQ(create(R"({"no_parent":true})", node_.token({"creator"})).word(), "invalid");
  const std::string admin = node_.token({"admin"});
  const std::string orphan = create(R"({"no_parent":true})", admin).at("client_token");
  const std::string child = create("{}", admin).at("client_token");
  EXPECT_EQ(look(orphan).at("orphan"), "true");
  EXPECT_EQ(node_.write("auth/token/revoke-self", "", admin).word(), "empty");
  EXPECT_EQ(look(admin).word(), "denied");
  EXPECT_EQ(look(child).word(), "denied");
  EXPECT_EQ(look(orphan).word(), "found");
}

TEST_F(CreateTest, TimesAreBounded) {
  const auto ttl = [this](const std::string& body) { return create(body).at("lease_duration"); };
  const std::string most = std::to_string(core::kSystemMaxTtlS);
  EXPECT_EQ(ttl(R"({"policies":["app"]})"), most);
  EXPECT_EQ(ttl(R"({"policies":["app"],"ttl":"100000h"})"), most);
  EXPECT_EQ(ttl(R"({"policies":["app"],"ttl":"2h","explicit_max_ttl":"1h"})"), "3600");
  EXPECT_EQ(ttl(R"({"policies":["app"],"explicit_max_ttl":60})"), "60");
  EXPECT_EQ(ttl(R"({"policies":["root"],"explicit_max_ttl":60})"), "60");
  EXPECT_EQ(ttl(R"({"policies":["root"],"ttl":9223372036})"), most) << "in milliseconds it would overflow";
  EXPECT_EQ(create(R"({"ttl":"-1s"})").word(), "invalid");
  EXPECT_EQ(create(R"({"ttl":"soon"})").word(), "invalid");
}

TEST_F(CreateTest, SaysWhatItChanged) {
  const auto warnings = [this](const std::string& body) { return create(body).warnings; };
  EXPECT_EQ(warnings(R"({"policies":["creator"],"ttl":"1h"})"), std::vector<std::string>());
  EXPECT_EQ(warnings(R"({"policies":["none"]})"), std::vector<std::string>{"Policy \"none\" does not exist"});
  const auto capped = warnings(R"({"policies":["creator"],"ttl":"1000h"})");
  ASSERT_EQ(capped.size(), 1u);
  EXPECT_NE(capped[0].find("\"1000h0m0s\" exceeded the effective max_ttl of \"768h0m0s\""), std::string::npos);
}

TEST_F(CreateTest, DisplayNamesAreMadePlain) {
  const auto shown = [this](const std::string& given) { return look(made(named("display_name", given))).at("display_name"); };
  EXPECT_EQ(look(made("{}")).at("display_name"), "token");
  EXPECT_EQ(shown("CI 7"), "token-CI-7");
  EXPECT_EQ(shown("a_b.c/d"), "token-a-b-c-d");
  EXPECT_EQ(shown("\u00e4\u20ac!"), "token---");
  EXPECT_EQ(shown("x!"), "token-x");
}

TEST_F(CreateTest, PeriodNeedsSudo) {
  EXPECT_EQ(create(R"({"period":"1h"})", node_.token({"creator"})).word(), "invalid");
  const Got periodic = create(R"({"period":"1h","policies":["box"]})", node_.token({"admin"}));
  EXPECT_EQ(periodic.at("lease_duration"), "3600");
  EXPECT_EQ(look(periodic.at("client_token")).at("period"), "3600");
  EXPECT_EQ(look(made(R"({"period":"1h"})")).at("ttl"), "3600") << "a periodic root token ends, too";
}

TEST_F(CreateTest, OlderNamesAndSeveralFormsAreTaken) {
  EXPECT_EQ(create(R"({"policies":"creator, box","lease":"1h"})").at("policies"), R"(["box","creator","default"])");
  EXPECT_EQ(create(R"({"policies":"box","lease":"2h"})").at("lease_duration"), "7200");
  EXPECT_EQ(create(R"({"policies":"box","lease":"2h","ttl":60})").at("lease_duration"), "60");
  EXPECT_EQ(create(R"({"policies":"box","ttl":"60"})").at("lease_duration"), "60");
}

TEST_F(CreateTest, WhatIsNotThereYetIsRefusedClearly) {
  EXPECT_EQ(create(R"({"entity_alias":"alice"})").word(), "invalid");
  EXPECT_EQ(create(R"({"type":"other"})").word(), "invalid");
  for (const char* name : {"response-wrapping", " Control-Group"}) {
    EXPECT_EQ(create(R"({"policies":[")" + std::string(name) + R"("]})").word(), "invalid") << name;
  }
}

TEST_F(CreateTest, CreateOrphanNeedsNoSudo) {
  node_.put_policy("orphans", R"(path "auth/token/create-orphan" { capabilities = ["update"] })");
  const std::string parent = node_.token({"orphans"});
  const Got orphan = ask("create-orphan", "{}", parent);
  EXPECT_EQ(orphan.at("orphan"), "true");
  EXPECT_EQ(ask("lookup", named("token", orphan.at("client_token"))).at("path"), "auth/token/create-orphan");
  EXPECT_EQ(ask("revoke", named("token", parent)).word(), "empty");
  EXPECT_EQ(ask("lookup", named("token", orphan.at("client_token"))).word(), "found");
}

TEST_F(CreateTest, NestingIsBounded) {
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
