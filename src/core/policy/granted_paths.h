#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy/policy.h"

namespace keyhold::core {

/// Where rules grant something, to be asked about what lies below a folder: a mount, say.
///
/// Immutable. Look-ups take the logarithm of the number of rules, but for those with "+", of which each is looked at.
class GrantedPaths {
 public:
  GrantedPaths() = default;
  explicit GrantedPaths(std::span<const PolicyRule> rules);

  /// Whether a rule that begins below `folder`, which ends with a slash, grants anything. One for a longer path may still deny there.
  bool any_below(std::string_view folder) const;

 private:
  std::vector<std::string> beginnings_;  // Of exact paths and prefixes; in order.
  std::vector<std::string> patterns_;    // With "+".
};

}  // namespace keyhold::core
