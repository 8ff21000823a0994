// Policies of AWS's language on requests of both APIs.
#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class IamPolicies : public test::SecretsManagerTest {
 protected:
  Got put_policy(std::string_view name, std::string_view text) {
    std::string body = R"({"policy":")";
    for (const char c : text) body += c == '"' ? std::string("\\\"") : std::string(1, c);
    return node_.write("sys/policies/iam/" + std::string(name), body + "\"}");
  }
  /// A token with nothing but this policy.
  std::string holder(std::string_view text) {
    const std::string name = "iam" + std::to_string(++policies_);
    EXPECT_EQ(put_policy(name, text).word(), "empty") << text;
    return node_.token({name});
  }
  static std::string statement(std::string_view effect, std::string_view action, std::string_view resource, std::string_view more = {}) {
    return R"({"Version":"2012-10-17","Statement":[{"Effect":")" + std::string(effect) + R"(","Action":")" + std::string(action) +
           R"(","Resource":")" + std::string(resource) + "\"" + std::string(more) + "}]}";
  }
  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '"' ? std::string("\\\"") : std::string(1, c);
    return out;
  }
  Got put_resource_policy(std::string_view name, std::string_view text, std::string_view more = {}) {
    return on("PutResourcePolicy", name, R"(,"ResourcePolicy":")" + escaped(text) + "\"" + std::string(more));
  }
  std::string aws(std::string_view name, const std::string& token) {
    return outcome("GetSecretValue", R"({"SecretId":")" + std::string(name) + "\"}", token);
  }
  std::string vault(std::string_view name, const std::string& token) { return node_.read("secret/data/" + std::string(name), token).word(); }

  static constexpr std::string_view kProd = "arn:aws:secretsmanager:*:*:secret:prod/*";
  int policies_ = 0;
};

TEST_F(IamPolicies, AnAllowOpensBothApis) {
  EXPECT_EQ(code(create("prod/db", "x")), "ok");
  EXPECT_EQ(code(create("dev/db", "x")), "ok");
  const std::string token = holder(statement("Allow", "secretsmanager:GetSecretValue", kProd));
  EXPECT_EQ(aws("prod/db", token), "ok");
  EXPECT_EQ(vault("prod/db", token), "found");
  EXPECT_EQ(aws("dev/db", token), "denied");
  EXPECT_EQ(vault("dev/db", token), "denied");
  EXPECT_EQ(outcome("DescribeSecret", R"({"SecretId":"prod/db"})", token), "denied");
  EXPECT_EQ(node_.read("secret/metadata/prod/db", token).word(), "denied");
  EXPECT_EQ(node_.write("secret/data/prod/db", R"({"data":{}})", token).word(), "denied");
  EXPECT_EQ(node_.read("sys/mounts", token).word(), "denied");
}

TEST_F(IamPolicies, ADenyClosesBothWhateverElseAllows) {
  EXPECT_EQ(code(create("prod/db", "x")), "ok");
  node_.put_policy("all", R"(path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] })");
  EXPECT_EQ(put_policy("never", statement("Deny", "secretsmanager:GetSecretValue", kProd)).word(), "empty");
  const std::string token = node_.token({"all", "never"});
  EXPECT_EQ(aws("prod/db", token), "denied");
  EXPECT_EQ(vault("prod/db", token), "denied");
  EXPECT_EQ(node_.read("secret/subkeys/prod/db", token).word(), "denied") << "another way to the same content";
  EXPECT_EQ(outcome("DescribeSecret", R"({"SecretId":"prod/db"})", token), "ok");
  EXPECT_EQ(call("BatchGetSecretValue", R"({"SecretIdList":["prod/db"]})", token).at("SecretValues"), "[]");
}

TEST_F(IamPolicies, ADetailedListIsNoWayAroundADeny) {
  for (const char* name : {"prod/db", "prod/api"}) EXPECT_EQ(code(create(name, "x")), "ok");
  const auto list = [this](const std::string& token) { return node_.list("secret/detailed-metadata/prod", token); };
  node_.put_policy("lists", R"(path "secret/*" { capabilities = ["read", "list"] })");
  EXPECT_EQ(put_policy("not-db", statement("Deny", "secretsmanager:DescribeSecret", "arn:aws:secretsmanager:*:*:secret:prod/db-*")).word(), "empty");
  EXPECT_EQ(put_policy("no-list", statement("Deny", "secretsmanager:ListSecrets", "*")).word(), "empty");
  EXPECT_NE(list(node_.token({"lists"})).data.find(R"("db":{)"), std::string::npos);
  const Got got = list(node_.token({"lists", "not-db"}));
  EXPECT_EQ(got.data.find(R"("db":{)"), std::string::npos);
  EXPECT_NE(got.data.find(R"("api":{)"), std::string::npos);
  EXPECT_EQ(list(node_.token({"lists", "no-list"})).word(), "denied");
  EXPECT_EQ(list(holder(statement("Allow", "secretsmanager:ListSecrets", "*"))).word(), "denied") << "a list does not describe";
}

TEST_F(IamPolicies, AVaultDenyWinsOverAnAllow) {
  EXPECT_EQ(code(create("prod/db", "x")), "ok");
  node_.put_policy("none", R"(path "secret/data/prod/db" { capabilities = ["deny"] })");
  EXPECT_EQ(put_policy("every", statement("Allow", "secretsmanager:*", "*")).warnings.size(), 1u) << "it is warned of";
  const std::string token = node_.token({"none", "every"});
  EXPECT_EQ(aws("prod/db", token), "denied");
  EXPECT_EQ(vault("prod/db", token), "denied");
  EXPECT_EQ(outcome("DescribeSecret", R"({"SecretId":"prod/db"})", token), "ok");
  EXPECT_EQ(node_.read("cubbyhole/a", token).word(), "denied") << "IAM speaks of secrets only";
}

TEST_F(IamPolicies, ConditionsOnTheRequestAndTheSecret) {
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":"x","Tags":[{"Key":"team","Value":"web"}]})"), "ok");
  const std::string tagged = holder(statement("Allow", "secretsmanager:GetSecretValue", "*",
                                              R"(,"Condition":{"StringEquals":{"secretsmanager:ResourceTag/team":"web"}})"));
  EXPECT_EQ(aws("a", tagged), "ok");
  EXPECT_EQ(vault("a", tagged), "found");
  EXPECT_EQ(code(on("TagResource", "a", R"(,"Tags":[{"Key":"team","Value":"other"}])")), "ok");
  EXPECT_EQ(aws("a", tagged), "denied");
  EXPECT_EQ(vault("a", tagged), "denied");
  const std::string pending = holder(statement("Allow", "secretsmanager:GetSecretValue", "*",
                                               R"(,"Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}})"));
  EXPECT_EQ(aws("a", pending), "denied");
  EXPECT_EQ(outcome("GetSecretValue", R"({"SecretId":"a","VersionStage":"AWSPREVIOUS"})", pending), "ResourceNotFoundException");
  EXPECT_EQ(vault("a", pending), "denied") << "what Vault's API does not say is not known";
  const std::string away = holder(statement("Allow", "secretsmanager:GetSecretValue", "*",
                                            R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"));
  EXPECT_EQ(aws("a", away), "denied");
  EXPECT_EQ(node_.ask({.path = "secret/data/a", .token = away, .peer = "10.1.2.3"}).word(), "found");
}

TEST_F(IamPolicies, APolicyOnASecretGrantsAndForbids) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  node_.put_policy("all", R"(path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] })");
  const std::string nobody = node_.token({"nothing"});
  const std::string all = node_.token({"all"});
  EXPECT_EQ(code(put_resource_policy("a", R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]})")), "ok");
  EXPECT_EQ(aws("a", nobody), "ok");
  EXPECT_EQ(vault("a", nobody), "found");
  EXPECT_EQ(code(put_resource_policy("a", R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]})")), "ok");
  EXPECT_EQ(aws("a", all), "denied");
  EXPECT_EQ(vault("a", all), "denied");
  EXPECT_EQ(aws("a", node_.root_token()), "ok") << "root can always mend it";
  EXPECT_NE(on("GetResourcePolicy", "a").at("ResourcePolicy"), "(none)");
  EXPECT_EQ(code(on("DeleteResourcePolicy", "a")), "ok");
  EXPECT_EQ(on("GetResourcePolicy", "a").at("ResourcePolicy"), "(none)");
  EXPECT_EQ(aws("a", all), "ok");
  EXPECT_EQ(vault("a", nobody), "denied");
}

TEST_F(IamPolicies, PoliciesOnSecretsAreChecked) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  constexpr std::string_view kPublic =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]})";
  EXPECT_EQ(code(put_resource_policy("a", "{}")), "MalformedPolicyDocumentException");
  EXPECT_EQ(code(put_resource_policy("a", kPublic, R"(,"BlockPublicPolicy":true)")), "PublicPolicyException");
  EXPECT_EQ(on("GetResourcePolicy", "a").at("ResourcePolicy"), "(none)") << "nothing changed";
  EXPECT_EQ(call("ValidateResourcePolicy", R"({"ResourcePolicy":"{}"})").at("PolicyValidationPassed"), "false");
  EXPECT_EQ(on("ValidateResourcePolicy", "a", R"(,"ResourcePolicy":")" + escaped(kPublic) + "\"").at("PolicyValidationPassed"), "false");
}

TEST_F(IamPolicies, ShareTheirNamesWithVaults) {
  EXPECT_EQ(node_.write("sys/policies/acl/one", R"({"policy":"path \"a\" { capabilities = [\"read\"] }"})").word(), "empty");
  EXPECT_EQ(put_policy("one", statement("Allow", "*", "*")).word(), "invalid");
  EXPECT_EQ(put_policy("two", statement("Allow", "secretsmanager:GetSecretValue", kProd)).word(), "empty");
  EXPECT_EQ(node_.write("sys/policies/acl/two", R"({"policy":"path \"a\" { capabilities = [\"read\"] }"})").word(), "invalid");
  EXPECT_EQ(node_.read("sys/policies/acl/two").word(), "not-found");
  EXPECT_NE(node_.read("sys/policies/iam/two").at("policy"), "(none)");
  EXPECT_EQ(node_.list("sys/policies/iam").at("keys"), R"(["two"])");
  EXPECT_EQ(node_.list("sys/policies/acl").data.find("two"), std::string::npos);
  EXPECT_EQ(put_policy("root", statement("Allow", "*", "*")).word(), "invalid");
  EXPECT_EQ(put_policy("default", statement("Allow", "*", "*")).word(), "invalid");
  EXPECT_EQ(put_policy("three", R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringMatches":{"a":"b"}}}]})").word(), "invalid")
      << "what is not supported is refused by name";
  EXPECT_EQ(node_.erase("sys/policies/iam/two").word(), "empty");
  EXPECT_EQ(node_.read("sys/policies/iam/two").word(), "not-found");
}

TEST_F(IamPolicies, ListsTellOfWhatTheyAllow) {
  for (const char* name : {"a", "b"}) EXPECT_EQ(code(create(name, "x")), "ok");
  const std::string lister = holder(statement("Allow", "secretsmanager:ListSecrets", "*"));
  const std::string all = call("ListSecrets", "{}", lister).data;
  EXPECT_NE(all.find(R"("Name":"a")"), std::string::npos);
  EXPECT_NE(all.find(R"("Name":"b")"), std::string::npos);
  EXPECT_EQ(node_.list("secret/metadata", lister).at("keys"), R"(["a","b"])");
  EXPECT_EQ(outcome("ListSecrets", "{}", holder(statement("Allow", "secretsmanager:GetSecretValue", "*"))), "denied");
}

}  // namespace
}  // namespace keyhold::engine
