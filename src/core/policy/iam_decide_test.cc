#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

constexpr Principal kBob{"000000000000", "arn:aws:iam::000000000000:user/bob"};
constexpr Principal kSession{"000000000000", "arn:aws:sts::000000000000:assumed-role/deploy/ci", "arn:aws:iam::000000000000:role/ops/deploy"};
constexpr Principal kRoot{"000000000000", "arn:aws:iam::000000000000:root"};
constexpr Principal kStranger{"111111111111", "arn:aws:iam::111111111111:user/bob"};
constexpr Principal kNobody{};
constexpr std::string_view kArn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-Ab12Cd";

Policy parse(std::string_view text, PolicyKind kind = PolicyKind::kIdentity) {
  auto policy = parse_policy(text, kind);
  EXPECT_TRUE(policy.ok()) << policy.error().message << "\n" << text;
  return policy.ok() ? std::move(policy).value() : Policy{};
}

Policy statements(std::string_view list, PolicyKind kind = PolicyKind::kIdentity) {
  return parse(R"({"Version":"2012-10-17","Statement":[)" + std::string(list) + "]}", kind);
}

Decision decide_one(const Policy& policy, const Request& request, const Context& context = Context()) {
  const Policy* const only = &policy;
  return decide({&only, 1}, request, context);
}

Request get(std::string_view arn = kArn, Principal principal = kBob) { return {Action::kGetSecretValue, {arn}, principal}; }

std::string allow(std::string_view resource) {
  return R"({"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":")" + std::string(resource) + R"("})";
}
std::string deny(std::string_view resource) {
  return R"({"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":")" + std::string(resource) + R"("})";
}

using enum Decision;

TEST(IamDecide, ActionsMatchInAnyCaseWithWildcards) {
  const auto decided = [](std::string_view actions, Action asked) {
    const Policy policy = statements(R"({"Effect":"Allow","Resource":"*",)" + std::string(actions) + "}");
    return decide_one(policy, {asked, {kArn}, kBob});
  };
  EXPECT_EQ(decided(R"("Action":"secretsmanager:GetSecretValue")", Action::kGetSecretValue), kAllow);
  EXPECT_EQ(decided(R"("Action":"SecretsManager:getsecretvalue")", Action::kGetSecretValue), kAllow);
  EXPECT_EQ(decided(R"("Action":"secretsmanager:GetSecretValue")", Action::kBatchGetSecretValue), kNeither);
  EXPECT_EQ(decided(R"("Action":"secretsmanager:*GetSecretValue")", Action::kBatchGetSecretValue), kAllow);
  EXPECT_EQ(decided(R"("Action":"secretsmanager:???SecretValue")", Action::kGetSecretValue), kAllow);
  EXPECT_EQ(decided(R"("Action":"secretsmanager:???SecretValue")", Action::kDescribeSecret), kNeither);
  EXPECT_EQ(decided(R"("Action":"kms:*")", Action::kGetSecretValue), kNeither);
  EXPECT_EQ(decided(R"("Action":"*")", Action::kAssumeRole), kAllow);
  EXPECT_EQ(decided(R"("Action":"*:*")", Action::kGetSecretValue), kAllow);
  EXPECT_EQ(decided(R"("Action":["kms:Decrypt","secretsmanager:List*"])", Action::kListSecrets), kAllow);
  EXPECT_EQ(decided(R"("NotAction":"secretsmanager:Delete*")", Action::kDeleteSecret), kNeither);
  EXPECT_EQ(decided(R"("NotAction":"secretsmanager:Delete*")", Action::kGetSecretValue), kAllow);
}

TEST(IamDecide, ExplicitDenyWinsWhereverItStands) {
  EXPECT_EQ(decide_one(statements(allow("*")), get()), kAllow);
  EXPECT_EQ(decide_one(statements(allow("*") + "," + deny("*")), get()), kDeny);
  EXPECT_EQ(decide_one(statements(deny("*") + "," + allow("*")), get()), kDeny);
  EXPECT_EQ(decide({}, get(), Context()), kNeither);
  const Policy allows = statements(allow("*"));
  const Policy denies = statements(deny("*"));
  const std::array<const Policy*, 2> policies{&allows, &denies};
  EXPECT_EQ(decide(policies, get(), Context()), kDeny);
}

TEST(IamDecide, ResourcesMatchWithTheirCase) {
  const std::vector<std::pair<std::string_view, Decision>> cases{
      {"*", kAllow},
      {kArn, kAllow},
      {"arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/*", kAllow},
      {"arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-??????", kAllow},
      {"arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-?????", kNeither},
      {"arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db", kNeither},
      {"arn:aws:secretsmanager:eu-west-1:000000000000:secret:PROD/*", kNeither},
      {"arn:aws:secretsmanager:*:*:secret:*", kAllow},
      {"arn:aws:secretsmanager:*:000000000000:*", kAllow},
      {"arn:aws:secretsmanager:*", kAllow},
      {"arn:aws:secretsmanager:us-*:*:secret:*", kNeither},
      {"arn:aws:secretsmanager:*:111111111111:secret:*", kNeither},
      {"arn:aws:s3:::*", kNeither},
  };
  for (const auto& [pattern, decision] : cases) EXPECT_EQ(decide_one(statements(allow(pattern)), get()), decision) << pattern;

  const Policy all_but = statements(R"({"Effect":"Allow","Action":"*","NotResource":"arn:aws:secretsmanager:*:*:secret:prod/*"})");
  EXPECT_EQ(decide_one(all_but, get()), kNeither);
  EXPECT_EQ(decide_one(all_but, get("arn:aws:secretsmanager:eu-west-1:000000000000:secret:dev/db-Ab12Cd")), kAllow);
  // What has no resource is asked for by "*", which no ARN fits.
  EXPECT_EQ(decide_one(statements(R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:secretsmanager:*:*:secret:*"})"),
                       {Action::kListSecrets, {"*"}, kBob}), kNeither);
}

TEST(IamDecide, NameWithColonsIsNotTakenForAnotherSecret) {
  // Vault's API lets such a name be.
  constexpr std::string_view kDisguised = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:dev/x:000000000000:secret:prod/db-Ab12Cd";
  constexpr std::string_view kProd = "arn:aws:secretsmanager:*:000000000000:secret:prod/*";
  EXPECT_EQ(decide_one(statements(allow(kProd)), get(kDisguised)), kNeither);
  EXPECT_EQ(decide_one(statements(allow("*") + "," + deny(kProd)), get(kDisguised)), kDeny);
  EXPECT_EQ(decide_one(statements(allow("arn:aws:secretsmanager:*:000000000000:secret:dev/*")), get(kDisguised)), kAllow);
}

TEST(IamDecide, UnknownSuffixAllowsWhatFitsAnyAndDeniesWhatFitsSome) {
  const SecretResource resource = secret_resource({"eu-west-1", "000000000000"}, "prod/db", "");
  const std::string stem = resource.arn;
  EXPECT_EQ(stem, "arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-");
  EXPECT_EQ(secret_resource({"eu-west-1", "000000000000"}, "prod/db", "Ab12Cd").arn, kArn);
  const auto decided = [&](const Policy& policy) {
    return decide_one(policy, {Action::kGetSecretValue, resource.subject(), kBob});
  };
  for (const char* suffix : {"??????", "*", "?*", "*?????", "*??*??*??*"}) EXPECT_EQ(decided(statements(allow(stem + suffix))), kAllow) << suffix;
  EXPECT_EQ(decided(statements(allow("arn:*:prod/*-??????"))), kAllow);
  for (const char* suffix : {"Ab12Cd", "A*", "*d", "?????", "???????", "a??????"}) {
    EXPECT_EQ(decided(statements(allow(stem + suffix))), kNeither) << suffix;
  }
  const auto denied = [&](const char* suffix) { return decided(statements(allow("*") + "," + deny(stem + suffix))); };
  for (const char* suffix : {"??????", "*", "Ab12Cd", "A*", "*d"}) EXPECT_EQ(denied(suffix), kDeny) << suffix;
  for (const char* suffix : {"Ab12C", "Ab12Cde", "Ab-2Cd", "*_", ""}) EXPECT_EQ(denied(suffix), kAllow) << suffix;
  // The complement of what is possible is not certain.
  EXPECT_EQ(decided(statements(R"({"Effect":"Allow","Action":"*","NotResource":")" + stem + R"(Ab12Cd"})")), kNeither);
}

TEST(IamDecide, VariablesStandForWhoAsks) {
  const Policy policy = statements(allow("arn:aws:secretsmanager:*:${aws:PrincipalAccount}:secret:${AWS:UserName}/*"));
  const auto arn = [](std::string_view name) { return secret_arn("eu-west-1", "000000000000", name, "Ab12Cd"); };
  Context context;
  context.set_principal(kBob).set(ConditionKey::kUserName, "bob");
  EXPECT_EQ(decide_one(policy, get(arn("bob/db")), context), kAllow);
  EXPECT_EQ(decide_one(policy, get(arn("alice/db")), context), kNeither);
  Context star;
  star.set_principal(kBob).set(ConditionKey::kUserName, "*");
  EXPECT_EQ(decide_one(policy, get(arn("alice/db")), star), kNeither);
  EXPECT_EQ(decide_one(policy, get(arn("*/db")), star), kAllow);
  Context control;
  control.set_principal(kBob).set(ConditionKey::kUserName, "\x01");
  EXPECT_EQ(decide_one(policy, get(arn("alice/db")), control), kNeither);
  // Without a value nothing is certain.
  EXPECT_EQ(decide_one(policy, get(arn("bob/db"))), kNeither);
  const Policy denies = statements(allow("*") + "," + deny("arn:aws:secretsmanager:*:*:secret:${aws:username}/*"));
  EXPECT_EQ(decide_one(denies, get(arn("bob/db"))), kDeny);
  EXPECT_EQ(decide_one(statements(R"({"Effect":"Allow","Action":"*","NotResource":"arn:${aws:username}"})"), get()), kNeither);
  EXPECT_EQ(decide_one(statements(allow("arn:aws:secretsmanager:*:*:secret:${*}${$}${?}-*")), get(arn("*$?"))), kAllow);
  EXPECT_EQ(decide_one(statements(allow("arn:aws:secretsmanager:*:*:secret:${*}-*")), get(arn("db"))), kNeither);
}

TEST(IamDecide, PrincipalsAreMeantByArnRoleAccountOrAll) {
  const auto decided = [](std::string_view principal, const Principal& who, std::string_view effect = "Allow") {
    const Policy policy = statements(R"({"Action":"*","Resource":"*","Effect":")" + std::string(effect) + R"(",)" + std::string(principal) + "}",
                                     PolicyKind::kResource);
    return decide_one(policy, get(kArn, who));
  };
  constexpr std::string_view kAll = R"("Principal":"*")";
  for (const Principal& who : {kBob, kSession, kRoot, kStranger, kNobody}) EXPECT_EQ(decided(kAll, who), kAllow);
  EXPECT_EQ(decided(R"("Principal":{"AWS":["*"]})", kNobody), kAllow);

  constexpr std::string_view kNamed = R"("Principal":{"AWS":"arn:aws:iam::000000000000:user/bob"})";
  EXPECT_EQ(decided(kNamed, kBob), kAllow);
  for (const Principal& who : {kSession, kRoot, kStranger, kNobody}) EXPECT_EQ(decided(kNamed, who), kNeither);

  EXPECT_EQ(decided(R"("Principal":{"AWS":"arn:aws:iam::000000000000:role/ops/deploy"})", kSession), kAllow);
  EXPECT_EQ(decided(R"("Principal":{"AWS":"arn:aws:iam::000000000000:role/deploy"})", kSession), kNeither);
  EXPECT_EQ(decided(R"("Principal":{"AWS":"arn:aws:sts::000000000000:assumed-role/deploy/ci"})", kSession), kAllow);
  EXPECT_EQ(decided(R"("Principal":{"AWS":"arn:aws:sts::000000000000:assumed-role/deploy/other"})", kSession), kNeither);

  for (const std::string_view account : {R"("Principal":{"AWS":"000000000000"})", R"("Principal":{"AWS":"arn:aws:iam::000000000000:root"})"}) {
    EXPECT_EQ(decided(account, kRoot), kAllow);
    EXPECT_EQ(decided(account, kBob), kDelegated);
    EXPECT_EQ(decided(account, kSession), kDelegated);
    EXPECT_EQ(decided(account, kStranger), kNeither);
    EXPECT_EQ(decided(account, kNobody), kNeither);
    EXPECT_EQ(decided(account, kBob, "Deny"), kDeny);
  }

  constexpr std::string_view kAllBut = R"("NotPrincipal":{"AWS":["arn:aws:iam::000000000000:user/bob","000000000000"]})";
  EXPECT_EQ(decided(kAllBut, kBob, "Deny"), kNeither);
  EXPECT_EQ(decided(kAllBut, kRoot, "Deny"), kNeither);
  for (const Principal& who : {kSession, kStranger, kNobody}) EXPECT_EQ(decided(kAllBut, who, "Deny"), kDeny);
}

TEST(IamDecide, TrustPoliciesTellWhoMayAssume) {
  const Policy trust = parse(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
      "Principal":{"AWS":"arn:aws:iam::000000000000:user/bob"},"Condition":{"StringEquals":{"sts:ExternalId":"blue"}}}})",
                             PolicyKind::kTrust);
  const Request request{Action::kAssumeRole, {"arn:aws:iam::000000000000:role/deploy"}, kBob};
  EXPECT_EQ(decide_one(trust, request, Context().set(ConditionKey::kExternalId, "blue")), kAllow);
  EXPECT_EQ(decide_one(trust, request, Context().set(ConditionKey::kExternalId, "Blue")), kNeither);
  EXPECT_EQ(decide_one(trust, request), kNeither);
  EXPECT_EQ(decide_one(trust, {Action::kTagSession, {}, kBob}, Context().set(ConditionKey::kExternalId, "blue")), kNeither);
}

TEST(IamDecide, PathsAskForWhatTheyStandFor) {
  const SecretScope scope{"eu-west-1", "000000000000"};
  const auto decided = [&](const Policy& policy, std::string_view path, Capability capability, std::string_view suffix = {}) {
    const Policy* const only = &policy;
    return decide_path({&only, 1}, scope, {path, capability, suffix, kBob}, Context());
  };
  const Policy reads = statements(allow("arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-??????"));
  EXPECT_EQ(decided(reads, "data/prod/db", Capability::kRead), kAllow);
  EXPECT_EQ(decided(reads, "data/prod/db", Capability::kRead, "Ab12Cd"), kAllow);
  EXPECT_EQ(decided(reads, "subkeys/prod/db", Capability::kRead), kAllow);
  EXPECT_EQ(decided(reads, "data/prod/db2", Capability::kRead), kNeither);
  EXPECT_EQ(decided(reads, "data/prod/db/x", Capability::kRead), kNeither);
  EXPECT_EQ(decided(reads, "data/prod/db", Capability::kUpdate), kNeither);
  EXPECT_EQ(decided(reads, "metadata/prod/db", Capability::kRead), kNeither);
  for (const std::string_view path : {"config", "data/", "data", "", "other/prod/db"}) EXPECT_EQ(decided(reads, path, Capability::kRead), kNeither);

  const Policy everything = statements(R"({"Effect":"Allow","Action":"*","Resource":"*"})");
  EXPECT_EQ(decided(everything, "data/prod/db", Capability::kRead), kAllow);
  for (const std::string_view path : {"config", "data/", "data"}) EXPECT_EQ(decided(everything, path, Capability::kRead), kNeither);

  const Policy exact = statements(allow("arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-Ab12Cd"));
  EXPECT_EQ(decided(exact, "data/prod/db", Capability::kRead, "Ab12Cd"), kAllow);
  EXPECT_EQ(decided(exact, "data/prod/db", Capability::kRead), kNeither);

  const Policy lists = statements(R"({"Effect":"Allow","Action":"secretsmanager:ListSecrets","Resource":"*"})");
  EXPECT_EQ(decided(lists, "metadata/", Capability::kList), kAllow);
  EXPECT_EQ(decided(lists, "metadata/prod/", Capability::kList), kAllow);
  EXPECT_EQ(decided(lists, "metadata/prod/", Capability::kScan), kAllow);

  // What stands for two actions needs both.
  const Policy half = statements(R"({"Effect":"Allow","Action":"secretsmanager:UpdateSecret","Resource":"*"})");
  EXPECT_EQ(decided(half, "metadata/prod/db", Capability::kUpdate), kNeither);
  const Policy other_half = statements(R"({"Effect":"Allow","Action":"secretsmanager:TagResource","Resource":"*"})");
  EXPECT_EQ(decided(other_half, "metadata/prod/db", Capability::kUpdate), kNeither);
  const Policy whole = statements(R"({"Effect":"Allow","Action":["secretsmanager:UpdateSecret","secretsmanager:TagResource"],"Resource":"*"})");
  EXPECT_EQ(decided(whole, "metadata/prod/db", Capability::kUpdate), kAllow);
  const Policy no_tags = statements(R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"secretsmanager:Tag*","Resource":"*"})");
  EXPECT_EQ(decided(no_tags, "metadata/prod/db", Capability::kPatch), kDeny);
}

TEST(IamDecide, TableAndPathsAgree) {
  std::size_t of_secrets_manager = 0;
  for (const ActionRule& rule : kActions) {
    EXPECT_EQ(action_of(rule.name), rule.action);
    if (!rule.name.starts_with("secretsmanager:")) continue;
    ++of_secrets_manager;
    std::string on_the_wire(rule.name);
    on_the_wire[on_the_wire.find(':')] = '.';
    EXPECT_EQ(action_of(on_the_wire), rule.action);
    if (!rule.need) continue;
    // What an action needs is a request that stands for something in AWS, too.
    const bool known = std::any_of(kPathRules.begin(), kPathRules.end(), [&](const PathRule& path) {
      return path.request.folder == rule.need->folder && path.request.capability == rule.need->capability;
    });
    EXPECT_TRUE(known) << rule.name;
  }
  EXPECT_EQ(of_secrets_manager, kSecretsManagerActions);
  EXPECT_EQ(kSecretsManagerActions, 23u);
  for (const std::string_view name : {"", "secretsmanager", "secretsmanager:", "GetSecretValue", "secretsmanager/GetSecretValue"}) {
    EXPECT_FALSE(action_of(name)) << name;
  }
}

TEST(IamDecide, EitherLanguageGrantsAndEitherForbids) {
  const auto grant = [](CapabilitySet set) { return Grant{set, nullptr}; };
  const Grant reads = grant({Capability::kRead});
  const Grant denies = grant({Capability::kDeny});
  const Grant nothing;
  EXPECT_TRUE(permits(reads, Capability::kRead, kNeither));
  EXPECT_TRUE(permits(nothing, Capability::kRead, kAllow));
  EXPECT_TRUE(permits(reads, Capability::kUpdate, kAllow));
  EXPECT_TRUE(permits(reads, Capability::kRead, kDelegated));
  EXPECT_FALSE(permits(nothing, Capability::kRead, kNeither));
  EXPECT_FALSE(permits(nothing, Capability::kRead, kDelegated));
  EXPECT_FALSE(permits(reads, Capability::kUpdate, kNeither));
  EXPECT_FALSE(permits(reads, Capability::kRead, kDeny));
  EXPECT_FALSE(permits(denies, Capability::kRead, kAllow));
}

TEST(IamDecide, PublicIsWhatEverybodyMayDo) {
  const auto is_open = [](std::string_view rest, std::string_view principal = R"("*")") {
    return is_public(statements(R"({"Effect":"Allow","Action":"*","Resource":"*","Principal":)" + std::string(principal) + std::string(rest) + "}",
                                PolicyKind::kResource));
  };
  EXPECT_TRUE(is_open(""));
  EXPECT_TRUE(is_open("", R"({"AWS":["000000000000","*"]})"));
  EXPECT_FALSE(is_open("", R"({"AWS":"000000000000"})"));
  const std::vector<std::pair<std::string_view, bool>> conditions{
      {R"({"StringEquals":{"aws:PrincipalAccount":"000000000000"}})", false},
      {R"({"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}})", true},
      {R"({"StringLike":{"aws:PrincipalAccount":"0000*"}})", true},
      {R"({"StringEqualsIfExists":{"aws:PrincipalAccount":"000000000000"}})", true},
      {R"({"StringNotEquals":{"aws:PrincipalAccount":"000000000000"}})", true},
      {R"({"ForAllValues:StringEquals":{"aws:PrincipalAccount":"000000000000"}})", true},
      {R"({"ForAnyValue:StringEquals":{"aws:PrincipalAccount":"000000000000"}})", false},
      {R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/*"}})", false},
      {R"({"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::000000000000:role/*","arn:aws:iam::*:role/x"]}})", true},
      {R"({"ArnLike":{"aws:PrincipalArn":"*"}})", true},
      {R"({"StringLike":{"aws:userid":"AROAEXAMPLE:*"}})", false},
      {R"({"StringLike":{"aws:userid":"*:ci"}})", true},
      {R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", false},
      {R"({"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/1"]}})", true},
      {R"({"IpAddress":{"aws:SourceIp":"::/0"}})", true},
      {R"({"IpAddress":{"aws:SourceIp":"2001:db8::/32"}})", false},
      {R"({"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", true},
      {R"({"Bool":{"aws:SecureTransport":"true"}})", true},
      {R"({"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}})", true},
  };
  for (const auto& [condition, open] : conditions) EXPECT_EQ(is_open(R"(,"Condition":)" + std::string(condition)), open) << condition;
  EXPECT_FALSE(is_public(statements(R"({"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"})", PolicyKind::kResource)));
}

TEST(IamDecide, WarnsOfWhatIsHardlyMeant) {
  using Warnings = std::vector<std::string>;
  const auto warned = [](std::string_view statement) { return warnings_of(statements(statement)); };
  EXPECT_EQ(warned(allow("*")), Warnings{});
  EXPECT_EQ(warned(R"({"Effect":"Allow","Action":"secretsmanager:*","Resource":"arn:aws:secretsmanager:*:*:secret:*"})"),
            Warnings{"statement 1: it allows every action on every secret"});
  EXPECT_EQ(warned(R"({"Effect":"Allow","Action":"secretsmanager:*","Resource":"arn:aws:secretsmanager:*:*:secret:prod/*"})"), Warnings{});
  EXPECT_EQ(warned(R"({"Effect":"Deny","Action":"secretsmanager:*","Resource":"*"})"), Warnings{});
  EXPECT_EQ(warned(R"({"Effect":"Allow","NotAction":"secretsmanager:GetSecretValue","Resource":"*"})"),
            Warnings{"statement 1: an Allow with NotAction also allows actions that are yet to come"});
  EXPECT_EQ(warned(allow("*") + R"(,{"Effect":"Allow","Action":"secretsmanager:Get*","NotResource":"arn:x"})"),
            Warnings{"statement 2: an Allow with NotResource also allows secrets that are yet to come"});
  EXPECT_EQ(warned(R"({"Effect":"Allow","Action":"secretsmanager:GetSecret","Resource":"*"})"),
            Warnings{"statement 1: an action that no operation has"});
  EXPECT_EQ(warned(R"({"Effect":"Allow","Action":"secretsmanager:ListSecrets","Resource":"arn:aws:secretsmanager:*:*:secret:*"})"),
            Warnings{"statement 1: it has no effect: these actions go with the Resource \"*\" only"});
  EXPECT_EQ(warned(R"({"Effect":"Allow","Action":"secretsmanager:TagResource","Resource":"*",
                       "Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}})"),
            Warnings{"statement 1: ForAllValues also holds when the request has no value at all"});
}

TEST(IamArn, NamesSecrets) {
  EXPECT_EQ(secret_arn("eu-west-1", "000000000000", "prod/db", "Ab12Cd"), kArn);
  EXPECT_EQ(secret_arn("eu-west-1", "000000000000", "prod/db", ""), kArn.substr(0, kArn.size() - 7));
  const auto arn = parse_secret_arn(kArn);
  ASSERT_TRUE(arn.ok());
  EXPECT_EQ(arn->region, "eu-west-1");
  EXPECT_EQ(arn->account, "000000000000");
  EXPECT_EQ(arn->full_name, "prod/db-Ab12Cd");
  ASSERT_TRUE(arn->parted());
  EXPECT_EQ(arn->parted()->name, "prod/db");
  EXPECT_EQ(arn->parted()->suffix, "Ab12Cd");
  for (const std::string_view whole : {"db", "db-12345", "db-1234567", "db-12345!", "-123456"}) {
    EXPECT_FALSE((SecretArn{"r", "a", whole}).parted()) << whole;
  }
  for (const std::string_view bad :
       {"", "prod/db", "arn:aws:secretsmanager:eu-west-1:000000000000:secret:", "arn:aws:secretsmanager:eu-west-1:00000000000:secret:x",
        "arn:aws:secretsmanager::000000000000:secret:x", "arn:aws:secretsmanager:eu-west-1:000000000000:key:x",
        "arn:aws:kms:eu-west-1:000000000000:secret:x", "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x*"}) {
    EXPECT_EQ(parse_secret_arn(bad).ok() ? "accepted" : "refused", std::string("refused")) << bad;
  }
  EXPECT_TRUE(kRoot.is_account_root());
  EXPECT_FALSE(kBob.is_account_root());
  EXPECT_FALSE((Principal{"000000000000", "arn:aws:iam::000000000000:user/x:root"}).is_account_root());
}

}  // namespace
}  // namespace keyhold::core::iam
