#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/policy/permissions.h"
#include "core/policy/policy.h"
#include "core/policy/prefix_table.h"

namespace keyhold::core {

/// What is asked for at a path. Lists and scans are of what lies below, so "a" and "a/" are the same question.
enum class Asked : std::uint8_t { kOne, kList, kScan };
constexpr Asked asked_with(Capability capability) {
  if (capability == Capability::kScan) return Asked::kScan;
  return capability == Capability::kList ? Asked::kList : Asked::kOne;
}

/// The rules with wildcards, by priority: of those that match a path the one wins whose first wildcard comes later; then the one
/// that does not end with '*'; then the one with fewer '+'; then the longer; then the greater in byte order.
///
/// Immutable. No allocation in look-ups.
/// source   Vault docs, concepts/policies, "Priority matching".
class WildcardRules {
 public:
  WildcardRules() = default;
  /// `rules` are of different paths, and not exact.
  explicit WildcardRules(std::span<const PolicyRule> rules);

  /// The winner for a path, or nullptr.
  const Permissions* find(std::string_view path) const;
  /// The winner for a list or scan of `folder`, which ends with a slash. Rules may match it with or without the slash; of all that
  /// do the first that grants just that wins, unless one that denies comes before it (CVE-2026-63131).
  const Permissions* find_for_folder(std::string_view folder, Asked asked) const;

 private:
  /// Place of a rule in the order of priority; the higher wins.
  using Rank = std::size_t;
  /// The highest of the ranks met.
  struct Best {
    Asked asked;
    std::optional<Rank> any = {};
    std::optional<Rank> denies = {};
    std::optional<Rank> grants = {};  // The list or scan that is asked for.
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static constexpr std::size_t kNone = 0;  // As a child: the root is nobody's.
  /// What segment patterns have in common so far.
  struct Node {
    std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> literals;  // By segment.
    std::size_t any = kNone;                                                           // "+".
    std::optional<Rank> whole;                                                         // A pattern that ends here.
    PrefixTable open;  // Patterns that end with '*' in the next segment, by what they have of it.
  };

  std::size_t child_of(std::size_t node, std::string_view segment);
  void collect_below(const Node& node, std::string_view rest, Best& best) const;
  void consider(Rank rank, Best& best) const;

  std::vector<Permissions> by_rank_;
  PrefixTable prefixes_;
  std::vector<Node> nodes_ = std::vector<Node>(1);  // Of segment patterns; the first is the root.
};

}  // namespace keyhold::core
