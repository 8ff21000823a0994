#include "core/policy/iam_condition.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

using enum ConditionKey;

/// What one condition says, by what an Allow and a Deny with it decide: unknown neither allows nor lets pass.
Answer ask(std::string_view condition, const Context& context) {
  const auto decided = [&](std::string_view effect) {
    const auto policy = parse_policy(R"({"Version":"2012-10-17","Statement":{"Action":"*","Resource":"*","Effect":")" + std::string(effect) +
                                         R"(","Condition":)" + std::string(condition) + "}}",
                                     PolicyKind::kIdentity);
    EXPECT_TRUE(policy.ok()) << policy.error().message << "\n" << condition;
    if (!policy.ok()) return Decision::kNeither;
    const Policy* const only = &*policy;
    return decide({&only, 1}, {Action::kGetSecretValue, {"arn"}, {}}, context);
  };
  const bool allowed = decided("Allow") == Decision::kAllow;
  const bool denied = decided("Deny") == Decision::kDeny;
  EXPECT_TRUE(denied || !allowed);
  return allowed ? Answer::kYes : denied ? Answer::kUnknown : Answer::kNo;
}

std::string condition(std::string_view name, std::string_view key, std::string_view values) {
  return R"({")" + std::string(name) + R"(":{")" + std::string(key) + R"(":)" + std::string(values) + "}}";
}

constexpr Answer kNo = Answer::kNo;
constexpr Answer kUnknown = Answer::kUnknown;
constexpr Answer kYes = Answer::kYes;

TEST(IamCondition, ComparesTexts) {
  const Context bob = Context().set(kUserName, "Bob");
  const std::vector<std::pair<std::string, Answer>> cases{
      {condition("StringEquals", "aws:username", R"("Bob")"), kYes},
      {condition("StringEquals", "aws:username", R"("bob")"), kNo},
      {condition("StringEquals", "aws:username", R"("B*")"), kNo},
      {condition("StringEquals", "aws:username", R"(["Alice","Bob"])"), kYes},
      {condition("StringEquals", "aws:username", R"("${aws:username}")"), kYes},
      {condition("StringNotEquals", "aws:username", R"("Alice")"), kYes},
      {condition("StringNotEquals", "aws:username", R"(["Alice","Bob"])"), kNo},
      {condition("StringEqualsIgnoreCase", "aws:username", R"("bOB")"), kYes},
      {condition("StringEqualsIgnoreCase", "aws:username", R"("${AWS:USERNAME}")"), kYes},
      {condition("StringEqualsIgnoreCase", "aws:username", R"("bo")"), kNo},
      {condition("StringNotEqualsIgnoreCase", "aws:username", R"("bOB")"), kNo},
      {condition("StringLike", "aws:username", R"("B*")"), kYes},
      {condition("StringLike", "aws:username", R"("?o?")"), kYes},
      {condition("StringLike", "aws:username", R"("?o")"), kNo},
      {condition("StringLike", "aws:username", R"("*")"), kYes},
      {condition("StringLike", "aws:username", R"("${*}")"), kNo},
      {condition("StringNotLike", "aws:username", R"(["A*","b*"])"), kYes},
      {condition("StringNotLike", "aws:username", R"(["A*","B*"])"), kNo},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(ask(text, bob), wanted) << text;
}

TEST(IamCondition, ComparesNumbersTimesAndBooleans) {
  Context context;
  context.set_time(1'709'210'096'789).set(kRecoveryWindowInDays, "7").set(kSecureTransport, "true");  // 2024-02-29T12:34:56.789Z.
  const auto of_days = [](std::string_view name, std::string_view values) { return condition(name, "secretsmanager:RecoveryWindowInDays", values); };
  const auto of_now = [](std::string_view name, std::string_view values) { return condition(name, "aws:CurrentTime", values); };
  const std::vector<std::pair<std::string, Answer>> cases{
      {of_days("NumericEquals", "7"), kYes},
      {of_days("NumericEquals", R"("7.0")"), kYes},
      {of_days("NumericNotEquals", R"(["6","7"])"), kNo},
      {of_days("NumericNotEquals", R"(["6","8"])"), kYes},
      {of_days("NumericLessThan", "7"), kNo},
      {of_days("NumericLessThan", "7.5"), kYes},
      {of_days("NumericLessThanEquals", "7"), kYes},
      {of_days("NumericGreaterThan", "7"), kNo},
      {of_days("NumericGreaterThan", "-7"), kYes},
      {of_days("NumericGreaterThanEquals", "7"), kYes},
      {of_days("StringEquals", R"("7")"), kYes},
      {of_now("DateLessThan", R"("2024-02-29T12:34:57Z")"), kYes},
      {of_now("DateLessThan", R"("2024-02-29T12:34:56Z")"), kNo},
      {of_now("DateLessThan", R"("2024-02-29T13:34:57+01:00")"), kYes},
      {of_now("DateLessThan", R"("2024-02-29T13:34:57+02:00")"), kNo},
      {of_now("DateGreaterThan", R"("2024-02-29")"), kYes},
      {of_now("DateGreaterThanEquals", R"("2024-03-01")"), kNo},
      {of_now("DateEquals", R"("2024-02-29T12:34:56.789Z")"), kYes},
      {of_now("DateNotEquals", R"("2024-02-29T12:34:56.789Z")"), kNo},
      {of_now("DateLessThanEquals", R"("1709210096")"), kNo},
      {of_now("DateLessThanEquals", "1709210097"), kYes},
      {condition("DateEquals", "aws:EpochTime", R"("2024-02-29T12:34:56Z")"), kYes},
      {condition("NumericGreaterThan", "aws:EpochTime", "1709210095"), kYes},
      {condition("Bool", "aws:SecureTransport", "true"), kYes},
      {condition("Bool", "aws:SecureTransport", R"("FALSE")"), kNo},
      {condition("Bool", "aws:SecureTransport", R"(["true","false"])"), kYes},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(ask(text, context), wanted) << text;
}

TEST(IamCondition, ComparesAddresses) {
  const auto of_ip = [](std::string_view name, std::string_view values) { return condition(name, "aws:SourceIp", values); };
  const Context v4 = Context().set(kSourceIp, "10.1.2.3");
  EXPECT_EQ(ask(of_ip("IpAddress", R"("10.0.0.0/8")"), v4), kYes);
  EXPECT_EQ(ask(of_ip("IpAddress", R"(["192.0.2.0/24","10.1.2.3"])"), v4), kYes);
  EXPECT_EQ(ask(of_ip("IpAddress", R"("10.1.2.4")"), v4), kNo);
  EXPECT_EQ(ask(of_ip("NotIpAddress", R"("10.0.0.0/8")"), v4), kNo);
  EXPECT_EQ(ask(of_ip("NotIpAddress", R"("::/0")"), v4), kYes);
  const Context v6 = Context().set(kSourceIp, "2001:db8::7");
  EXPECT_EQ(ask(of_ip("IpAddress", R"("2001:db8::/32")"), v6), kYes);
  EXPECT_EQ(ask(of_ip("IpAddress", R"("0.0.0.0/0")"), v6), kNo);
  EXPECT_EQ(ask(of_ip("IpAddress", R"("10.0.0.0/8")"), Context().set(kSourceIp, "::ffff:10.0.0.1")), kYes);
}

TEST(IamCondition, ComparesArnsFieldByField) {
  const Context context = Context().set(kPrincipalArn, "arn:aws:iam::000000000000:role/ops/deploy").set(kPrincipalAccount, "000000000000");
  const auto of_arn = [](std::string_view name, std::string_view value) {
    return condition(name, "aws:PrincipalArn", "\"" + std::string(value) + "\"");
  };
  EXPECT_EQ(ask(of_arn("ArnEquals", "arn:aws:iam::000000000000:role/ops/deploy"), context), kYes);
  EXPECT_EQ(ask(of_arn("ArnEquals", "arn:aws:iam::*:role/*"), context), kYes);
  EXPECT_EQ(ask(of_arn("ArnLike", "arn:aws:*::000000000000:role/*/deploy"), context), kYes);
  EXPECT_EQ(ask(of_arn("ArnLike", "arn:aws:iam::${aws:PrincipalAccount}:role/*"), context), kYes);
  EXPECT_EQ(ask(of_arn("ArnLike", "*"), context), kYes);
  EXPECT_EQ(ask(of_arn("ArnLike", "arn:aws:iam::000000000000:user/*"), context), kNo);
  EXPECT_EQ(ask(of_arn("ArnLike", "arn:*:role/ops:deploy:x:y"), context), kNo);
  EXPECT_EQ(ask(of_arn("ArnNotEquals", "arn:aws:iam::*:role/*"), context), kNo);
  EXPECT_EQ(ask(of_arn("ArnNotLike", "arn:aws:iam::111111111111:role/*"), context), kYes);
  // A wildcard of one field does not reach into the next.
  const Context colons = Context().set(kPrincipalArn, "arn:aws:iam::000000000000:role/x:111111111111:role/y");
  EXPECT_EQ(ask(of_arn("ArnLike", "arn:aws:iam:*:111111111111:role/y"), colons), kNo);
  EXPECT_EQ(ask(of_arn("ArnLike", "*"), Context().set(kPrincipalArn, "bob")), kUnknown);
}

TEST(IamCondition, AbsentKeysHoldForNegationsAndIfExists) {
  const Context absent;
  const std::vector<std::pair<std::string, Answer>> cases{
      {condition("StringEquals", "aws:username", R"("x")"), kNo},
      {condition("StringLike", "aws:username", R"("*")"), kNo},
      {condition("StringNotEquals", "aws:username", R"("x")"), kYes},
      {condition("StringNotLike", "aws:username", R"("*")"), kYes},
      {condition("ArnNotLike", "aws:PrincipalArn", R"("*")"), kYes},
      {condition("NotIpAddress", "aws:SourceIp", R"("0.0.0.0/0")"), kYes},
      {condition("NumericNotEquals", "secretsmanager:RecoveryWindowInDays", "7"), kYes},
      {condition("NumericLessThan", "secretsmanager:RecoveryWindowInDays", "7"), kNo},
      {condition("Bool", "aws:SecureTransport", "false"), kNo},
      {condition("BoolIfExists", "aws:SecureTransport", "false"), kYes},
      {condition("StringEqualsIfExists", "aws:username", R"("x")"), kYes},
      {condition("StringNotEqualsIfExists", "aws:username", R"("x")"), kYes},
      {condition("ForAllValues:StringEquals", "aws:TagKeys", R"("x")"), kYes},
      {condition("ForAllValues:StringNotEquals", "aws:TagKeys", R"("x")"), kYes},
      {condition("ForAnyValue:StringEquals", "aws:TagKeys", R"("x")"), kNo},
      {condition("ForAnyValue:StringNotEquals", "aws:TagKeys", R"("x")"), kNo},
      {condition("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", R"("x")"), kYes},
      {condition("Null", "aws:username", "true"), kYes},
      {condition("Null", "aws:username", "false"), kNo},
      {condition("Null", "aws:TagKeys", "true"), kYes},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(ask(text, absent), wanted) << text;
  const Context present = Context().set(kUserName, "y");
  EXPECT_EQ(ask(condition("StringEqualsIfExists", "aws:username", R"("x")"), present), kNo);
  EXPECT_EQ(ask(condition("Null", "aws:username", "true"), present), kNo);
  EXPECT_EQ(ask(condition("Null", "aws:username", "false"), present), kYes);
}

TEST(IamCondition, SetOperatorsLookAtEachValue) {
  const auto tagged = [](std::vector<std::string> keys) { return Context().set_all(kTagKeys, std::move(keys)); };
  const auto of_tags = [](std::string_view name) { return condition(name, "aws:TagKeys", R"(["team","env"])"); };
  EXPECT_EQ(ask(of_tags("ForAllValues:StringEquals"), tagged({"team", "env"})), kYes);
  EXPECT_EQ(ask(of_tags("ForAllValues:StringEquals"), tagged({"team", "other"})), kNo);
  EXPECT_EQ(ask(of_tags("ForAllValues:StringNotEquals"), tagged({"a", "b"})), kYes);
  EXPECT_EQ(ask(of_tags("ForAllValues:StringNotEquals"), tagged({"a", "team"})), kNo);
  EXPECT_EQ(ask(of_tags("ForAnyValue:StringEquals"), tagged({"other", "env"})), kYes);
  EXPECT_EQ(ask(of_tags("ForAnyValue:StringEquals"), tagged({"other"})), kNo);
  EXPECT_EQ(ask(of_tags("ForAnyValue:StringNotEquals"), tagged({"other", "env"})), kYes);
  EXPECT_EQ(ask(of_tags("ForAnyValue:StringNotEquals"), tagged({"team", "env"})), kNo);
  EXPECT_EQ(ask(of_tags("ForAllValues:StringEqualsIfExists"), tagged({"other"})), kNo);
}

TEST(IamCondition, AllOperatorsAndKeysMustHold) {
  const Context context = Context().set(kUserName, "bob").set(kSourceIp, "10.0.0.1");
  EXPECT_EQ(ask(R"({"StringEquals":{"aws:username":"bob"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", context), kYes);
  EXPECT_EQ(ask(R"({"StringEquals":{"aws:username":"bob"},"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}})", context), kNo);
  EXPECT_EQ(ask(R"({"StringEquals":{"aws:username":"bob","aws:SourceIp":"10.0.0.2"}})", context), kNo);
  EXPECT_EQ(ask("{}", context), kYes);
}

TEST(IamCondition, UnknownKeysNeitherAllowNorLetPass) {
  const Context unknown{Context::Unset::kUnknown};
  for (const ConditionKeyRule& rule : kConditionKeys) {
    const std::string key = std::string(rule.name) + (rule.shape == KeyShape::kTags ? "x" : "");
    for (const char* name : {"ForAllValues:StringEquals", "ForAnyValue:StringNotLikeIfExists", "Null"}) {
      EXPECT_EQ(ask(condition(name, key, R"("true")"), unknown), kUnknown) << name << key;
    }
    const Context one = Context().set_unknown(rule.key);
    EXPECT_EQ(ask(condition("ForAllValues:StringLikeIfExists", key, R"("*")"), one), kUnknown) << key;
    Context absent{Context::Unset::kUnknown};
    absent.set_absent(rule.key);
    EXPECT_EQ(ask(condition("Null", key, R"("true")"), absent), kYes) << key;
  }
  // A condition that does not hold for certain decides alone.
  EXPECT_EQ(ask(R"({"Null":{"aws:username":"true"},"StringEquals":{"aws:userid":"x"}})", Context().set(kUserName, "b").set_unknown(kUserId)), kNo);
}

TEST(IamCondition, ValuesThatAreNotOfTheirKindAreUnknown) {
  EXPECT_EQ(ask(condition("NotIpAddress", "aws:SourceIp", R"("10.0.0.0/8")"), Context().set(kSourceIp, "here")), kUnknown);
  EXPECT_EQ(ask(condition("NumericNotEquals", "secretsmanager:RecoveryWindowInDays", "7"), Context().set(kRecoveryWindowInDays, "x")), kUnknown);
  EXPECT_EQ(ask(condition("DateNotEquals", "aws:TokenIssueTime", "7"), Context().set(kTokenIssueTime, "x")), kUnknown);
  EXPECT_EQ(ask(condition("Bool", "aws:SecureTransport", "true"), Context().set(kSecureTransport, "1")), kUnknown);
  EXPECT_EQ(ask(condition("ArnNotEquals", "secretsmanager:SecretId", R"("*")"), Context().set(kSecretId, "prod/db")), kUnknown);
  EXPECT_EQ(ask(condition("StringNotEquals", "aws:username", R"("x")"), Context().set_all(kUserName, {"a", "b"})), kUnknown);
  EXPECT_EQ(ask(condition("StringNotEquals", "aws:username", R"("${aws:userid}")"), Context().set(kUserName, "a")), kUnknown);
}

TEST(IamCondition, TagsAreTheSameInAnyCase) {
  Context context;
  context.set_tag(kResourceTag, "Team", "blue").set_tag(kRequestTag, "Team", "red");
  EXPECT_EQ(ask(condition("StringEquals", "aws:ResourceTag/team", R"("blue")"), context), kYes);
  EXPECT_EQ(ask(condition("StringEquals", "secretsmanager:ResourceTag/TEAM", R"("blue")"), context), kYes);
  EXPECT_EQ(ask(condition("StringEquals", "aws:RequestTag/Team", R"("red")"), context), kYes);
  EXPECT_EQ(ask(condition("StringEquals", "aws:RequestTag/Teams", R"("red")"), context), kNo);
  context.set_tag(kResourceTag, "team", "blue");
  EXPECT_EQ(ask(condition("StringEquals", "aws:ResourceTag/team", R"("blue")"), context), kYes);
  context.set_tag(kResourceTag, "team", "green");
  EXPECT_EQ(ask(condition("StringEquals", "aws:ResourceTag/team", R"("blue")"), context), kUnknown);
  context.set_tag(kResourceTag, "team", "blue");
  EXPECT_EQ(ask(condition("StringEquals", "aws:ResourceTag/team", R"("blue")"), context), kUnknown);
}

TEST(IamCondition, ReadsTimesInTheFormsOfIso8601) {
  const std::vector<std::pair<std::string_view, std::optional<UnixMillis>>> cases{
      {"1970-01-01", 0},
      {"1970-01-01T00:00Z", 0},
      {"1970-01-01T00:00:01", 1'000},
      {"1970-01-01T00:00:01.5Z", 1'500},
      {"1970-01-01T00:00:01.123456Z", 1'123},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1970-01-01T01:00:00+0100", 0},
      {"1969-12-31T23:00:00-01:00", 0},
      {"1.5", 1'500},
      {"-1", -1'000},
      {"0", 0},
      {"2024", 2'024'000},
      {"2024-02-29", 1'709'164'800'000},
      {"2023-02-29", std::nullopt},
      {"2024-13-01", std::nullopt},
      {"2024-02-29T", std::nullopt},
      {"2024-02-29T24:00Z", std::nullopt},
      {"2024-02-29T12:60Z", std::nullopt},
      {"2024-02-29T12:00:61Z", std::nullopt},
      {"2024-02-29T12:00:00.Z", std::nullopt},
      {"2024-02-29T12:00:00ZZ", std::nullopt},
      {"2024-02-29 12:00:00Z", std::nullopt},
      {"2024-02-29T12:00:00+25:00", std::nullopt},
      {"1e300", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(parse_condition_time(text), wanted) << text;
  for (const std::string_view text : {"", "-", "inf", "nan", "0x10", "1e400", "1 ", " 1", "+1", "1,5"}) {
    EXPECT_FALSE(parse_condition_number(text)) << text;
  }
  EXPECT_EQ(parse_condition_number("-1.5e2"), -150.0);
}

}  // namespace
}  // namespace keyhold::core::iam
