#include "core/policy/compiled_policies.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace keyhold::core {
namespace {

/// Rules of one exact path, with and without a trailing slash.
struct ExactRule {
  std::optional<CapabilitySet> plain;
  std::optional<CapabilitySet> slashed;
};

struct PrefixRule {
  std::string prefix;
  std::size_t parent;  // The longest other prefix of this prefix, or kNoParent.
  CapabilitySet capabilities;
};
constexpr std::size_t kNoParent = std::numeric_limits<std::size_t>::max();

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

std::string_view without_slash(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

void merge(std::optional<CapabilitySet>& into, std::optional<CapabilitySet> more) {
  if (!more) return;
  if (into) more->add(*into);
  into = more;
}

std::size_t common_bytes(std::string_view a, std::string_view b) {
  const auto [end, unused] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

}  // namespace

struct CompiledPolicies::Table {
  std::unordered_map<std::string, ExactRule, TextHash, std::equal_to<>> exact;  // By path without its trailing slash.
  std::vector<PrefixRule> prefixes;                                             // Sorted, so that the parent comes first.

  std::optional<CapabilitySet> find_exact(std::string_view path, Asked asked) const {
    const auto found = exact.find(without_slash(path));
    if (found == exact.end()) return std::nullopt;
    const ExactRule& rule = found->second;
    std::optional<CapabilitySet> granted = path.ends_with('/') ? rule.slashed : rule.plain;
    if (asked == Asked::kList) {
      merge(granted, path.ends_with('/') ? rule.plain : rule.slashed);
    } else if (rule.plain && rule.plain->denies()) {
      granted = rule.plain;
    }
    return granted;
  }

  /// Every prefix of `path` is one of its greatest predecessor too, so it is that one or among its parents.
  std::optional<CapabilitySet> find_prefix(std::string_view path) const {
    const auto after = std::upper_bound(prefixes.begin(), prefixes.end(), path,
                                        [](std::string_view text, const PrefixRule& rule) { return text < rule.prefix; });
    if (after == prefixes.begin()) return std::nullopt;
    std::size_t index = static_cast<std::size_t>(after - prefixes.begin()) - 1;
    const std::size_t common = common_bytes(prefixes[index].prefix, path);
    while (prefixes[index].prefix.size() > common) {
      index = prefixes[index].parent;
      if (index == kNoParent) return std::nullopt;
    }
    return prefixes[index].capabilities;
  }
};

CompiledPolicies CompiledPolicies::compile(std::span<const std::shared_ptr<const Policy>> policies) {
  auto table = std::make_shared<Table>();
  std::map<std::string_view, CapabilitySet> prefixes;
  for (const auto& policy : policies) {
    for (const PolicyRule& rule : policy->rules) {
      if (rule.match == PolicyRule::Match::kPrefix) {
        prefixes[rule.path].add(rule.capabilities);
        continue;
      }
      ExactRule& exact = table->exact[std::string(without_slash(rule.path))];
      merge(rule.path.ends_with('/') ? exact.slashed : exact.plain, rule.capabilities);
    }
  }
  table->prefixes.reserve(prefixes.size());
  for (const auto& [prefix, capabilities] : prefixes) {
    std::size_t parent = table->prefixes.empty() ? kNoParent : table->prefixes.size() - 1;
    while (parent != kNoParent && !prefix.starts_with(table->prefixes[parent].prefix)) parent = table->prefixes[parent].parent;
    table->prefixes.push_back({std::string(prefix), parent, capabilities});
  }
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
  std::string slashed;
  if (asked == Asked::kList && !path.ends_with('/')) {
    slashed.reserve(path.size() + 1);
    slashed.append(path).push_back('/');
    path = slashed;
  }
  auto granted = table_->find_exact(path, asked);
  if (!granted) granted = table_->find_prefix(path);
  return {granted.value_or(CapabilitySet())};
}

}  // namespace keyhold::core
