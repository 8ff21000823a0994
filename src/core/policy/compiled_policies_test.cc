#include "core/policy/compiled_policies.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace keyhold::core {
namespace {

using enum Capability;

CompiledPolicies compile(std::initializer_list<std::string_view> texts) {
  std::vector<std::shared_ptr<const Policy>> policies;
  for (const std::string_view text : texts) {
    auto policy = parse_policy(text);
    EXPECT_TRUE(policy.ok()) << policy.error().message;
    if (policy.ok()) policies.push_back(std::make_shared<const Policy>(std::move(policy).value()));
  }
  return CompiledPolicies::compile(policies);
}

TEST(CompiledPolicies, GrantNothingByDefault) {
  EXPECT_FALSE(CompiledPolicies().allows("a", kRead));
  EXPECT_FALSE(compile({}).allows("a", kRead));
  EXPECT_FALSE(compile({"path \"a\" { }"}).allows("a", kRead));
  EXPECT_FALSE(compile({"path \"a\" { capabilities = [\"read\"] }"}).allows("ab", kRead));
  EXPECT_FALSE(compile({"path \"a/*\" { capabilities = [\"read\"] }"}).allows("a", kRead));
}

TEST(CompiledPolicies, RootGrantsAll) {
  const CompiledPolicies root = CompiledPolicies::root_policy();
  EXPECT_TRUE(root.root());
  EXPECT_TRUE(root.allows("sys/raw/x", kSudo));
  EXPECT_TRUE(root.allows("any", kList));
  EXPECT_FALSE(root.allows("any", kDeny));
  EXPECT_FALSE(CompiledPolicies().root());
}

TEST(CompiledPolicies, ExactBeatsPrefixAndLongestPrefixWins) {
  const CompiledPolicies policies = compile({R"(
    path "*" { capabilities = ["sudo"] }
    path "secret/*" { capabilities = ["read", "list"] }
    path "secret/prod/*" { capabilities = ["deny"] }
    path "secret/prod/web" { capabilities = ["read"] }
    path "secret/prod/d*" { capabilities = ["update"] }
    path "secret/x*" { }
  )"});
  EXPECT_TRUE(policies.allows("other", kSudo));
  EXPECT_TRUE(policies.allows("secret/a", kRead));
  EXPECT_FALSE(policies.allows("secret/a", kSudo));
  EXPECT_TRUE(policies.allows("secret/", kList));
  EXPECT_FALSE(policies.allows("secret/prod/db2", kRead));
  EXPECT_TRUE(policies.allows("secret/prod/db2", kUpdate));
  EXPECT_FALSE(policies.allows("secret/prod/e", kRead));
  EXPECT_TRUE(policies.allows("secret/prod/web", kRead));
  EXPECT_FALSE(policies.allows("secret/prod/web2", kRead));
  EXPECT_FALSE(policies.allows("secret/xy", kRead));
  EXPECT_TRUE(policies.allows("secret/yx", kRead));
}

TEST(CompiledPolicies, SamePathMergesAndDenyWins) {
  const CompiledPolicies policies = compile({
      "path \"a\" { capabilities = [\"read\"] } path \"b/*\" { capabilities = [\"read\"] } path \"c\" { policy = \"write\" }",
      "path \"a\" { capabilities = [\"update\"] } path \"b/*\" { capabilities = [\"list\"] } path \"c\" { policy = \"deny\" }",
      "path \"c\" { policy = \"sudo\" }",
  });
  EXPECT_EQ(policies.lookup("a", Asked::kOne).capabilities, (CapabilitySet{kRead, kUpdate}));
  EXPECT_EQ(policies.lookup("b/x", Asked::kOne).capabilities, (CapabilitySet{kRead, kList}));
  EXPECT_EQ(policies.lookup("c", Asked::kOne).capabilities, CapabilitySet{kDeny});
  EXPECT_FALSE(policies.lookup("c", Asked::kOne).allows_anything());
}

TEST(CompiledPolicies, ListMeetsRulesWithAndWithoutTheSlash) {
  for (const std::string_view rule : {"kv/metadata", "kv/metadata/", "kv/metadata/*", "kv/metadata*", "kv/*"}) {
    const CompiledPolicies policies = compile({"path \"" + std::string(rule) + "\" { capabilities = [\"list\"] }"});
    EXPECT_TRUE(policies.allows("kv/metadata", kList)) << rule;
    EXPECT_TRUE(policies.allows("kv/metadata/", kList)) << rule;
  }
  const CompiledPolicies exact = compile({"path \"kv/metadata/\" { capabilities = [\"read\", \"list\"] }"});
  EXPECT_FALSE(exact.allows("kv/metadata", kRead));
  EXPECT_TRUE(exact.allows("kv/metadata/", kRead));
}

TEST(CompiledPolicies, ASlashDoesNotGetAroundADeny) {
  for (const std::string_view denied : {"kv/metadata/foo", "kv/metadata/foo/"}) {
    const CompiledPolicies policies =
        compile({"path \"kv/*\" { capabilities = [\"list\", \"read\"] }",
                 "path \"" + std::string(denied) + "\" { capabilities = [\"deny\"] }"});
    EXPECT_FALSE(policies.allows("kv/metadata/foo", kList)) << denied;
    EXPECT_FALSE(policies.allows("kv/metadata/foo/", kList)) << denied;
    EXPECT_FALSE(policies.allows("kv/metadata/foo/", kRead)) << denied;
    EXPECT_TRUE(policies.allows("kv/metadata/foo/bar", kList)) << denied;
  }
  const CompiledPolicies both = compile({
      "path \"a\" { capabilities = [\"deny\"] } path \"a/\" { capabilities = [\"list\", \"read\"] }"});
  EXPECT_FALSE(both.allows("a", kList));
  EXPECT_FALSE(both.allows("a/", kList));
  EXPECT_FALSE(both.allows("a/", kRead));
}

// --- against a matcher that is written as the rules are told, one rule at a time ---

CapabilitySet naive_lookup(const std::vector<std::shared_ptr<const Policy>>& policies, std::string path, Asked asked) {
  const bool slash = path.ends_with('/');
  const std::string plain = slash ? path.substr(0, path.size() - 1) : path;
  const std::string slashed = plain + "/";
  if (asked == Asked::kList) path = slashed;
  std::optional<CapabilitySet> exact;
  std::optional<CapabilitySet> prefix;
  std::size_t prefix_bytes = 0;
  for (const auto& policy : policies) {
    for (const PolicyRule& rule : policy->rules) {
      const bool denies = rule.capabilities.denies();
      if (rule.match == PolicyRule::Match::kExact) {
        bool meets = rule.path == path;
        if (asked == Asked::kList) meets = rule.path == plain || rule.path == slashed;
        if (denies && slash && rule.path == plain) meets = true;
        if (!meets) continue;
        if (!exact) exact.emplace();
        exact->add(rule.capabilities);
      } else if (path.compare(0, rule.path.size(), rule.path) == 0) {
        if (!prefix || rule.path.size() > prefix_bytes) {
          prefix = rule.capabilities;
          prefix_bytes = rule.path.size();
        } else if (rule.path.size() == prefix_bytes) {
          prefix->add(rule.capabilities);
        }
      }
    }
  }
  return exact ? *exact : prefix.value_or(CapabilitySet());
}

TEST(CompiledPolicies, AgreeWithANaiveMatcher) {
  std::mt19937 random(20'261'122);
  const auto path = [&random](std::size_t segments_max) {
    std::string text;
    for (std::size_t left = 1 + random() % segments_max; left > 0; --left) {
      for (std::size_t bytes = 1 + random() % 2; bytes > 0; --bytes) text += "ab\xC3"[random() % 3];
      if (left > 1 || random() % 4 == 0) text += '/';
    }
    return text;
  };
  int granted = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<std::shared_ptr<const Policy>> policies;
    for (std::size_t count = random() % 6; count > 0; --count) {
      Policy policy;
      for (std::size_t rules = random() % 12; rules > 0; --rules) {
        PolicyRule rule;
        rule.match = random() % 2 == 0 ? PolicyRule::Match::kExact : PolicyRule::Match::kPrefix;
        rule.path = path(3);
        if (rule.match == PolicyRule::Match::kPrefix) rule.path.resize(random() % (rule.path.size() + 1));
        for (const CapabilityName& known : kCapabilityNames) {
          if (random() % (known.capability == kDeny ? 12 : 4) == 0) rule.capabilities.add(known.capability);
        }
        policy.rules.push_back(std::move(rule));
      }
      policies.push_back(std::make_shared<const Policy>(std::move(policy)));
    }
    const CompiledPolicies compiled = CompiledPolicies::compile(policies);
    for (int question = 0; question < 200; ++question) {
      const std::string asked_path = path(4);
      const Asked asked = random() % 3 == 0 ? Asked::kList : Asked::kOne;
      const CapabilitySet expected = naive_lookup(policies, asked_path, asked);
      ASSERT_EQ(compiled.lookup(asked_path, asked).capabilities.names(), expected.names()) << asked_path;
      granted += expected.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(granted, 10'000);
}

}  // namespace
}  // namespace keyhold::core
