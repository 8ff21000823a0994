#include "core/policy/compiled_policies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/sanitizer_test_util.h"
#include "core/policy/policy_test_util.h"

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

TEST(CompiledPolicies, APlusStandsForOneWholeSegment) {
  const CompiledPolicies policies = compile({R"(
    path "secret/+/app" { capabilities = ["read"] }
    path "+/top" { capabilities = ["update"] }
    path "team/+" { capabilities = ["delete"] }
    path "open/+/x*" { capabilities = ["patch"] }
    path "lit+/a+b" { capabilities = ["create"] }
  )"});
  EXPECT_TRUE(policies.allows("secret/prod/app", kRead));
  EXPECT_TRUE(policies.allows("secret/+/app", kRead)) << "as asked for, it is a segment like others";
  for (const char* path : {"secret/app", "secret/prod/eu/app", "secret/prod/app/x", "secret/prod/apps", "secret/prod/app/", "secret//app/x"}) {
    EXPECT_FALSE(policies.allows(path, kRead)) << path;
  }
  EXPECT_TRUE(policies.allows("any/top", kUpdate));
  EXPECT_FALSE(policies.allows("top", kUpdate));
  EXPECT_TRUE(policies.allows("team/a", kDelete));
  EXPECT_FALSE(policies.allows("team", kDelete));
  EXPECT_FALSE(policies.allows("team/a/b", kDelete));
  for (const char* path : {"open/a/x", "open/a/xyz", "open/a/x/deep/er"}) EXPECT_TRUE(policies.allows(path, kPatch)) << path;
  for (const char* path : {"open/a", "open/a/", "open/a/y", "open/x"}) EXPECT_FALSE(policies.allows(path, kPatch)) << path;
  EXPECT_TRUE(policies.allows("lit+/a+b", kCreate));
  EXPECT_FALSE(policies.allows("litx/a+b", kCreate));
  EXPECT_FALSE(policies.allows("lit+/aXb", kCreate));
}

TEST(CompiledPolicies, PriorityIsVaultsDocumentedOne) {
  // Each pair matches the path; the first of it wins.
  struct Case {
    std::string_view path;
    std::string_view winner;
    std::string_view loser;
  };
  for (const Case& c : {
           Case{"a/b/c", "a/b/c", "a/b/*"},      Case{"a/b/c", "a/b/c", "a/+/c"},
           Case{"a/b/c", "a/b/+", "a/+/c"},      // A later first wildcard.
           Case{"a/b/c", "a/b*", "a/+/c"},       Case{"a/b/c", "a/b/*", "a/+/c"},
           Case{"a/b/c", "a/+/c", "a/+/c*"},     Case{"a/b/c", "a/b/+", "a/b/*"},  // Not ending with '*'.
           Case{"a/b/c", "a/+/c", "a/*"},        Case{"a/b/c", "a/*", "a/+/c*"},
           Case{"a/b/c/d", "a/+/c/d", "a/+/+/d"},  // Fewer '+'.
           Case{"a/b/c/d", "a/+/c/*", "a/+/+/*"}, Case{"a/b/cde", "a/+/cd*", "a/+/c*"},  // Longer.
           Case{"a/b/c/d", "a/+/c/+", "a/+/+/d"},  // The greater in byte order: 'c' after '+'.
       }) {
    const std::string winner = "path \"" + std::string(c.winner) + "\" { capabilities = [\"read\"] }";
    const std::string loser = "path \"" + std::string(c.loser) + "\" { capabilities = [\"update\"] }";
    for (const CompiledPolicies& policies : {compile({winner, loser}), compile({loser, winner})}) {
      EXPECT_TRUE(policies.allows(c.path, kRead)) << c.winner << " against " << c.loser;
      EXPECT_FALSE(policies.allows(c.path, kUpdate)) << c.winner << " against " << c.loser;
    }
  }
}

TEST(CompiledPolicies, ADenyOnTheWayIsNotMerged) {
  const CompiledPolicies policies = compile({
      "path \"kv/+/x\" { capabilities = [\"deny\"] } path \"kv/a/x\" { capabilities = [\"read\"] }",
      "path \"kv/*\" { capabilities = [\"read\"] }",
      "path \"kv/+/y\" { capabilities = [\"read\"] }",
      "path \"kv/+/y\" { capabilities = [\"deny\"] }"});
  EXPECT_TRUE(policies.allows("kv/a/x", kRead)) << "the exact rule is the only one that applies";
  EXPECT_FALSE(policies.allows("kv/b/x", kRead));
  EXPECT_FALSE(policies.allows("kv/b/y", kRead)) << "of one path, deny wins";
  EXPECT_TRUE(policies.allows("kv/b/z", kRead));
}

TEST(CompiledPolicies, AListMeetsSegmentsWithAndWithoutTheSlash) {
  const CompiledPolicies policies = compile({R"(
    path "kv/+" { capabilities = ["list"] }
    path "kv/private/*" { capabilities = ["deny"] }
    path "kv/shut*" { capabilities = ["deny"] }
    path "kv/own/*" { capabilities = ["read"] }
  )"});
  EXPECT_TRUE(policies.allows("kv/team/", kList));
  EXPECT_TRUE(policies.allows("kv/", kList)) << "'+' stands for an empty segment too, as in Vault";
  EXPECT_FALSE(policies.allows("kv/private/", kList)) << "CVE-2026-63131";
  EXPECT_FALSE(policies.allows("kv/shut/", kList));
  EXPECT_TRUE(policies.allows("kv/own/", kList)) << "a rule that does not deny leaves it to the next";
  EXPECT_FALSE(policies.allows("kv/team/a/", kList));
  const CompiledPolicies narrower = compile({"path \"kv/*\" { policy = \"deny\" } path \"kv/app/*\" { policy = \"read\" }"});
  EXPECT_TRUE(narrower.allows("kv/app/", kList));
  EXPECT_FALSE(narrower.allows("kv/", kList));
}

TEST(CompiledPolicies, RestrictionsComeWithTheRuleThatApplies) {
  const CompiledPolicies policies = compile({
      "path \"a\" { capabilities = [\"read\"] max_wrapping_ttl = 60 pagination_limit = 10 }",
      "path \"a\" { capabilities = [\"update\"] max_wrapping_ttl = \"30s\" min_wrapping_ttl = 5 }"
      "path \"b\" { capabilities = [\"read\"] min_wrapping_ttl = 5 }",
      "path \"b\" { capabilities = [\"deny\"] } path \"*\" { capabilities = [\"read\"] }"});
  const Grant merged = policies.lookup("a", Asked::kOne);
  ASSERT_NE(merged.restrictions, nullptr);
  EXPECT_EQ(merged.restrictions->max_wrapping_ttl_s, 30);
  EXPECT_EQ(merged.restrictions->min_wrapping_ttl_s, 5);
  EXPECT_EQ(merged.restrictions->pagination_limit, 10);
  EXPECT_FALSE(merged.restrictions->admit_wrapping(std::nullopt));
  EXPECT_FALSE(merged.restrictions->admit_wrapping(4));
  EXPECT_TRUE(merged.restrictions->admit_wrapping(5));
  EXPECT_TRUE(merged.restrictions->admit_wrapping(30));
  EXPECT_FALSE(merged.restrictions->admit_wrapping(31));
  EXPECT_EQ(policies.lookup("b", Asked::kOne).restrictions, nullptr);
  EXPECT_EQ(policies.lookup("c", Asked::kOne).restrictions, nullptr);
}

/// How often a random comparison met what is worth comparing.
class Reached {
 public:
  void count(const test::ReferenceStory& story, Asked asked) {
    using Decided = test::ReferenceStory::Decided;
    constexpr std::array<std::string_view, 5> kDecided{"nothing", "exact", "other spelling", "prefix", "segments"};
    const bool of_one = asked == Asked::kOne;
    ++times_[std::string(kDecided[static_cast<std::size_t>(story.decided)]) + (of_one ? "" : ", list")];
    if (story.decided == Decided::kNothing) return;
    times_["denied"] += story.denied;
    times_["merged"] += story.merged;
    times_["merged and denied"] += story.merged && story.denied;
    times_["several match"] += story.candidates > 1;
    times_["tied at the first wildcard"] += story.tied_wildcard;
    times_["a list passes on"] += story.passed_on;
    times_["a list passes on to a deny"] += story.passed_on && story.denied;
  }
  /// Each kind, and none seldom.
  void expect_each(int times_min) const {
    EXPECT_EQ(times_.size(), 17u);
    for (const auto& [kind, times] : times_) {
      ::testing::Test::RecordProperty(std::string(kind), times);
      EXPECT_GE(times, times_min) << kind;
    }
  }

 private:
  std::map<std::string, int> times_;
};

/// That a rule is taken for what is written: the naive matcher goes by its text, which the parser must not have changed.
void expect_as_written(const Policy& policy, const std::vector<std::string>& written) {
  std::multiset<std::string> parsed;
  for (const PolicyRule& rule : policy.rules) {
    const std::string text = rule.match == PolicyRule::Match::kPrefix ? rule.path + "*" : rule.path;
    const auto segments = test::split_segments(text.ends_with('*') ? text.substr(0, text.size() - 1) : text);
    const bool any = std::find(segments.begin(), segments.end(), "+") != segments.end();
    EXPECT_EQ(rule.match == PolicyRule::Match::kExact, !any && !text.ends_with('*')) << text;
    EXPECT_EQ(rule.match == PolicyRule::Match::kPrefix, !any && text.ends_with('*')) << text;
    parsed.insert(text);
  }
  EXPECT_EQ(parsed, std::multiset<std::string>(written.begin(), written.end()));
}

TEST(CompiledPolicies, AgreeWithANaiveMatcher) {
  const std::uint32_t seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto path = [&random](std::size_t segments_max, std::string_view letters) {
    std::string text;
    for (std::size_t left = 1 + random() % segments_max; left > 0; --left) {
      for (std::size_t bytes = 1 + random() % 2; bytes > 0; --bytes) text += letters[random() % letters.size()];
      if (left > 1 || random() % 4 == 0) text += '/';
    }
    return text;
  };
  const auto pattern = [&](std::size_t segments_max) {
    std::string text = path(segments_max, "ab");
    if (random() % 2 == 0) {
      std::string with_any;
      for (std::string& segment : test::split_segments(text)) with_any += (random() % 3 == 0 ? "+" : segment) + "/";
      with_any.pop_back();
      text = with_any;
    }
    if (random() % 2 == 0) {
      text.resize(random() % (text.size() + 1));
      if (!text.ends_with('+')) text += '*';
    }
    return text;
  };
  Reached reached;
  for (int round = 0; round < inputs(500); ++round) {
    std::vector<std::shared_ptr<const Policy>> policies;
    std::vector<std::string> all_written;
    for (std::size_t count = random() % 6; count > 0; --count) {
      std::string text;
      std::vector<std::string> written;
      for (std::size_t rules = random() % 12; rules > 0; --rules) {
        written.push_back(pattern(4));
        text += "path = { \"" + written.back() + "\" = { capabilities = [";
        for (const CapabilityName& known : kCapabilityNames) {
          if (random() % (known.capability == kDeny ? 12 : 4) == 0) text += "\"" + std::string(known.name) + "\",";
        }
        text += "] } }\n";
      }
      auto policy = parse_policy(text);
      ASSERT_TRUE(policy.ok()) << policy.error().message << "\n" << text;
      expect_as_written(*policy, written);
      all_written.insert(all_written.end(), written.begin(), written.end());
      policies.push_back(std::make_shared<const Policy>(std::move(*policy)));
    }
    const CompiledPolicies compiled = CompiledPolicies::compile(policies);
    for (int question = 0; question < 200; ++question) {
      std::string asked_path = path(5, "ab+");
      if (!all_written.empty() && random() % 4 == 0) {  // What a rule says, in one of its two spellings.
        asked_path = all_written[random() % all_written.size()];
        if (asked_path.ends_with('*')) asked_path.back() = 'a';
        if (asked_path.ends_with('/')) {
          asked_path.pop_back();
        } else if (random() % 2 == 0) {
          asked_path += '/';
        }
      }
      const Asked asked = std::array{Asked::kOne, Asked::kOne, Asked::kList, Asked::kScan}[random() % 4];
      test::ReferenceStory story;
      const CapabilitySet expected = test::reference_lookup(policies, asked_path, asked, &story);
      ASSERT_EQ(compiled.lookup(asked_path, asked).capabilities.names(), expected.names())
          << "seed " << seed << " path " << asked_path << " asked as " << static_cast<int>(asked);
      reached.count(story, asked);
    }
  }
  reached.expect_each(kSanitized ? 1 : 40);  // Of 100,000 questions; the rarest comes some 170 times.
}

TEST(CompiledPolicies, AnotherCaseIsAnotherPath) {
  const CompiledPolicies policies = compile({R"(
    path "kv/data/Prod" { capabilities = ["deny"] }
    path "kv/data/Ops/*" { capabilities = ["read"] }
    path "kv/+/Web" { capabilities = ["read"] }
  )"});
  EXPECT_TRUE(policies.allows("kv/data/Ops/a", kRead));
  EXPECT_TRUE(policies.allows("kv/data/Web", kRead));
  for (const char* path : {"kv/data/prod", "kv/data/ops/a", "KV/data/Ops/a", "kv/data/web", "kv/Data/ops/a"}) {
    EXPECT_EQ(policies.lookup(path, Asked::kOne).capabilities, CapabilitySet{}) << path;
  }
}

TEST(CompiledPolicies, ReachAFolderWhenTheyGrantAnythingInIt) {
  const auto reach = [](std::string_view text, std::string_view folder) {
    auto policy = parse_policy(text);
    EXPECT_TRUE(policy.ok()) << text;
    const std::vector policies{std::make_shared<const Policy>(std::move(*policy))};
    return CompiledPolicies::compile(policies).reach(folder);
  };
  struct Case {
    const char* path;
    const char* folder;
    bool reached;
  };
  for (const Case& c : {Case{"a/b", "a/", true}, Case{"a/*", "a/", true}, Case{"a/b/*", "a/", true}, Case{"*", "a/", true}, Case{"a*", "a/", true},
                        Case{"a", "a/", false}, Case{"ab/c", "a/", false}, Case{"b/a/c", "a/", false}, Case{"+/c", "a/", true},
                        Case{"+/c", "a/b/", false}, Case{"+/*", "a/b/", true}, Case{"+/b*", "a/b/", true}, Case{"+/c*", "a/b/", false},
                        Case{"+/+/c", "a/b/", true}, Case{"+/b/+", "a/b/", true}, Case{"+/+", "a/b/", false}, Case{"a/+/c", "a/", true},
                        Case{"b/+/c", "a/", false}, Case{"a/", "a/", true}, Case{"a/b", "a/b/c/", false}}) {
    const std::string path = "path \"" + std::string(c.path) + "\" { capabilities = [\"";
    EXPECT_EQ(reach(path + "read\"] }", c.folder), c.reached) << c.path << " " << c.folder;
    EXPECT_FALSE(reach(path + "deny\"] }", c.folder)) << c.path << " " << c.folder;
  }
  EXPECT_TRUE(reach("path \"a\" { capabilities = [\"list\"] }", "a/"));
  EXPECT_FALSE(reach("", "a/"));
  EXPECT_FALSE(CompiledPolicies().reach("a/"));
  EXPECT_TRUE(CompiledPolicies::root_policy().reach("a/"));
}

}  // namespace
}  // namespace keyhold::core
