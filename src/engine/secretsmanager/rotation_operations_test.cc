#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using core::test::await;
using test::Got;

constexpr std::string_view kRandomArn = R"("RotationLambdaARN":"arn:aws:lambda:us-east-1:123456789012:function:random")";

class SecretsManagerRotation : public test::SecretsManagerTest {
 protected:
  SecretsManagerRotation() { EXPECT_TRUE(create("a", "old").ok()); }
  Got rotate(std::string_view more = {}) { return on("RotateSecret", "a", "," + std::string(kRandomArn) + std::string(more)); }
  Got describe() { return on("DescribeSecret", "a"); }
  bool rotated() {
    return await([&] { return describe().at("LastRotatedDate") != "(none)" && node_.read("secret/rotate/a").at("run") == "null"; });
  }
};

TEST_F(SecretsManagerRotation, RotatesAtOnceAndTellsHowItWill) {
  const Got got = rotate(R"(,"RotationRules":{"AutomaticallyAfterDays":30,"Duration":"3h"},"ClientRequestToken":")" + id("9") + "\"");
  ASSERT_TRUE(got.ok()) << said(got);
  EXPECT_EQ(got.at("VersionId"), id("9"));
  EXPECT_EQ(got.at("Name"), "a");
  ASSERT_TRUE(rotated());
  const Got now = get("a");
  EXPECT_EQ(now.at("VersionId"), id("9"));
  EXPECT_EQ(now.at("SecretString").size(), 32u);
  EXPECT_EQ(get("a", R"(,"VersionStage":"AWSPREVIOUS")").at("SecretString"), "old");
  const Got described = describe();
  EXPECT_EQ(described.at("RotationEnabled"), "true");
  EXPECT_EQ(described.at("RotationLambdaARN"), "arn:aws:lambda:us-east-1:123456789012:function:random");
  EXPECT_EQ(described.at("RotationRules"), R"({"AutomaticallyAfterDays":30,"Duration":"3h"})");
  EXPECT_NE(described.at("NextRotationDate"), "(none)");
  EXPECT_EQ(code(rotate(R"(,"ClientRequestToken":")" + id("9") + "\"")), "ok") << "the same request again";
  EXPECT_EQ(get("a").at("VersionId"), id("9"));
}

TEST_F(SecretsManagerRotation, LaterMeansThatOnlyTheRotatorIsTried) {
  ASSERT_EQ(code(rotate(R"j(,"RotationRules":{"ScheduleExpression":"cron(0 8 ? * SUN *)"},"RotateImmediately":false)j")), "ok");
  EXPECT_TRUE(await([&] { return node_.read("secret/rotate/a").at("run") == "null"; }));
  EXPECT_EQ(get("a").at("SecretString"), "old");
  EXPECT_EQ(describe().at("LastRotatedDate"), "(none)");
  EXPECT_EQ(on("ListSecretVersionIds", "a", R"(,"IncludeDeprecated":true)").data.find("AWSPENDING"), std::string::npos);
}

TEST_F(SecretsManagerRotation, Refuses) {
  EXPECT_EQ(code(on("RotateSecret", "a")), "InvalidRequestException") << "no function is named";
  EXPECT_EQ(code(on("RotateSecret", "none", "," + std::string(kRandomArn))), "ResourceNotFoundException");
  EXPECT_EQ(code(on("RotateSecret", "a", R"(,"RotationLambdaARN":"random")")), "InvalidParameterException");
  EXPECT_EQ(code(on("RotateSecret", "a", R"(,"RotationLambdaARN":"arn:aws:lambda:us-east-1:123456789012:function:unknown")")),
            "ResourceNotFoundException");
  for (const char* days : {"0", "1001", "-1", "\"x\""}) {
    const Got got = rotate(R"(,"RotationRules":{"AutomaticallyAfterDays":)" + std::string(days) + "}");
    EXPECT_EQ(code(got), "InvalidParameterException") << days;
    EXPECT_EQ(said(got), "RotationRules.AutomaticallyAfterDays must be within 1-1000.");
  }
  EXPECT_EQ(code(rotate(R"(,"ClientRequestToken":"short")")), "InvalidParameterException");
  EXPECT_EQ(describe().at("RotationEnabled"), "(none)");
  EXPECT_EQ(outcome("DeleteSecret", R"({"SecretId":"a"})"), "ok");
  EXPECT_EQ(code(rotate()), "InvalidRequestException");
}

TEST_F(SecretsManagerRotation, CancellingTurnsItOff) {
  ASSERT_EQ(code(rotate(R"(,"RotationRules":{"AutomaticallyAfterDays":30})")), "ok");
  ASSERT_TRUE(rotated());
  EXPECT_EQ(code(on("CancelRotateSecret", "a")), "ok");
  EXPECT_EQ(describe().at("RotationEnabled"), "false");
  EXPECT_EQ(describe().at("NextRotationDate"), "(none)");
  EXPECT_EQ(code(on("RotateSecret", "a")), "ok") << "and on again";
  EXPECT_EQ(describe().at("RotationEnabled"), "true");
}

TEST_F(SecretsManagerRotation, NeedsTheRightToRotate) {
  const std::string reader = with_policy(R"(path "secret/data/*" { capabilities = ["read", "update"] })");
  const std::string body = R"({"SecretId":"a",)" + std::string(kRandomArn) + "}";
  EXPECT_EQ(outcome("RotateSecret", body, reader), "denied");
  const std::string rotator = with_policy(R"(path "secret/rotate/*" { capabilities = ["update"] })");
  EXPECT_EQ(outcome("RotateSecret", body, rotator), "ok");
}

TEST_F(SecretsManagerRotation, MakesPasswords) {
  EXPECT_EQ(call("GetRandomPassword", "{}").at("RandomPassword").size(), 32u);
  const Got got = call("GetRandomPassword", R"({"PasswordLength":50,"ExcludeLowercase":true,"ExcludeUppercase":true,"ExcludePunctuation":true})");
  EXPECT_EQ(got.at("RandomPassword").size(), 50u);
  EXPECT_EQ(got.at("RandomPassword").find_first_not_of("0123456789"), std::string::npos);
  EXPECT_EQ(outcome("GetRandomPassword", R"({"PasswordLength":3})"), "InvalidParameterException");
  EXPECT_EQ(outcome("GetRandomPassword", "{}", with_policy(R"(path "secret/x" { capabilities = ["read"] })")), "ok") << "whoever is known may";
}

}  // namespace
}  // namespace keyhold::engine
