#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

std::string reason_of(std::string_view text, PolicyKind kind = PolicyKind::kIdentity) {
  const auto policy = parse_policy(text, kind);
  return policy.ok() ? "accepted" : policy.error().message;
}

/// Without where it stands.
std::string short_reason_of(std::string_view text, PolicyKind kind = PolicyKind::kIdentity) {
  const std::string reason = reason_of(text, kind);
  const std::size_t colon = reason.find(": ");
  return colon == std::string::npos ? reason : reason.substr(colon + 2);
}

std::string with_statement(std::string_view members) {
  return R"({"Version":"2012-10-17","Statement":{)" + std::string(members) + "}}";
}
std::string with_condition(std::string_view condition) {
  return with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","Condition":)" + std::string(condition));
}
std::string with_resource(std::string_view resource) {
  return with_statement(R"("Effect":"Allow","Action":"*","Resource":)" + std::string(resource));
}
std::string with_principal(std::string_view principal) {
  return with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","Principal":)" + std::string(principal));
}

TEST(IamParse, ReadsStatementsOfEachKind) {
  auto policy = parse_policy(R"({
    "Statement": [
      {"Sid": "Read", "Effect": "Allow", "Action": ["secretsmanager:Get*", "SECRETSMANAGER:describesecret", "kms:Decrypt"],
       "Resource": ["arn:aws:secretsmanager:*:*:secret:${aws:username}/*", "*"],
       "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}, "Bool": {"aws:SecureTransport": true}}},
      {"Sid": "", "Effect": "Deny", "NotAction": "secretsmanager:*", "NotResource": "*"}],
    "Id": "one", "Version": "2012-10-17"})",
                             PolicyKind::kIdentity);
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  ASSERT_EQ(policy->statements.size(), 2u);
  const Statement& read = policy->statements[0];
  ActionSet wanted;
  for (const Action action : {Action::kGetSecretValue, Action::kGetRandomPassword, Action::kGetResourcePolicy, Action::kDescribeSecret}) {
    wanted.set(static_cast<std::size_t>(action));
  }
  EXPECT_EQ(read.actions, wanted);
  EXPECT_EQ(read.effect, Effect::kAllow);
  EXPECT_EQ(read.resources.size(), 2u);
  EXPECT_EQ(read.conditions.size(), 2u);
  const Statement& rest = policy->statements[1];
  EXPECT_FALSE(rest.actions.test(static_cast<std::size_t>(Action::kGetSecretValue)));
  EXPECT_TRUE(rest.actions.test(static_cast<std::size_t>(Action::kAssumeRole)));
  EXPECT_EQ(rest.resource_form, Statement::Resources::kAllBut);

  auto trust = parse_policy(R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":[
      "000000000000","arn:aws:iam::111111111111:root","arn:aws:iam::000000000000:user/a/b","arn:aws:iam::000000000000:role/r",
      "arn:aws:sts::000000000000:assumed-role/r/s@1"]}}})",
                            PolicyKind::kTrust);
  ASSERT_TRUE(trust.ok()) << trust.error().message;
  EXPECT_EQ(trust->statements[0].principals.accounts, (std::vector<std::string>{"000000000000", "111111111111"}));
  EXPECT_EQ(trust->statements[0].principals.arns.size(), 3u);
  EXPECT_EQ(reason_of(with_principal(R"("*")"), PolicyKind::kResource), "accepted");
  EXPECT_EQ(reason_of(with_principal(R"({"AWS":"*"})"), PolicyKind::kResource), "accepted");
}

TEST(IamParse, TellsWhereAndWhatWasRefused) {
  EXPECT_EQ(reason_of("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\"Effect\": \"allow\"}]\n}"),
            "line 3, column 28: the Effect is Allow or Deny");
  EXPECT_EQ(reason_of("{\"Version\":\n\"2020-01-01\"}"), "line 2, column 1: the Version is 2012-10-17 or 2008-10-17");
}

TEST(IamParse, RefusesDocumentsThatItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[]", "a policy is an object"},
      {"{}", "a policy has a Statement"},
      {R"({"Statement":[]})", "a policy has a Statement"},
      {R"({"Statement":"x"})", "a statement is an object"},
      {R"({"Statement":[[]]})", "a statement is an object"},
      {R"({"Id":1,"Statement":{}})", "a string is expected"},
      {R"({"Statements":{}})", "an unknown element of a policy"},
      {R"({"statement":{}})", "an unknown element of a policy"},
      {with_statement(R"("Action":"*","Resource":"*")"), "a statement has an Effect"},
      {with_statement(R"("Effect":"Allow","Resource":"*")"), "a statement has an Action or a NotAction"},
      {with_statement(R"("Effect":"Allow","Action":"*")"), "a statement of this kind of policy has a Resource or a NotResource"},
      {with_statement(R"("Effect":"Allow","Action":"*","NotAction":"*","Resource":"*")"), "Action and NotAction exclude each other"},
      {with_statement(R"("Effect":"Allow","Action":"*","NotResource":"*","Resource":"*")"), "Resource and NotResource exclude each other"},
      {with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","Principal":"*")"), "an identity policy names no Principal"},
      {with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":"*")"), "an identity policy names no NotPrincipal"},
      {with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","Conditions":{})"), "an unknown element of a statement"},
      {with_statement(R"("Effect":true,"Action":"*","Resource":"*")"), "a string is expected"},
      {with_statement(R"("Effect":"Allow","Action":[],"Resource":"*")"), "an empty list"},
      {with_statement(R"("Effect":"Allow","Action":null,"Resource":"*")"), "a string is expected"},
      {with_statement(R"("Effect":"Allow","Action":[["*"]],"Resource":"*")"), "a string is expected"},
      {with_statement(R"("Effect":"Allow","Action":"GetSecretValue","Resource":"*")"), "an action is \"*\" or service:name"},
      {with_statement(R"("Effect":"Allow","Action":"secretsmanager:","Resource":"*")"), "an action is \"*\" or service:name"},
      {with_statement(R"("Effect":"Allow","Action":"secrets*:Get","Resource":"*")"), "the name of a service is one, without wildcards"},
      {with_statement(R"("Effect":"Allow","Action":"secretsmanager:Get Secret","Resource":"*")"),
       "an action is named by letters, digits, * and ?"},
      {with_statement(R"("Effect":"Allow","Action":"secretsmanager:${aws:username}","Resource":"*")"),
       "an action is named by letters, digits, * and ?"},
      {with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","Sid":"a b")"), "a Sid consists of letters and digits"},
      {with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","Effect":"Deny")"), "a duplicate key"},
      {with_statement(R"("Effect":"Allow","Action":"*","Resource":"*","\u0045ffect":"Deny")"), "a duplicate key"},
      {R"({"Statement":[{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]})",
       "a Sid given twice"},
      {with_resource(R"("secret:a")"), "a resource is \"*\" or an ARN"},
      {with_resource(R"(["*",""])"), "a resource is \"*\" or an ARN"},
      {with_resource(R"("arn:aws:secretsmanager:*:*:secret:\u0001")"), "a control character"},
      {with_resource(R"("arn:${aws:username")"), "a policy variable without its end"},
      {with_resource(R"("arn:${aws:PrincipalTag/team}")"), "the policy variable aws:PrincipalTag/ is not supported"},
      {with_resource(R"("arn:${aws:username, 'x'}")"), "an unknown policy variable"},
      {with_resource(R"("arn:${hunter2}")"), "an unknown policy variable"},
      {R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:${aws:username}"}})",
       "policy variables go with Version 2012-10-17 only"},
      {R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:${aws:username}"}})", "policy variables go with Version 2012-10-17 only"},
  };
  for (const auto& [text, reason] : cases) EXPECT_EQ(short_reason_of(text), reason) << text;
}

TEST(IamParse, RefusesPrincipalsThatItDoesNotUnderstand) {
  constexpr std::string_view kUnknown = "a principal is \"*\", an account, or the ARN of an account's root, a user, a role or a session of a role";
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"("arn:aws:iam::000000000000:root")", "a Principal is \"*\" or an object"},
      {"{}", "a Principal is \"*\" or an object"},
      {"[]", "a Principal is \"*\" or an object"},
      {R"({"Service":"lambda.amazonaws.com"})", "the principal Service is not supported"},
      {R"({"AWS":"*","Federated":"accounts.google.com"})", "the principal Federated is not supported"},
      {R"({"CanonicalUser":"x"})", "the principal CanonicalUser is not supported"},
      {R"({"aws":"*"})", "an unknown kind of principal"},
      {R"({"AWS":[]})", "an empty list"},
      {R"({"AWS":12})", "a string is expected"},
      {R"({"AWS":"00000000000"})", std::string(kUnknown)},
      {R"({"AWS":"AIDAEXAMPLE"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:roots"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:sts::000000000000:root"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:user/"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:group/g"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:sts::000000000000:federated-user/u"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:sts::000000000000:assumed-role/r"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:sts::000000000000:assumed-role/r/s/t"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:user/a b"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:user/*"})", "a principal without wildcards and variables is expected"},
      {R"({"AWS":"arn:aws:iam::*:root"})", std::string(kUnknown)},
      {R"({"AWS":"arn:aws:iam::000000000000:user/${aws:username}"})", "a principal without wildcards and variables is expected"},
  };
  for (const auto& [principal, reason] : cases) EXPECT_EQ(short_reason_of(with_principal(principal), PolicyKind::kResource), reason) << principal;

  EXPECT_EQ(short_reason_of(with_resource(R"("*")"), PolicyKind::kResource), "a statement of this kind of policy has a Principal or a NotPrincipal");
  EXPECT_EQ(short_reason_of(with_principal(R"("*")"), PolicyKind::kTrust), "a trust policy names no Resource");
  const auto all_but = [](std::string_view effect, std::string_view who) {
    return with_statement(R"("Action":"*","Resource":"*","Effect":")" + std::string(effect) + R"(","NotPrincipal":)" + std::string(who));
  };
  EXPECT_EQ(short_reason_of(all_but("Allow", R"({"AWS":"000000000000"})"), PolicyKind::kResource), "NotPrincipal goes with Deny only");
  EXPECT_EQ(short_reason_of(all_but("Deny", R"("*")"), PolicyKind::kResource), "NotPrincipal cannot be everyone");
  EXPECT_EQ(short_reason_of(all_but("Deny", R"({"AWS":"000000000000"})"), PolicyKind::kResource), "accepted");
  EXPECT_EQ(short_reason_of(all_but("Deny", R"({"AWS":"000000000000"},"Principal":"*")"), PolicyKind::kResource),
            "Principal and NotPrincipal exclude each other");
}

TEST(IamParse, RefusesConditionsThatItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[]", "a Condition is an object"},
      {R"({"StringEquals":"x"})", "a condition operator has an object of keys and values"},
      {R"({"StringEquals":{}})", "a condition operator has an object of keys and values"},
      {R"({"StringMatches":{"aws:username":"x"}})", "an unknown condition operator"},
      {R"({"stringequals":{"aws:username":"x"}})", "an unknown condition operator"},
      {R"({"ForSomeValues:StringEquals":{"aws:username":"x"}})", "an unknown condition operator"},
      {R"({"StringEqualsIfExistsIfExists":{"aws:username":"x"}})", "an unknown condition operator"},
      {R"({"BinaryEquals":{"aws:username":"x"}})", "the condition operator BinaryEquals is not supported"},
      {R"({"NullIfExists":{"aws:username":"true"}})", "Null stands alone, without IfExists, ForAllValues or ForAnyValue"},
      {R"({"ForAnyValue:Null":{"aws:TagKeys":"true"}})", "Null stands alone, without IfExists, ForAllValues or ForAnyValue"},
      {R"({"StringEquals":{"aws:hunter2":"x"}})", "an unknown condition key"},
      {R"({"StringEquals":{"username":"x"}})", "an unknown condition key"},
      {R"({"Bool":{"aws:MultiFactorAuthPresent":"true"}})", "the condition key aws:MultiFactorAuthPresent is not supported"},
      {R"({"StringEquals":{"AWS:sourcevpc":"x"}})", "the condition key aws:SourceVpc is not supported"},
      {R"({"StringEquals":{"aws:PrincipalTag/team":"x"}})", "the condition key aws:PrincipalTag/ is not supported"},
      {R"({"StringEquals":{"aws:ResourceTag/":"x"}})", "the key of a tag has 1 to 128 characters"},
      {R"({"StringEquals":{"aws:ResourceTag/${aws:username}":"x"}})", "a policy variable in a condition key is not supported"},
      {R"({"StringEquals":{"aws:TagKeys":"x"}})", "the condition key aws:TagKeys has several values: say ForAllValues or ForAnyValue"},
      {R"({"IpAddress":{"aws:username":"10.0.0.0/8"}})", "the condition key aws:username does not go with this operator"},
      {R"({"ArnLike":{"aws:username":"*"}})", "the condition key aws:username does not go with this operator"},
      {R"({"NumericEquals":{"aws:SourceIp":"1"}})", "the condition key aws:SourceIp does not go with this operator"},
      {R"({"Bool":{"aws:CurrentTime":"true"}})", "the condition key aws:CurrentTime does not go with this operator"},
      {R"({"StringEquals":{"aws:username":null}})", "a string is expected"},
      {R"({"StringEquals":{"aws:username":[]}})", "an empty list"},
      {R"({"StringEquals":{"aws:username":[{}]}})", "a string is expected"},
      {R"({"StringLike":{"aws:username":"${aws:SourceIp}"}})", "the policy variable aws:SourceIp is not supported"},
      {R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}})", "not an IP address or a CIDR block"},
      {R"({"IpAddress":{"aws:SourceIp":"everywhere"}})", "not an IP address or a CIDR block"},
      {R"({"Bool":{"aws:SecureTransport":"yes"}})", "neither true nor false"},
      {R"({"Null":{"aws:username":"maybe"}})", "neither true nor false"},
      {R"({"NumericLessThan":{"secretsmanager:RecoveryWindowInDays":"seven"}})", "not a number"},
      {R"({"NumericLessThan":{"secretsmanager:RecoveryWindowInDays":"inf"}})", "not a number"},
      {R"({"DateLessThan":{"aws:CurrentTime":"yesterday"}})", "not a time in ISO 8601 or in seconds since 1970"},
      {R"({"DateLessThan":{"aws:CurrentTime":"2023-02-29"}})", "not a time in ISO 8601 or in seconds since 1970"},
      {R"({"DateLessThan":{"aws:CurrentTime":"2023-02-28T25:00Z"}})", "not a time in ISO 8601 or in seconds since 1970"},
      {R"({"ArnLike":{"aws:PrincipalArn":"role/x"}})", "not an ARN"},
  };
  for (const auto& [condition, reason] : cases) EXPECT_EQ(short_reason_of(with_condition(condition)), reason) << condition;
}

TEST(IamParse, TakesEveryKeyInAnyCaseAndNamesNothingThatItWasGiven) {
  for (const ConditionKeyRule& rule : kConditionKeys) {
    std::string name(rule.name);
    if (rule.shape == KeyShape::kTags) name += "Team";
    for (char& byte : name) byte = static_cast<char>(std::toupper(static_cast<unsigned char>(byte)));
    EXPECT_EQ(reason_of(with_condition(R"({"ForAnyValue:StringEqualsIfExists":{")" + name + R"(":"x"},"Null":{")" + name + R"(":"true"}})")),
              "accepted");
    EXPECT_EQ(reason_of(with_condition(R"({"Null":{"hunter2)" + name + R"(":"true"}})")).find("hunter2"), std::string::npos);
  }
}

TEST(IamParse, HoldsItsBounds) {
  const auto padded = [](std::size_t bytes) {
    std::string text = with_principal(R"("*")");
    text.append(bytes - text.size(), ' ');
    return text;
  };
  EXPECT_EQ(reason_of(padded(limits::kIamResourcePolicyBytesMax), PolicyKind::kResource), "accepted");
  EXPECT_EQ(parse_policy(padded(limits::kIamResourcePolicyBytesMax + 1), PolicyKind::kResource).code(), Code::kTooLarge);
  EXPECT_EQ(parse_policy(padded(limits::kIamIdentityPolicyBytesMax + 1), PolicyKind::kIdentity).code(), Code::kTooLarge);

  const auto repeated = [](std::string_view one, std::size_t times) {
    std::string list;
    for (std::size_t index = 0; index < times; ++index) list.append(list.empty() ? "" : ",").append(one);
    return "[" + list + "]";
  };
  constexpr std::string_view kStatement = R"({"Effect":"Deny","Action":"*","Resource":"*"})";
  EXPECT_EQ(reason_of(R"({"Statement":)" + repeated(kStatement, limits::kIamStatementsMax) + "}"), "accepted");
  EXPECT_EQ(short_reason_of(R"({"Statement":)" + repeated(kStatement, limits::kIamStatementsMax + 1) + "}"), "too many statements");
  EXPECT_EQ(reason_of(with_resource(repeated(R"("*")", limits::kIamListElementsMax))), "accepted");
  EXPECT_EQ(short_reason_of(with_resource(repeated(R"("*")", limits::kIamListElementsMax + 1))), "too many elements in one list");
  const std::string longest = "arn:" + std::string(limits::kIamPatternBytesMax - 4, 'a');
  EXPECT_EQ(reason_of(with_resource("\"" + longest + "\"")), "accepted");
  EXPECT_EQ(short_reason_of(with_resource("\"" + longest + "a\"")), "a text over the size limit");
  std::string variables = "arn:";
  for (std::size_t index = 0; index < limits::kIamPatternVariablesMax; ++index) variables += "${aws:userid}";
  EXPECT_EQ(reason_of(with_resource("\"" + variables + "\"")), "accepted");
  EXPECT_EQ(short_reason_of(with_resource("\"" + variables + "${aws:userid}\"")), "too many policy variables in one text");
  std::string keys;
  for (std::size_t index = 0; index <= limits::kIamConditionsMax; ++index) {
    keys.append(keys.empty() ? "" : ",").append("\"aws:ResourceTag/" + std::to_string(index) + "\":\"x\"");
  }
  EXPECT_EQ(short_reason_of(with_condition(R"({"StringEquals":{)" + keys + "}}")), "too many conditions in one statement");
  EXPECT_NE(reason_of(R"({"Id":)" + std::string(20, '[') + std::string(20, ']') + "}"), "accepted");
}

}  // namespace
}  // namespace keyhold::core::iam
