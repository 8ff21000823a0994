#include <gtest/gtest.h>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::EngineTest;
using test::Got;

class PolicyTest : public EngineTest {
 protected:
  Got put(const std::string& name, std::string_view text) {
    SecretBytes body;
    json::Writer(body).begin_object().key("policy").string(text).end_object();
    return node_.write("sys/policies/acl/" + name, std::string(body.reveal()));
  }
  static constexpr std::string_view kReadKv = R"(path "kv/data/*" { capabilities = ["read"] })";
};

TEST_F(PolicyTest, WriteReadListDelete) {
  EXPECT_EQ(put("app", kReadKv).word(), "empty");
  EXPECT_EQ(node_.read("sys/policies/acl/app").at("policy"), kReadKv);
  EXPECT_EQ(node_.read("sys/policies/acl/app").at("name"), "app");
  EXPECT_EQ(node_.list("sys/policies/acl").at("keys"), R"(["app","default","root"])");
  EXPECT_EQ(node_.erase("sys/policies/acl/app").word(), "empty");
  EXPECT_EQ(node_.erase("sys/policies/acl/app").word(), "empty");
  EXPECT_EQ(node_.read("sys/policies/acl/app").word(), "not-found");
  EXPECT_EQ(node_.list("sys/policies/acl").at("keys"), R"(["default","root"])");
  EXPECT_EQ(put("app", kReadKv).word(), "empty") << "and again after its removal";
}

TEST_F(PolicyTest, AChangeHoldsAtOnce) {
  ASSERT_EQ(node_.write("kv/data/a", R"({"data":{}})").word(), "found");
  const std::string token = node_.token({"app"});
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "denied");
  put("app", kReadKv);
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "found");
  node_.erase("sys/policies/acl/app");
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "denied");
}

TEST_F(PolicyTest, TheOlderRoutesNameThingsAsOfOld) {
  EXPECT_EQ(node_.write("sys/policy/app", R"({"policy":"path \"a\" { policy = \"read\" }"})").word(), "empty");
  EXPECT_EQ(node_.read("sys/policy/app").data, R"({"name":"app","rules":"path \"a\" { policy = \"read\" }"})");
  EXPECT_EQ(node_.read("sys/policies/acl/app").data, R"({"name":"app","policy":"path \"a\" { policy = \"read\" }"})");
  const std::string names = R"(["app","default","root"])";
  EXPECT_EQ(node_.list("sys/policies/acl").data, "{\"keys\":" + names + "}");
  for (const Got& got : {node_.list("sys/policy"), node_.read("sys/policy")}) {
    EXPECT_EQ(got.data, "{\"keys\":" + names + ",\"policies\":" + names + "}");
  }
  EXPECT_EQ(node_.read("sys/policies/acl").word(), "unsupported");

  const Got got = node_.write("sys/policy/app", R"({"rules":"path \"b\" { }"})");
  EXPECT_EQ(got.word(), "empty");
  EXPECT_EQ(got.warnings, std::vector<std::string>{"'rules' is deprecated, please use 'policy' instead"});
  EXPECT_EQ(node_.read("sys/policy/app").at("rules"), "path \"b\" { }");
  EXPECT_EQ(node_.write("sys/policies/acl/app", R"({"rules":"path \"b\" { }"})").word(), "invalid");
  EXPECT_EQ(node_.erase("sys/policy/app").word(), "empty");
  EXPECT_EQ(node_.read("sys/policy/app").word(), "not-found");
}

TEST_F(PolicyTest, TheTextMayBeInBase64) {
  EXPECT_EQ(put("app", "cGF0aCAiYSIgeyBwb2xpY3kgPSAicmVhZCIgfQ==").word(), "empty");
  EXPECT_EQ(node_.read("sys/policies/acl/app").at("policy"), R"(path "a" { policy = "read" })");
  EXPECT_EQ(put("app", "aHVudGVyMg==").word(), "invalid");
}

TEST_F(PolicyTest, WhatIsHardlyMeantIsSaid) {
  const Got got = put("app", "path \"a/*/b\" { capabilities = [\"read\"] }");
  EXPECT_EQ(got.word(), "empty");
  ASSERT_EQ(got.warnings.size(), 1u);
  EXPECT_EQ(got.warnings.front().substr(0, 16), "line 1, column 6");
}

TEST_F(PolicyTest, NamesAreNormalisedBeforeTheyAreCompared) {
  EXPECT_EQ(put(" App ", kReadKv).word(), "empty");
  EXPECT_EQ(node_.read("sys/policies/acl/APP").at("name"), "app");
  for (const char* name : {"root", "ROOT", " Root ", "rOOt", "Response-Wrapping", "control-group "}) {
    EXPECT_EQ(put(name, kReadKv).word(), "invalid") << name;
    EXPECT_EQ(node_.erase(std::string("sys/policies/acl/") + name).word(), "invalid") << name;
  }
  for (const char* name : {"root", "ROOT", " Root ", "rOOt"}) {
    EXPECT_EQ(node_.read(std::string("sys/policies/acl/") + name).at("policy"), "") << name;
  }
  EXPECT_EQ(node_.erase("sys/policies/acl/DEFAULT").word(), "invalid");
  EXPECT_EQ(put("a b", kReadKv).word(), "invalid");
}

TEST_F(PolicyTest, AParseErrorSaysWhereAndNotWhat) {
  const Got got = put("app", "path \"kv/*\" {\n  capabilities = [\"hunter2\"]\n}");
  ASSERT_EQ(got.word(), "invalid");
  EXPECT_NE(got.error->message.find("line 2"), std::string::npos) << got.error->message;
  EXPECT_NE(got.error->message.find("column"), std::string::npos) << got.error->message;
  EXPECT_EQ(got.error->message.find("hunter2"), std::string::npos);
  EXPECT_EQ(put("app", "").word(), "invalid");
  EXPECT_EQ(node_.write("sys/policies/acl/app", "{}").word(), "invalid");
  EXPECT_EQ(node_.read("sys/policies/acl/app").word(), "not-found");
}

TEST_F(PolicyTest, TheDefaultPolicyMayBeChanged) {
  EXPECT_EQ(put("default", kReadKv).word(), "empty");
  EXPECT_EQ(node_.read("sys/policies/acl/default").at("policy"), kReadKv);
}

TEST_F(PolicyTest, TooLongATextIsRefused) { EXPECT_EQ(put("app", std::string(kReadKv) + std::string(600'000, ' ')).word(), "too-large"); }

TEST_F(PolicyTest, EveryChangeIsKeptUnderItsNumber) {
  put("app", kReadKv);
  put("app", "path \"x\" { policy = \"read\" }");
  node_.erase("sys/policies/acl/app");
  EXPECT_EQ(core::test::count_keys(memory_, core::keys::with_owner('q', core::keys::kRootNamespace) + std::string("app\0", 4)), 3u);
}

}  // namespace
}  // namespace keyhold::engine
