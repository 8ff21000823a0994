#include "auth/token/new_policies.h"

#include <gtest/gtest.h>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

TEST(Glob, StarsStandForAnyText) {
  for (const auto& [pattern, text] : std::vector<std::pair<const char*, const char*>>{
           {"a", "a"}, {"*", ""}, {"*", "abc"}, {"a*", "a"}, {"a*", "abc"}, {"*c", "abc"}, {"a*c", "ac"}, {"a*c", "abbc"},
           {"*b*", "abc"}, {"a*b*c", "axbxc"}, {"a*ab", "aab"}, {"**", "x"}, {"a**b", "ab"}, {"*ab*ab", "abab"}}) {
    EXPECT_TRUE(matches_glob(pattern, text)) << pattern << " " << text;
  }
  for (const auto& [pattern, text] : std::vector<std::pair<const char*, const char*>>{
           {"a", "b"}, {"a", "ab"}, {"", "a"}, {"a*", "ba"}, {"*c", "cb"}, {"a*c", "a"}, {"ab*ba", "aba"}, {"a*b*c", "acb"},
           {"*ab*ab", "ab"}}) {
    EXPECT_FALSE(matches_glob(pattern, text)) << pattern << " " << text;
  }
}

class NewPoliciesTest : public test::TokenAuthTest {
 protected:
  std::string through(const std::string& role, const std::string& body) {
    EXPECT_EQ(ask("roles/r", role).word(), "empty");
    const test::Got got = ask("create/r", body, made(R"({"policies":["admin","own"]})"));
    ask("roles/r", R"({"allowed_policies":[],"disallowed_policies":[],"allowed_policies_glob":[],"disallowed_policies_glob":[],
                       "token_no_default_policy":false})");
    return got.error ? got.word() : got.at("policies");
  }
};

TEST_F(NewPoliciesTest, ThroughARole) {
  struct Case {
    const char* role;
    const char* body;
    const char* gives;
  };
  for (const Case& c : {
           Case{R"({"allowed_policies":"a,b"})", "{}", R"(["a","b","default"])"},
           Case{R"({"allowed_policies":"a,b"})", R"({"policies":"a"})", R"(["a","default"])"},
           Case{R"({"allowed_policies":"a,b"})", R"({"policies":"default"})", R"(["default"])"},
           Case{R"({"allowed_policies":"a,b"})", R"({"policies":"a","no_default_policy":true})", R"(["a"])"},
           Case{R"({"allowed_policies":"a","token_no_default_policy":true})", "{}", R"(["a"])"},
           Case{R"({"allowed_policies_glob":"a-*"})", R"({"policies":"A-1"})", R"(["a-1","default"])"},
           Case{R"({"allowed_policies_glob":"a-*"})", R"({"policies":"b"})", "invalid"},
           Case{R"({"allowed_policies_glob":"a-*"})", "{}", R"(["default"])"},
           Case{R"({"disallowed_policies":"a"})", R"({"policies":"b"})", R"(["b","default"])"},
           Case{R"({"disallowed_policies":"a"})", R"({"policies":"b, A"})", "invalid"},
           Case{R"({"disallowed_policies_glob":"own*"})", "{}", "invalid"},
           Case{R"({"disallowed_policies":"x"})", "{}", R"(["admin","default","own"])"},
           Case{R"({"disallowed_policies":"default"})", R"({"policies":"b"})", R"(["b"])"},
           Case{R"({"disallowed_policies_glob":"def*"})", R"({"policies":"b"})", R"(["b"])"},
           Case{R"({"allowed_policies":"a","disallowed_policies":"a"})", "{}", "invalid"},
       }) {
    EXPECT_EQ(through(c.role, c.body), c.gives) << c.role << " " << c.body;
  }
}

TEST_F(NewPoliciesTest, WithoutARole) {
  const std::string plain = node_.token({"creator", "own"});
  EXPECT_EQ(create("{}", plain).at("policies"), R"(["creator","own"])") << "default only if the parent has it";
  EXPECT_EQ(create(R"({"policies":["own"]})", plain).at("policies"), R"(["own"])");
  EXPECT_EQ(create(R"({"policies":["default"]})", plain).word(), "invalid");
  EXPECT_EQ(create(R"({"policies":["other"]})", node_.token({"admin"})).at("policies"), R"(["default","other"])");
  EXPECT_EQ(create(R"({"policies":["other","root"]})").at("policies"), R"(["root"])");
}

}  // namespace
}  // namespace keyhold::auth
