#include <gtest/gtest.h>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

using test::Got;

class LifeTest : public test::TokenAuthTest {
 protected:
  std::string accessor(const std::string& token) { return look(token).at("accessor"); }
};

TEST_F(LifeTest, LookupTellsTheSameByEachName) {
  const std::string token = made(R"({"policies":["admin"],"ttl":"1h","meta":{"a":"b"}})");
  const Got self = look(token);
  for (const Got& got : {ask("lookup", named("token", token)), node_.read("auth/token/lookup", token)}) {
    EXPECT_EQ(got.data, self.data);
  }
  EXPECT_EQ(node_.write("auth/token/lookup-self", "{}").at("id"), node_.root_token());
  EXPECT_EQ(node_.write("auth/token/lookup-self", "{}", token).word(), "denied") << "the default policy lets it be read only";
  const Got by_accessor = ask("lookup-accessor", named("accessor", accessor(token)));
  EXPECT_EQ(by_accessor.at("id"), "");
  EXPECT_EQ(by_accessor.at("policies"), self.at("policies"));
  for (const char* member : {"accessor", "creation_time", "creation_ttl", "display_name", "entity_id", "expire_time", "explicit_max_ttl",
                             "id", "issue_time", "meta", "num_uses", "orphan", "path", "policies", "renewable", "ttl", "type"}) {
    EXPECT_NE(self.at(member), "(none)") << member;
  }
}

TEST_F(LifeTest, UnknownTokensAndAccessors) {
  EXPECT_EQ(ask("lookup", named("token", "hvs.none")).word(), "denied");
  EXPECT_EQ(ask("lookup-accessor", named("accessor", "none")).word(), "invalid");
  EXPECT_EQ(ask("lookup-accessor", "{}").word(), "invalid");
  EXPECT_EQ(ask("renew", named("token", "hvs.none")).word(), "invalid");
  EXPECT_EQ(ask("renew", "{}").word(), "invalid");
  EXPECT_EQ(ask("renew-accessor", named("accessor", "none")).word(), "invalid");
  EXPECT_EQ(ask("revoke", named("token", "hvs.none")).word(), "empty");
  EXPECT_EQ(ask("revoke", "{}").word(), "invalid");
  EXPECT_EQ(ask("revoke-orphan", named("token", "hvs.none")).word(), "invalid");
  const Got nobody = ask("revoke-accessor", named("accessor", "none"));
  EXPECT_EQ(nobody.word(), "empty");
  EXPECT_EQ(nobody.warnings.size(), 1u);
}

// An accessor names a token to those who may ask, and is never one.
TEST_F(LifeTest, AnAccessorIsNoToken) {
  const std::string token = made("{}");
  EXPECT_EQ(look(accessor(token)).word(), "denied");
  EXPECT_EQ(ask("lookup", named("token", accessor(token))).word(), "denied");
  EXPECT_EQ(ask("revoke", named("token", accessor(token))).word(), "empty");
  EXPECT_TRUE(valid(token));
}

TEST_F(LifeTest, RenewalCountsFromNow) {
  const std::string token = made(R"({"policies":["box"],"ttl":"1h"})");
  clock_.advance_ms(1'800'000);
  EXPECT_EQ(ask("renew", R"({"token":")" + token + R"(","increment":600})").at("lease_duration"), "600");
  EXPECT_EQ(look(token).at("ttl"), "600") << "shorter than before is what was asked for";
  const Got renewed = ask("renew-accessor", R"({"accessor":")" + accessor(token) + R"("})");
  EXPECT_EQ(renewed.at("client_token"), "");
  EXPECT_EQ(renewed.at("lease_duration"), "3600") << "what it had at first";
  EXPECT_EQ(look(token).at("last_renewal_time"), std::to_string(clock_.now_ms() / 1000));
  node_.put_policy("self", R"(path "auth/token/renew-self" { capabilities = ["update"] })");
  const std::string own = made(R"({"policies":["self"],"ttl":60})");
  const Got self = ask("renew-self", R"({"increment":"2m"})", own);
  EXPECT_EQ(self.at("client_token"), own);
  EXPECT_EQ(self.at("lease_duration"), "120");
  clock_.advance_ms(119'999);
  EXPECT_TRUE(valid(own));
  clock_.advance_ms(1);
  EXPECT_FALSE(valid(own));
}

TEST_F(LifeTest, NoRenewalPassesTheMaximum) {
  const std::string token = made(R"({"policies":["box"],"ttl":"1h","explicit_max_ttl":"90m"})");
  clock_.advance_ms(3'000'000);
  const Got renewed = ask("renew", named("token", token));
  EXPECT_EQ(renewed.at("lease_duration"), "2400");
  EXPECT_EQ(renewed.warnings.size(), 1u);
  // CVE-2021-32923: within its last second it must not become one without an end.
  clock_.advance_ms(2'399'500);
  EXPECT_EQ(ask("renew", named("token", token)).at("lease_duration"), "0");
  EXPECT_NE(look(token).at("expire_time"), "null");
  clock_.advance_ms(500);
  EXPECT_FALSE(valid(token));
  EXPECT_EQ(ask("renew", named("token", token)).word(), "invalid");
}

TEST_F(LifeTest, APeriodicTokenLivesAsLongAsItIsRenewed) {
  const std::string token = made(R"({"policies":["box"],"period":"1h"})");
  for (int hour = 0; hour < 800; ++hour) {
    clock_.advance_ms(3'599'000);
    ASSERT_EQ(ask("renew", R"({"token":")" + token + R"(","increment":"10m"})").at("lease_duration"), "3600") << hour;
  }
  clock_.advance_ms(3'600'000);
  EXPECT_FALSE(valid(token));
}

TEST_F(LifeTest, WhatCannotBeRenewedSaysSo) {
  EXPECT_EQ(ask("renew", named("token", node_.root_token())).word(), "invalid");
  const std::string fixed = made(R"({"policies":["box"],"renewable":false})");
  EXPECT_EQ(look(fixed).at("renewable"), "false");
  EXPECT_EQ(ask("renew", named("token", fixed)).word(), "invalid");
}

TEST_F(LifeTest, RevokingEndsAllBelowAtOnceOnBothNodes) {
  const std::string parent = made(R"({"policies":["creator"]})");
  const std::string child = made("{}", parent);
  const std::string grandchild = made("{}", child);
  EXPECT_TRUE(valid(grandchild));
  EXPECT_EQ(ask("revoke-accessor", named("accessor", accessor(parent))).word(), "empty");
  for (const std::string& token : {parent, child, grandchild}) EXPECT_FALSE(valid(token));
  EXPECT_EQ(ask("lookup", named("token", grandchild)).word(), "denied");
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(core::test::count_keys(store_, "t"), 1u);
}

TEST_F(LifeTest, RevokeOrphanNeedsSudoAndLetsTheChildrenGoOn) {
  const std::string parent = made(R"({"policies":["creator"]})");
  const std::string child = made("{}", parent);
  const std::string grandchild = made("{}", child);
  node_.put_policy("revoker", R"(path "auth/token/revoke-orphan" { capabilities = ["update"] })");
  EXPECT_EQ(ask("revoke-orphan", named("token", parent), node_.token({"revoker"})).word(), "invalid");
  EXPECT_TRUE(valid(parent));
  EXPECT_EQ(ask("revoke-orphan", named("token", parent)).word(), "empty");
  EXPECT_FALSE(valid(parent));
  EXPECT_TRUE(valid(child) && valid(grandchild));
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(look(child).at("orphan"), "true");
  EXPECT_EQ(look(grandchild).at("orphan"), "false");
}

TEST_F(LifeTest, AccessorsAreListedWithSudo) {
  const std::string token = made("{}");
  const Got listed = node_.list("auth/token/accessors");
  EXPECT_NE(listed.at("keys").find("\"" + accessor(token) + "\""), std::string::npos);
  node_.put_policy("lister", R"(path "auth/token/accessors*" { capabilities = ["list"] })");
  EXPECT_EQ(node_.list("auth/token/accessors", node_.token({"lister"})).word(), "denied");
  EXPECT_EQ(node_.list("auth/token/accessors", node_.token({"admin"})).word(), "found");
}

TEST_F(LifeTest, TidyStartsAnewAtTheBeginning) {
  const Got tidied = ask("tidy", "");
  EXPECT_EQ(tidied.word(), "empty");
  EXPECT_EQ(tidied.warnings.size(), 1u);
}

TEST_F(LifeTest, ATokenSurvivesARestartAndSoDoesItsEnd) {
  const std::string token = made(R"({"policies":["box"],"ttl":"1h"})");
  const std::string revoked = made("{}");
  ask("revoke", named("token", revoked));
  for (core::test::TestNode* node : {&node_, &other_}) {
    node->node().seal();
    node->unseal();
  }
  EXPECT_TRUE(valid(token));
  EXPECT_FALSE(valid(revoked));
  clock_.advance_ms(3'600'000);
  EXPECT_FALSE(valid(token));
}

TEST_F(LifeTest, AJumpOfTheClockRefusesWhatExpiresAndNothingElse) {
  const std::string token = made(R"({"policies":["box"],"ttl":"1h"})");
  clock_.step_wall_ms(7'200'000);
  EXPECT_EQ(look(token).word(), "unavailable");
  EXPECT_EQ(look(node_.root_token()).word(), "found") << "an operator must be able to look";
  EXPECT_EQ(create(R"({"ttl":"1h"})").word(), "unavailable");
  clock_.step_wall_ms(-7'200'000);
  EXPECT_TRUE(valid(token));
}

}  // namespace
}  // namespace keyhold::auth
