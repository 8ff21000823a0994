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
  EXPECT_EQ(policy->rules[0].capabilities, (CapabilitySet{Capability::kRead, Capability::kUpdate}));
  EXPECT_EQ(policy->rules[1].path, "secret/metadata/");
  EXPECT_EQ(policy->rules[1].match, PolicyRule::Match::kPrefix);
  EXPECT_EQ(policy->rules[2].capabilities, CapabilitySet{Capability::kDeny});
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
    EXPECT_EQ(policy->rules[0].capabilities, policy->rules[1].capabilities);
    EXPECT_EQ(policy->rules[1].path, "b");
  }
}

TEST(Policy, ShorthandsStandForCapabilities) {
  const auto set_of = [](std::string_view shorthand) {
    auto policy = parse_policy("path \"a\" { policy = \"" + std::string(shorthand) + "\" }");
    return policy.ok() ? policy->rules[0].capabilities : CapabilitySet();
  };
  using enum Capability;
  EXPECT_EQ(set_of("read"), (CapabilitySet{kRead, kList}));
  EXPECT_EQ(set_of("write"), (CapabilitySet{kCreate, kRead, kUpdate, kDelete, kList}));
  EXPECT_EQ(set_of("sudo"), (CapabilitySet{kCreate, kRead, kUpdate, kDelete, kList, kSudo}));
  EXPECT_EQ(set_of("deny"), CapabilitySet{kDeny});
  auto both = parse_policy("path \"a\" { policy = \"read\" capabilities = [\"patch\"] }");
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->rules[0].capabilities, (CapabilitySet{kRead, kList, kPatch}));
}

TEST(Policy, AcceptsEveryCapabilityAndDenyStandsAlone) {
  for (const CapabilityName& known : kCapabilityNames) {
    auto policy = parse_policy("path \"a\" { capabilities = [\"" + std::string(known.name) + "\"] }");
    ASSERT_TRUE(policy.ok()) << known.name;
    EXPECT_TRUE(policy->rules[0].capabilities.contains(known.capability));
    EXPECT_EQ(to_string(known.capability), known.name);
  }
  auto policy = parse_policy("path \"a\" { capabilities = [\"read\", \"deny\", \"list\"] }");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->rules[0].capabilities.names(), std::vector<std::string_view>{"deny"});
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

TEST(Policy, NamesWhatIsNotSupportedYet) {
  EXPECT_EQ(reason_of("path \"a\" {\n allowed_parameters = { x = [] }\n}"),
            "line 2, column 2: the attribute allowed_parameters is not supported");
  EXPECT_EQ(reason_of("path \"a\" { min_wrapping_ttl = \"1m\" }"),
            "line 1, column 12: the attribute min_wrapping_ttl is not supported");
  EXPECT_EQ(reason_of("path \"secret/+/x\" { }"), "line 1, column 6: segment wildcards (+) are not supported");
  EXPECT_EQ(reason_of("path \"+\" { }"), "line 1, column 6: segment wildcards (+) are not supported");
  EXPECT_EQ(reason_of("path \"a/+*\" { }"), "line 1, column 6: segment wildcards (+) are not supported");
  EXPECT_EQ(reason_of("path \"a+b/c+\" { }"), "accepted");
  EXPECT_EQ(reason_of("path \"secret/{{identity.entity.id}}/*\" { }"), "line 1, column 6: templates are not supported");
}

TEST(Policy, WarnsOfAStarInTheMiddle) {
  auto policy = parse_policy("path \"a/*/b\" { capabilities = [\"read\"] }");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->rules[0].match, PolicyRule::Match::kExact);
  EXPECT_EQ(policy->warnings,
            std::vector<std::string>{"line 1, column 6: only a last * is a wildcard; elsewhere it stands for itself"});
}

TEST(PolicyName, IsTrimmedAndInLowerCase) {
  for (const std::string_view name : {"root", "ROOT", " Root", "root\t", "\n rOOt \r\n"}) {
    ASSERT_TRUE(normalize_policy_name(name).ok());
    EXPECT_EQ(*normalize_policy_name(name), kRootPolicyName);
  }
  EXPECT_EQ(*normalize_policy_name("Team-A_1.read@prod:x+y"), "team-a_1.read@prod:x+y");
  EXPECT_TRUE(normalize_policy_name(std::string(128, 'a')).ok());
}

TEST(PolicyName, OddNamesAreRefused) {
  for (const std::string_view name :
       {"", " ", ".", "..", "../x", "a/b", "a\\b", "a b", "ro\tot", "r\xC3\xB6ot", "\xC2\xA0root", "root\xE2\x80\x8B", "a,b", "a*", "%72oot",
        "-a", "a{", "root\x7F"}) {
    EXPECT_FALSE(normalize_policy_name(name).ok()) << name;
  }
  EXPECT_FALSE(normalize_policy_name(std::string_view("root\0", 5)).ok());
  EXPECT_FALSE(normalize_policy_name(std::string(129, 'a')).ok());
}

}  // namespace
}  // namespace keyhold::core
