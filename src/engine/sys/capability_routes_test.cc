#include <gtest/gtest.h>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::EngineTest;
using test::Got;

class CapabilityTest : public EngineTest {
 protected:
  CapabilityTest() {
    node_.put_policy("app", R"(
      path "kv/data/app" { capabilities = ["update", "read", "create"] }
      path "kv/data/app/*" { capabilities = ["deny"] }
      path "kv/metadata/+" { capabilities = ["list"] }
      path "kv/none" { capabilities = [] }
    )");
    token_ = node_.token({"app", "default"});
  }

  Got ask_self(std::string body) { return node_.write("sys/capabilities-self", std::move(body), token_); }
  std::string accessor_of(const std::string& token) {
    auto tx = node_.transaction();
    const auto& tokens = node_.node().session().load()->tokens;
    return tokens.find_presented(tx, core::keys::kRootNamespace, token)->record->accessor();
  }

  std::string token_;
};

TEST_F(CapabilityTest, OneMemberForEachPath) {
  const Got got = ask_self(R"({"paths":["kv/data/app","/kv/data/app","kv/data/app/x","kv/none","kv/metadata/a/","kv/metadata/a"]})");
  ASSERT_EQ(got.word(), "found");
  EXPECT_EQ(got.data,
            R"({"/kv/data/app":["create","read","update"],"kv/data/app":["create","read","update"],"kv/data/app/x":["deny"],)"
            R"("kv/metadata/a":["list"],"kv/metadata/a/":["list"],"kv/none":["deny"]})");
}

TEST_F(CapabilityTest, ASinglePathHasTheOlderMemberToo) {
  const std::string expected = R"({"capabilities":["create","read","update"],"kv/data/app":["create","read","update"]})";
  for (const char* body : {R"({"paths":["kv/data/app"]})", R"({"path":"kv/data/app"})", R"({"paths":"kv/data/app"})",
                           R"({"path":["kv/data/app"],"paths":[]})"}) {
    EXPECT_EQ(ask_self(body).data, expected) << body;
  }
  EXPECT_EQ(ask_self(R"({"paths":"kv/data/app, kv/nowhere"})").at("capabilities"), "(none)");
  EXPECT_EQ(ask_self(R"({"paths":["capabilities"]})").data, R"({"capabilities":["deny"]})") << "never a member twice";
}

TEST_F(CapabilityTest, WithoutPathsThereIsNothingToSay) {
  for (const char* body : {"", "{}", R"({"paths":[]})", R"({"paths":""})", R"({"paths":[""]})", R"({"paths":{}})"}) {
    EXPECT_EQ(ask_self(body).word(), "invalid") << body;
  }
}

TEST_F(CapabilityTest, RootHasRoot) {
  EXPECT_EQ(node_.write("sys/capabilities-self", R"({"paths":["any"]})").data, R"({"any":["root"],"capabilities":["root"]})");
}

TEST_F(CapabilityTest, OfAnotherTokenByItselfOrItsAccessor) {
  const std::string body = R"("paths":["kv/data/app"]})";
  const std::string expected = R"(["create","read","update"])";
  const std::string accessor = accessor_of(token_);
  EXPECT_EQ(node_.write("sys/capabilities", R"({"token":")" + token_ + "\"," + body).at("capabilities"), expected);
  EXPECT_EQ(node_.write("sys/capabilities-accessor", R"({"accessor":")" + accessor + "\"," + body).at("capabilities"), expected);
  EXPECT_EQ(node_.write("sys/capabilities", R"({"token":")" + node_.root_token() + "\"," + body).at("capabilities"), R"(["root"])");

  EXPECT_EQ(node_.write("sys/capabilities", "{" + body).word(), "invalid");
  EXPECT_EQ(node_.write("sys/capabilities", R"({"token":"hvs.made-up",)" + body).word(), "invalid");
  EXPECT_EQ(node_.write("sys/capabilities-accessor", "{" + body).word(), "invalid");
  EXPECT_EQ(node_.write("sys/capabilities-accessor", R"({"accessor":"made-up",)" + body).word(), "invalid");
  // An accessor is no token, and a token no accessor.
  EXPECT_EQ(node_.write("sys/capabilities", R"({"token":")" + accessor + "\"," + body).word(), "invalid");
  EXPECT_EQ(node_.write("sys/capabilities-accessor", R"({"accessor":")" + token_ + "\"," + body).word(), "invalid");
  // The default policy gives only what concerns the token itself.
  EXPECT_EQ(node_.write("sys/capabilities", R"({"token":")" + token_ + "\"," + body, token_).word(), "denied");
  EXPECT_EQ(node_.write("sys/capabilities-accessor", R"({"accessor":")" + accessor + "\"," + body, token_).word(), "denied");
}

TEST_F(CapabilityTest, AnEndedTokenHasNone) {
  const std::string accessor = accessor_of(token_);
  clock_.advance_ms(3'601'000);
  for (const auto& [path, who] : {std::pair<std::string, std::string>("sys/capabilities", "\"token\":\"" + token_ + "\""),
                                  std::pair<std::string, std::string>("sys/capabilities-accessor", "\"accessor\":\"" + accessor + "\"")}) {
    EXPECT_EQ(node_.write(path, "{" + who + R"(,"paths":["kv/data/app"]})").word(), "invalid") << path;
  }
}

TEST_F(CapabilityTest, WhatIsToldIsWhatIsEnforced) {
  ASSERT_EQ(node_.write("kv/data/app", R"({"data":{}})").word(), "found");
  EXPECT_EQ(node_.read("kv/data/app", token_).word(), "found");
  EXPECT_EQ(node_.erase("kv/data/app", token_).word(), "denied");
  EXPECT_EQ(node_.read("kv/data/app/x", token_).word(), "denied");
  EXPECT_EQ(node_.list("kv/metadata/a", token_).word(), "not-found");
  EXPECT_EQ(node_.list("kv/metadata/a/b", token_).word(), "denied");
}

TEST_F(CapabilityTest, TheResultantAclIsAllPoliciesInOne) {
  node_.put_policy("one", R"(
    path "a" { capabilities = ["read"] }
    path "b/*" { capabilities = ["update"] min_wrapping_ttl = 60 allowed_parameters = { "x" = ["1", "y*"] } required_parameters = ["x"] }
    path "c/+/d*" { capabilities = ["list"] }
  )");
  node_.put_policy("two", R"(path "a" { capabilities = ["delete"] } path "b/*" { max_wrapping_ttl = "1h" } path "e" { })");
  const Got got = node_.read("sys/internal/ui/resultant-acl", node_.token({"one", "two"}));
  EXPECT_EQ(got.word(), "denied") << "without the default policy";
  node_.put_policy("ask", R"(path "sys/internal/ui/resultant-acl" { capabilities = ["read"] })");
  EXPECT_EQ(node_.read("sys/internal/ui/resultant-acl", node_.token({"one", "two", "ask"})).data,
            R"({"exact_paths":{"a":{"capabilities":["delete","read"]},"e":{"capabilities":["deny"]},)"
            R"("sys/internal/ui/resultant-acl":{"capabilities":["read"]}},)"
            R"("glob_paths":{"b/":{"capabilities":["update"],"min_wrapping_ttl":60,"max_wrapping_ttl":3600,)"
            R"("allowed_parameters":{"x":["1","y*"]},"required_parameters":["x"]},"c/+/d*":{"capabilities":["list"]}},"root":false})");
  EXPECT_EQ(node_.read("sys/internal/ui/resultant-acl").data, R"({"root":true})");
}

}  // namespace
}  // namespace keyhold::engine
