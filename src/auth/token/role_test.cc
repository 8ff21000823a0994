#include <gtest/gtest.h>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

using test::Got;

class RoleTest : public test::TokenAuthTest {
 protected:
  Got write(std::string body, std::optional<std::string> token = {}) { return ask("roles/app", std::move(body), std::move(token)); }
  Got through(std::string body, std::optional<std::string> token = {}) { return ask("create/app", std::move(body), std::move(token)); }
  Got role() { return node_.read("auth/token/roles/app"); }
};

TEST_F(RoleTest, IsReadAsItWasWritten) {
  EXPECT_EQ(role().word(), "not-found");
  EXPECT_EQ(node_.list("auth/token/roles").word(), "not-found");
  EXPECT_EQ(write(R"({"allowed_policies":"Box, creator","disallowed_policies":["no"],"allowed_policies_glob":["a*"],
                      "orphan":"true","renewable":0,"path_suffix":"v1","token_type":"service","token_period":"1h",
                      "token_explicit_max_ttl":7200,"token_bound_cidrs":"10.0.0.0/8,::1","token_num_uses":3,
                      "token_no_default_policy":true,"allowed_entity_aliases":["Alice"]})").word(), "empty");
  const Got got = role();
  EXPECT_EQ(got.at("name"), "app");
  EXPECT_EQ(got.at("allowed_policies"), R"(["box","creator"])");
  EXPECT_EQ(got.at("disallowed_policies"), R"(["no"])");
  EXPECT_EQ(got.at("allowed_policies_glob"), R"(["a*"])");
  EXPECT_EQ(got.at("disallowed_policies_glob"), "[]");
  EXPECT_EQ(got.at("orphan"), "true");
  EXPECT_EQ(got.at("renewable"), "false");
  EXPECT_EQ(got.at("path_suffix"), "v1");
  EXPECT_EQ(got.at("token_type"), "service");
  EXPECT_EQ(got.at("token_period"), "3600");
  EXPECT_EQ(got.at("period"), "0");
  EXPECT_EQ(got.at("token_explicit_max_ttl"), "7200");
  EXPECT_EQ(got.at("token_bound_cidrs"), R"(["10.0.0.0/8","::1"])");
  EXPECT_EQ(got.at("bound_cidrs"), "(none)");
  EXPECT_EQ(got.at("token_num_uses"), "3");
  EXPECT_EQ(got.at("token_no_default_policy"), "true");
  EXPECT_EQ(got.at("allowed_entity_aliases"), R"(["alice"])");
  EXPECT_EQ(node_.list("auth/token/roles").at("keys"), R"(["app"])");
  EXPECT_EQ(write(R"({"orphan":false})").word(), "empty");
  EXPECT_EQ(role().at("allowed_policies"), R"(["box","creator"])") << "what is not given stays";
  EXPECT_EQ(node_.erase("auth/token/roles/app").word(), "empty");
  EXPECT_EQ(role().word(), "not-found");
}

TEST_F(RoleTest, OlderNamesGiveWayToNewerOnes) {
  EXPECT_EQ(write(R"({"period":"1h","explicit_max_ttl":"2h","bound_cidrs":["::1"]})").word(), "empty");
  EXPECT_EQ(role().at("period"), "3600");
  EXPECT_EQ(role().at("token_period"), "3600");
  EXPECT_EQ(role().at("explicit_max_ttl"), "7200");
  EXPECT_EQ(role().at("bound_cidrs"), R"(["::1"])");
  const Got both = write(R"({"period":"1h","token_period":"2h"})");
  ASSERT_EQ(both.warnings.size(), 1u);
  EXPECT_EQ(role().at("period"), "0");
  EXPECT_EQ(role().at("token_period"), "7200");
}

TEST_F(RoleTest, BadRolesAreRefused) {
  for (const char* body : {R"({"token_type":"other"})", R"({"token_bound_cidrs":["10.0.0.0/40"]})", R"({"bound_cidrs":"host"})",
                           R"({"path_suffix":"a/b"})", R"({"path_suffix":"a..b"})", R"({"path_suffix":"-a"})",
                           R"({"allowed_policies":["a b"]})", R"({"token_num_uses":-1})", R"({"token_period":"soon"})"}) {
    EXPECT_EQ(write(body).word(), "invalid") << body;
  }
  for (const char* name : {"-a", "a.", "a b", "a*"}) EXPECT_EQ(ask("roles/" + std::string(name), "{}").word(), "invalid") << name;
  EXPECT_EQ(role().word(), "not-found");
  EXPECT_EQ(ask("create/none", "{}").word(), "invalid");
}

TEST_F(RoleTest, CreateAndUpdateAreTwoCapabilities) {
  node_.put_policy("new", R"(path "auth/token/roles/*" { capabilities = ["create"] })");
  const std::string token = node_.token({"new"});
  EXPECT_EQ(write("{}", token).word(), "empty");
  EXPECT_EQ(write("{}", token).word(), "denied");
}

TEST_F(RoleTest, WhoMayUseItGetsWhatItSays) {
  write(R"({"allowed_policies":"box,secret","orphan":true,"path_suffix":"v1","token_num_uses":5,"renewable":false})");
  node_.put_policy("user", R"(path "auth/token/create/app" { capabilities = ["update"] })");
  const std::string user = node_.token({"user"});
  const Got made = through(R"({"num_uses":9,"ttl":"1h"})", user);
  EXPECT_EQ(made.at("policies"), R"(["box","default","secret"])") << "more than the caller has: that is what roles are for";
  EXPECT_EQ(made.at("num_uses"), "5");
  EXPECT_EQ(made.at("orphan"), "true");
  EXPECT_EQ(made.at("renewable"), "false");
  const Got seen = ask("lookup", named("token", made.at("client_token")));
  EXPECT_EQ(seen.at("path"), "auth/token/create/app/v1");
  EXPECT_EQ(seen.at("role"), "app");
  EXPECT_EQ(through(R"({"policies":["box"]})", user).at("policies"), R"(["box","default"])");
  EXPECT_EQ(through(R"({"policies":["other"]})", user).word(), "invalid");
  EXPECT_EQ(create("{}", user).word(), "denied");
}

TEST_F(RoleTest, NoRoleMakesRootOfOthers) {
  write(R"({"allowed_policies":"root","allowed_policies_glob":"*"})");
  node_.put_policy("user", R"(path "auth/token/create/app" { capabilities = ["update", "sudo"] })");
  const std::string user = node_.token({"user"});
  for (const char* body : {"{}", R"({"policies":["root"]})", R"({"policies":[" ROOT"]})", R"({"policies":["box","Root "]})"}) {
    EXPECT_EQ(through(body, user).word(), "invalid") << body;
  }
  EXPECT_EQ(through(R"({"policies":["response-wrapping"]})", user).word(), "invalid");
}

TEST_F(RoleTest, WithoutListsItIsBoundToItsCaller) {
  write("{}");
  node_.put_policy("user", R"(path "auth/token/create/app" { capabilities = ["update"] })");
  const std::string user = node_.token({"user", "box"});
  EXPECT_EQ(through(R"({"policies":["box"]})", user).at("policies"), R"(["box"])");
  EXPECT_EQ(through(R"({"policies":["other"]})", user).word(), "invalid");
}

TEST_F(RoleTest, TheLesserTimesHold) {
  write(R"({"token_explicit_max_ttl":"1h","allowed_policies":"box"})");
  const Got made = through(R"({"ttl":"10h","explicit_max_ttl":"2h"})");
  EXPECT_EQ(made.at("lease_duration"), "3600");
  EXPECT_EQ(made.warnings.size(), 2u) << "both given, and capped";
  write(R"({"token_period":"30m"})");
  const Got periodic = through("{}");
  EXPECT_EQ(periodic.at("lease_duration"), "1800");
  // A renewal follows the role as it is then.
  write(R"({"token_period":"10m"})");
  const std::string token = periodic.at("client_token");
  EXPECT_EQ(ask("renew", named("token", token)).at("lease_duration"), "600");
  node_.erase("auth/token/roles/app");
  EXPECT_EQ(ask("renew", named("token", token)).word(), "invalid");
}

TEST_F(RoleTest, TypesAreWhatTheRoleLetsThrough) {
  write(R"({"allowed_policies":"box","token_type":"default-batch"})");
  EXPECT_EQ(through("{}").at("token_type"), "batch");
  EXPECT_EQ(through(R"({"type":"service"})").at("token_type"), "service");
  write(R"({"token_type":"service"})");
  EXPECT_EQ(through(R"({"type":"batch"})").at("token_type"), "service");
}

}  // namespace
}  // namespace keyhold::auth
