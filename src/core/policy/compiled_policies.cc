#include "core/policy/compiled_policies.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/policy/granted_paths.h"
#include "core/policy/wildcard_rules.h"

namespace keyhold::core {
namespace {

/// Rules of one exact path, with and without a trailing slash.
struct ExactRule {
  std::optional<Permissions> plain;
  std::optional<Permissions> slashed;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

std::string_view without_slash(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

struct CompiledPolicies::Table {
  std::unordered_map<std::string, ExactRule, TextHash, std::equal_to<>> exact;  // By path without its trailing slash.
  WildcardRules wildcards;
  GrantedPaths granted;

  /// Of a list or scan the path ends with a slash.
  const Permissions* find_exact(std::string_view path, Asked asked) const {
    const auto found = exact.find(without_slash(path));
    if (found == exact.end()) return nullptr;
    const auto& [plain, slashed] = found->second;
    if (plain && plain->capabilities.denies()) return &*plain;
    if (path.ends_with('/') && slashed) return &*slashed;
    return plain && (asked != Asked::kOne || !path.ends_with('/')) ? &*plain : nullptr;
  }
};

std::vector<PolicyRule> merge_rules(std::span<const std::shared_ptr<const Policy>> policies) {
  std::map<std::pair<std::string_view, PolicyRule::Match>, Permissions> merged;
  for (const auto& policy : policies) {
    for (const PolicyRule& rule : policy->rules) {
      const auto [known, added] = merged.try_emplace({rule.path, rule.match}, rule.permissions);
      if (!added) known->second.merge(rule.permissions);
    }
  }
  std::vector<PolicyRule> rules;
  rules.reserve(merged.size());
  for (auto& [key, permissions] : merged) rules.push_back({key.second, std::string(key.first), std::move(permissions)});
  return rules;
}

CompiledPolicies CompiledPolicies::compile(std::span<const std::shared_ptr<const Policy>> policies) {
  auto table = std::make_shared<Table>();
  std::vector<PolicyRule> wildcards;
  std::vector<PolicyRule> rules = merge_rules(policies);
  table->granted = GrantedPaths(rules);
  for (PolicyRule& rule : rules) {
    if (rule.match != PolicyRule::Match::kExact) {
      wildcards.push_back(std::move(rule));
      continue;
    }
    ExactRule& exact = table->exact[std::string(without_slash(rule.path))];
    (rule.path.ends_with('/') ? exact.slashed : exact.plain) = std::move(rule.permissions);
  }
  table->wildcards = WildcardRules(wildcards);
  CompiledPolicies compiled;
  compiled.table_ = std::move(table);
  return compiled;
}

CompiledPolicies CompiledPolicies::root_policy() {
  CompiledPolicies compiled;
  compiled.root_ = true;
  return compiled;
}

Grant CompiledPolicies::lookup(std::string_view path, Asked asked) const {
  if (root_) return {CapabilitySet::all()};
  if (table_ == nullptr) return {};
  std::string folder;
  if (asked != Asked::kOne && !path.ends_with('/')) {
    folder.reserve(path.size() + 1);
    folder.append(path).push_back('/');
    path = folder;
  }
  const Permissions* found = table_->find_exact(path, asked);
  if (found == nullptr) {
    found = asked == Asked::kOne ? table_->wildcards.find(path) : table_->wildcards.find_for_folder(path, asked);
  }
  if (found == nullptr) return {};
  return {found->capabilities, found->restrictions.get()};
}

bool CompiledPolicies::reach(std::string_view folder) const {
  if (root_) return true;
  if (table_ == nullptr) return false;
  const bool lists = allows(folder, Capability::kList) || allows(folder, Capability::kScan);
  return lists || allows_anything(folder, Asked::kOne) || table_->granted.any_below(folder);
}

}  // namespace keyhold::core
