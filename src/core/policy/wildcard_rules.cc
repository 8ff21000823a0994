#include "core/policy/wildcard_rules.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace keyhold::core {
namespace {

/// Takes the first segment off `rest`; nullopt once nothing follows it.
std::string_view take_segment(std::optional<std::string_view>& rest) {
  const std::size_t slash = rest->find('/');
  const std::string_view segment = rest->substr(0, slash);
  rest = slash == std::string_view::npos ? std::nullopt : std::optional(rest->substr(slash + 1));
  return segment;
}

/// What the order of priority compares, ascending: first wildcard, whole, fewer '+', length, text.
using Priority = std::tuple<std::size_t, bool, std::size_t, std::size_t, std::string_view>;

Priority priority_of(const PolicyRule& rule) {
  std::string_view text = rule.path;
  std::size_t first_wildcard = text.size();
  std::size_t any_segments = 0;
  bool open = rule.match == PolicyRule::Match::kPrefix;
  if (rule.match == PolicyRule::Match::kSegments) {
    open = text.ends_with('*');
    if (open) text.remove_suffix(1);
    for (std::optional rest = text; rest;) {
      const std::size_t begin = text.size() - rest->size();
      if (take_segment(rest) != "+") continue;
      first_wildcard = std::min(first_wildcard, begin);
      ++any_segments;
    }
  }
  return {first_wildcard, !open, ~any_segments, text.size(), text};
}

}  // namespace

WildcardRules::WildcardRules(std::span<const PolicyRule> rules) {
  std::vector<std::pair<Priority, const PolicyRule*>> ascending;
  ascending.reserve(rules.size());
  for (const PolicyRule& rule : rules) ascending.emplace_back(priority_of(rule), &rule);
  std::sort(ascending.begin(), ascending.end());

  std::map<std::string, Rank> prefixes;
  std::map<std::size_t, std::map<std::string, Rank>> open;  // By node.
  by_rank_.reserve(rules.size());
  for (const auto& [priority, sorted] : ascending) {
    const PolicyRule& rule = *sorted;
    const Rank rank = by_rank_.size();
    by_rank_.push_back(rule.permissions);
    if (rule.match == PolicyRule::Match::kPrefix) {
      prefixes.emplace(rule.path, rank);
      continue;
    }
    std::size_t node = 0;
    for (std::optional<std::string_view> rest = rule.path; rest;) {
      const std::string_view segment = take_segment(rest);
      if (!rest && segment.ends_with('*')) {
        open[node].emplace(segment.substr(0, segment.size() - 1), rank);
        break;
      }
      node = child_of(node, segment);
      if (!rest) nodes_[node].whole = rank;
    }
  }
  prefixes_ = PrefixTable(prefixes);
  for (const auto& [node, endings] : open) nodes_[node].open = PrefixTable(endings);
}

std::size_t WildcardRules::child_of(std::size_t node, std::string_view segment) {
  std::size_t& child = segment == "+" ? nodes_[node].any : nodes_[node].literals[std::string(segment)];
  if (child == kNone) {
    child = nodes_.size();
    const std::size_t made = child;
    nodes_.emplace_back();  // `child` may be gone.
    return made;
  }
  return child;
}

const Permissions* WildcardRules::find(std::string_view path) const {
  Best best{Asked::kOne};
  if (const auto* prefix = prefixes_.longest(path)) consider(prefix->number, best);
  collect_below(nodes_.front(), path, best);
  return best.any ? &by_rank_[*best.any] : nullptr;
}

const Permissions* WildcardRules::find_for_folder(std::string_view folder, Asked asked) const {
  Best best{asked};
  // Of prefixes alone, the longest of each spelling.
  const auto* prefix = prefixes_.longest(folder);
  if (prefix != nullptr) consider(prefix->number, best);
  while (prefix != nullptr && prefix->prefix.size() == folder.size()) prefix = prefixes_.shorter(*prefix);
  if (prefix != nullptr) consider(prefix->number, best);
  collect_below(nodes_.front(), folder, best);
  const std::optional<Rank> winner = best.denies || best.grants ? std::max(best.denies, best.grants) : best.any;
  return winner ? &by_rank_[*winner] : nullptr;
}

/// As deep as the deepest pattern, at most.
void WildcardRules::collect_below(const Node& node, std::string_view rest, Best& best) const {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  for (const auto* ending = node.open.longest(segment); ending != nullptr; ending = node.open.shorter(*ending)) {
    consider(ending->number, best);
  }
  const bool goes_on = slash != std::string_view::npos;
  const bool may_end = !goes_on || (best.asked != Asked::kOne && slash + 1 == rest.size());
  const auto literal = node.literals.find(segment);
  for (const std::size_t child : {literal == node.literals.end() ? kNone : literal->second, node.any}) {
    if (child == kNone) continue;
    if (may_end && nodes_[child].whole) consider(*nodes_[child].whole, best);
    if (goes_on) collect_below(nodes_[child], rest.substr(slash + 1), best);
  }
}

void WildcardRules::consider(Rank rank, Best& best) const {
  const CapabilitySet capabilities = by_rank_[rank].capabilities;
  best.any = std::max(best.any, std::optional(rank));
  if (capabilities.denies()) best.denies = std::max(best.denies, std::optional(rank));
  const Capability sought = best.asked == Asked::kScan ? Capability::kScan : Capability::kList;
  if (capabilities.contains(sought)) best.grants = std::max(best.grants, std::optional(rank));
}

}  // namespace keyhold::core
