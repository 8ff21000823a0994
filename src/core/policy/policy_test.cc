#include "core/policy/policy.h"

#include <gtest/gtest.h>

namespace keyhold::core {
namespace {

std::string reason_of(std::string_view text) {
  auto policy = parse_policy(text);
  return policy.ok() ? "accepted" : policy.error().message;
}

TEST(Policy, ReadsExactPathsAndPrefixes) {
  auto policy = parse_policy(R"(
    # application
    path "secret/data/app" { capabilities = ["read", "update"] }
    path "/secret/metadata/*" { capabilities = ["list"] }
    path "sys/*" { policy = "deny" }
  )");
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  ASSERT_EQ(policy->rules.size(), 3u);
  EXPECT_EQ(policy->rules[0].path, "secret/data/app");
  EXPECT_EQ(policy->rules[0].match, PolicyRule::Match::kExact);
  EXPECT_EQ(policy->rules[0].permissions.capabilities, (CapabilitySet{Capability::kRead, Capability::kUpdate}));
  EXPECT_EQ(policy->rules[1].path, "secret/metadata/");
  EXPECT_EQ(policy->rules[1].match, PolicyRule::Match::kPrefix);
  EXPECT_EQ(policy->rules[2].permissions.capabilities, CapabilitySet{Capability::kDeny});
  EXPECT_TRUE(policy->warnings.empty());
}

TEST(Policy, JsonIsTheSame) {
  for (const std::string_view text : {R"({"path":{"a/*":{"capabilities":["read","list"]},"b":{"policy":"read"}}})",
                                      R"({"path":[{"a/*":{"capabilities":["read","list"]}},{"b":{"policy":"read"}}]})",
                                      "path = { \"a/*\" = { capabilities = [\"list\", \"read\"] } b { policy = \"read\" } }"}) {
    auto policy = parse_policy(text);
    ASSERT_TRUE(policy.ok()) << policy.error().message;
    ASSERT_EQ(policy->rules.size(), 2u);
    EXPECT_EQ(policy->rules[0].path, "a/");
    EXPECT_EQ(policy->rules[0].permissions.capabilities, policy->rules[1].permissions.capabilities);
    EXPECT_EQ(policy->rules[1].path, "b");
  }
}

TEST(Policy, ShorthandsStandForCapabilities) {
  const auto set_of = [](std::string_view shorthand) {
    auto policy = parse_policy("path \"a\" { policy = \"" + std::string(shorthand) + "\" }");
    return policy.ok() ? policy->rules[0].permissions.capabilities : CapabilitySet();
  };
  using enum Capability;
  EXPECT_EQ(set_of("read"), (CapabilitySet{kRead, kList}));
  EXPECT_EQ(set_of("write"), (CapabilitySet{kCreate, kRead, kUpdate, kDelete, kList}));
  EXPECT_EQ(set_of("sudo"), (CapabilitySet{kCreate, kRead, kUpdate, kDelete, kList, kSudo}));
  EXPECT_EQ(set_of("deny"), CapabilitySet{kDeny});
  auto both = parse_policy("path \"a\" { policy = \"read\" capabilities = [\"patch\"] }");
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->rules[0].permissions.capabilities, (CapabilitySet{kRead, kList, kPatch}));
}

TEST(Policy, AcceptsEveryCapabilityAndDenyStandsAlone) {
  for (const CapabilityName& known : kCapabilityNames) {
    auto policy = parse_policy("path \"a\" { capabilities = [\"" + std::string(known.name) + "\"] }");
    ASSERT_TRUE(policy.ok()) << known.name;
    EXPECT_TRUE(policy->rules[0].permissions.capabilities.contains(known.capability));
    EXPECT_EQ(to_string(known.capability), known.name);
  }
  auto policy = parse_policy("path \"a\" { capabilities = [\"read\", \"deny\", \"list\"] }");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->rules[0].permissions.capabilities.names(), std::vector<std::string_view>{"deny"});
}

TEST(Policy, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(reason_of("path \"a\" {\n  capabilities = [\"read\", \"hunter2\"]\n}"), "line 2, column 27: an unknown capability");
  EXPECT_EQ(reason_of("path \"a\" { capabilities = [\"Read\"] }"), "line 1, column 28: an unknown capability");
  EXPECT_EQ(reason_of("path \"a\" { capabilities = \"read\" }"), "line 1, column 27: capabilities are a list of strings");
  EXPECT_EQ(reason_of("path \"a\" { capabilities = [1] }"), "line 1, column 28: capabilities are a list of strings");
  EXPECT_EQ(reason_of("path \"a\" { policy = \"admin\" }"),
            "line 1, column 21: policy is \"deny\", \"read\", \"write\" or \"sudo\"");
  EXPECT_EQ(reason_of("path \"a\" { capability = [\"read\"] }"), "line 1, column 12: an unknown attribute");
  EXPECT_EQ(reason_of("paths \"a\" { }"), "line 1, column 1: an unknown attribute");
  EXPECT_EQ(reason_of("path \"a\" \"b\" { }"), "line 1, column 10: a label too many");
  EXPECT_EQ(reason_of("path = \"a\""), "line 1, column 8: a block is missing");
  EXPECT_EQ(reason_of("path \"a\" { capabilities = [\"read\"] capabilities = [\"list\"] }"),
            "line 1, column 36: an attribute given twice");
}

TEST(Policy, NamesWhatIsNotSupported) {
  for (const std::string_view name :
       {"control_group", "mfa_methods", "subscribe_event_types", "expiration", "list_scan_response_keys_filter_path"}) {
    EXPECT_EQ(reason_of("path \"a\" {\n " + std::string(name) + " = []\n}"),
              "line 2, column 2: the attribute " + std::string(name) + " is not supported");
  }
  EXPECT_EQ(reason_of("path \"secret/{{identity.entity.id}}/*\" { }"),
            "line 1, column 6: templates ({{ }}) are not supported: there are no identities yet");
}

TEST(Policy, PlusIsASegmentOrItself) {
  using enum PolicyRule::Match;
  const auto match_of = [](std::string_view path) {
    auto policy = parse_policy("path \"" + std::string(path) + "\" { }");
    EXPECT_TRUE(policy.ok()) << path;
    return policy.ok() ? policy->rules[0].match : kExact;
  };
  for (const std::string_view path : {"+", "+/a", "a/+", "a/+/b", "a/+/b*", "a/+/*", "/+/a", "+/+", "a+/+/"}) {
    EXPECT_EQ(match_of(path), kSegments) << path;
  }
  for (const std::string_view path : {"a+b/c+", "a/++", "a/+b", "a+"}) EXPECT_EQ(match_of(path), kExact) << path;
  EXPECT_EQ(match_of("a/+b*"), kPrefix);
  for (const std::string_view path : {"a/+*", "+*", "a+*", "a/+*/b"}) {
    EXPECT_EQ(reason_of("path \"" + std::string(path) + "\" { }"),
              "line 1, column 6: invalid use of wildcards ('+*' is forbidden)")
        << path;
  }
}

TEST(Policy, ReadsRestrictions) {
  for (const std::string_view text :
       {R"(path "a" {
             capabilities = ["create", "update"]
             comment = "for the deployer"
             allowed_parameters = { "Ttl" = ["1h", 30, true], "*" = [] }
             denied_parameters { "id" = [] }
             required_parameters = ["Name", "ttl"]
             min_wrapping_ttl = 60
             max_wrapping_ttl = "1h30m"
             pagination_limit = 100
           })",
        R"({"path": {"a": {"capabilities": ["create", "update"],
             "allowed_parameters": [{"Ttl": ["1h", 30, true]}, {"*": []}], "denied_parameters": {"id": []},
             "required_parameters": ["Name", "ttl"], "min_wrapping_ttl": "60", "max_wrapping_ttl": 5400, "pagination_limit": 100}}})"}) {
    auto policy = parse_policy(text);
    ASSERT_TRUE(policy.ok()) << policy.error().message;
    const auto& restrictions = policy->rules[0].permissions.restrictions;
    ASSERT_NE(restrictions, nullptr);
    const ParameterRules::ByName allowed{{"ttl", {"1h", "30", "true"}}, {"*", {}}};
    EXPECT_EQ(restrictions->parameters.allowed, allowed);
    EXPECT_EQ(restrictions->parameters.denied, (ParameterRules::ByName{{"id", {}}}));
    EXPECT_EQ(restrictions->parameters.required, (std::vector<std::string>{"name", "ttl"}));
    EXPECT_EQ(restrictions->min_wrapping_ttl_s, 60);
    EXPECT_EQ(restrictions->max_wrapping_ttl_s, 5400);
    EXPECT_EQ(restrictions->pagination_limit, 100);
  }
  auto plain = parse_policy("path \"a\" { capabilities = [\"read\"] allowed_parameters = { } }");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->rules[0].permissions.restrictions, nullptr);
}

TEST(Policy, RefusesRestrictionsThatAreNone) {
  const auto in_rule = [](std::string_view attribute) { return reason_of("path \"a\" { " + std::string(attribute) + " }"); };
  EXPECT_EQ(in_rule("allowed_parameters = [\"a\"]"), "line 1, column 34: a block is missing");
  EXPECT_EQ(in_rule("allowed_parameters = { a = \"b\" }"), "line 1, column 39: the values of a parameter are a list");
  EXPECT_EQ(in_rule("denied_parameters = { a = [[]] }"),
            "line 1, column 39: a value of a parameter is a string, number or boolean");
  EXPECT_EQ(in_rule("denied_parameters = { a = [] A = [] }"), "line 1, column 41: a parameter given twice");
  EXPECT_EQ(in_rule("denied_parameters = { } denied_parameters = { }"), "line 1, column 36: an attribute given twice");
  EXPECT_EQ(in_rule("required_parameters = [1]"), "line 1, column 35: required_parameters are a list of strings");
  EXPECT_EQ(in_rule("min_wrapping_ttl = \"soon\""), "line 1, column 31: a time is seconds or a duration like \"1h30m\"");
  EXPECT_EQ(in_rule("min_wrapping_ttl = -1"), "line 1, column 31: a time is seconds or a duration like \"1h30m\"");
  EXPECT_EQ(in_rule("pagination_limit = -1"), "line 1, column 31: a limit is a whole number, not below 0");
  EXPECT_EQ(in_rule("pagination_limit = \"ten\""), "line 1, column 31: a limit is a whole number, not below 0");
  EXPECT_EQ(in_rule("min_wrapping_ttl = 60 max_wrapping_ttl = 59"),
            "line 1, column 11: max_wrapping_ttl cannot be less than min_wrapping_ttl");
  EXPECT_EQ(in_rule("comment = 1"), "line 1, column 12: an unknown attribute");
  EXPECT_EQ(reason_of(R"({"path": {"a": {"capabilities": ["read"], "capabilities": ["deny"]}}})").substr(0, 8), "line 1, ");
}

TEST(Policy, WarnsOfAStarInTheMiddle) {
  auto policy = parse_policy("path \"a/*/b\" { capabilities = [\"read\"] }");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->rules[0].match, PolicyRule::Match::kExact);
  EXPECT_EQ(policy->warnings,
            std::vector<std::string>{"line 1, column 6: only a last * is a wildcard; elsewhere it stands for itself"});
}

}  // namespace
}  // namespace keyhold::core
