#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/policy/compiled_policies.h"

/// Matching as Vault's documentation tells it, one rule at a time: what the compiled form is compared with.
namespace keyhold::core::test {

inline std::vector<std::string> split_segments(std::string_view path) {
  std::vector<std::string> segments(1);
  for (const char byte : path) {
    if (byte == '/') {
      segments.emplace_back();
    } else {
      segments.back() += byte;
    }
  }
  return segments;
}

/// A rule with wildcards, as it is written.
struct ReferenceRule {
  std::string text;
  CapabilitySet capabilities;

  bool open() const { return text.ends_with('*'); }
  std::string bare() const { return open() ? text.substr(0, text.size() - 1) : text; }

  bool matches(std::string_view path) const {
    const auto pattern = split_segments(bare());
    const auto asked = split_segments(path);
    if (open() ? asked.size() < pattern.size() : asked.size() != pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const bool last_of_open = open() && i + 1 == pattern.size();
      if (pattern[i] == "+" || pattern[i] == asked[i] || (last_of_open && asked[i].starts_with(pattern[i]))) continue;
      return false;
    }
    return true;
  }

  std::size_t first_wildcard() const {
    std::size_t at = 0;
    for (const std::string& segment : split_segments(bare())) {
      if (segment == "+") return at;
      at += segment.size() + 1;
    }
    return bare().size();
  }
  std::ptrdiff_t any_segments() const {
    const auto segments = split_segments(bare());
    return std::count(segments.begin(), segments.end(), "+");
  }

  /// Whether it comes after `other`.
  bool loses_to(const ReferenceRule& other) const {
    if (first_wildcard() != other.first_wildcard()) return first_wildcard() < other.first_wildcard();
    if (open() != other.open()) return open();
    if (any_segments() != other.any_segments()) return any_segments() > other.any_segments();
    if (bare().size() != other.bare().size()) return bare().size() < other.bare().size();
    return bare() < other.bare();
  }
};

/// What a lookup met on its way: whoever compares at random counts these, to know that every kind of question came up.
struct ReferenceStory {
  enum class Decided { kNothing, kExact, kOtherSpelling, kPrefix, kSegments };
  Decided decided = Decided::kNothing;
  bool denied = false;
  bool merged = false;            // The rule that applied stands in several policies.
  std::size_t candidates = 0;     // Rules with wildcards that match.
  bool tied_wildcard = false;     // The first two of them begin their wildcards at one place.
  bool passed_on = false;         // A list left its first rule for a later one.
};

inline CapabilitySet reference_lookup(std::span<const std::shared_ptr<const Policy>> policies, std::string path, Asked asked,
                                      ReferenceStory* story = nullptr) {
  ReferenceStory unheard;
  ReferenceStory& told = story == nullptr ? unheard : *story;
  using Decided = ReferenceStory::Decided;
  if (asked != Asked::kOne && !path.ends_with('/')) path += '/';
  const bool slash = path.ends_with('/');
  const std::string plain = slash ? path.substr(0, path.size() - 1) : path;

  std::map<std::string, CapabilitySet> exact;
  std::map<std::string, CapabilitySet> wild;
  std::map<std::string, int> times;
  for (const auto& policy : policies) {
    for (const PolicyRule& rule : policy->rules) {
      const bool prefix = rule.match == PolicyRule::Match::kPrefix;
      auto& rules = rule.match == PolicyRule::Match::kExact ? exact : wild;
      const std::string text = prefix ? rule.path + "*" : rule.path;
      rules[text].add(rule.permissions.capabilities);
      ++times[text];
    }
  }
  const auto decide = [&](Decided by, const std::string& text, CapabilitySet capabilities) {
    told.decided = by;
    told.denied = capabilities.denies();
    told.merged = times[text] > 1;
    return capabilities;
  };
  const auto at_plain = exact.find(plain);
  const Decided by_plain = slash ? Decided::kOtherSpelling : Decided::kExact;
  if (at_plain != exact.end() && at_plain->second.denies()) return decide(by_plain, plain, at_plain->second);
  if (const auto found = exact.find(path); found != exact.end()) return decide(Decided::kExact, path, found->second);
  if (asked != Asked::kOne && at_plain != exact.end()) return decide(by_plain, plain, at_plain->second);

  std::vector<ReferenceRule> candidates;
  for (const auto& [text, capabilities] : wild) {
    const ReferenceRule rule{text, capabilities};
    if (rule.matches(path) || (asked != Asked::kOne && rule.matches(plain))) candidates.push_back(rule);
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const ReferenceRule& a, const ReferenceRule& b) { return b.loses_to(a); });
  told.candidates = candidates.size();
  told.tied_wildcard = candidates.size() > 1 && candidates[0].first_wildcard() == candidates[1].first_wildcard();
  const auto apply = [&](const ReferenceRule& rule) {
    return decide(rule.any_segments() > 0 ? Decided::kSegments : Decided::kPrefix, rule.text, rule.capabilities);
  };
  if (candidates.empty()) return {};
  if (asked == Asked::kOne) return apply(candidates.front());
  // Of prefixes only the longest of each spelling counts.
  bool prefix_with_slash = false;
  bool prefix_without = false;
  std::erase_if(candidates, [&](const ReferenceRule& rule) {
    if (rule.any_segments() > 0) return false;
    const bool with = rule.matches(path) && !std::exchange(prefix_with_slash, prefix_with_slash || rule.matches(path));
    const bool without = rule.matches(plain) && !std::exchange(prefix_without, prefix_without || rule.matches(plain));
    return !with && !without;
  });
  const Capability sought = asked == Asked::kScan ? Capability::kScan : Capability::kList;
  for (const ReferenceRule& rule : candidates) {
    if (!rule.capabilities.denies() && !rule.capabilities.contains(sought)) continue;
    told.passed_on = &rule != &candidates.front();
    return apply(rule);
  }
  return apply(candidates.front());
}

}  // namespace keyhold::core::test
