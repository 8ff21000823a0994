#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/policy/permissions.h"
#include "core/policy/policy.h"
#include "core/policy/wildcard_rules.h"

namespace keyhold::core {

/// What the one rule that applies to a path grants. Empty when there is none. Lives as long as the policies it comes from.
struct Grant {
  CapabilitySet capabilities;
  const Restrictions* restrictions = nullptr;  // nullptr = none.

  bool allows(Capability capability) const { return !capabilities.denies() && capabilities.contains(capability); }
  bool allows_anything() const { return !capabilities.denies() && !capabilities.empty(); }
};

/// The rules of several policies, with those of one path made into one, in order of their paths. A deny among them wins.
std::vector<PolicyRule> merge_rules(std::span<const std::shared_ptr<const Policy>> policies);

/// Several policies as one, made for asking. Immutable; a copy shares.
///
/// Of all rules one applies: the one of this exact path, else the first in the order of WildcardRules. A list of "a/" also meets
/// the rules of "a". An exact deny of "a" also holds for "a/", whatever is asked (CVE-2026-63131: a slash must not get around it).
///
/// threads   Any.
class CompiledPolicies {
 public:
  /// Grants nothing.
  CompiledPolicies() = default;
  static CompiledPolicies compile(std::span<const std::shared_ptr<const Policy>> policies);
  /// Grants everything.
  static CompiledPolicies root_policy();

  bool root() const { return root_; }

  /// `path` is canonical (core/path.h). Allocates only for a list or scan of a path without its slash.
  Grant lookup(std::string_view path, Asked asked) const;
  bool allows(std::string_view path, Capability capability) const {
    return lookup(path, asked_with(capability)).allows(capability);
  }
  bool allows_anything(std::string_view path, Asked asked) const { return lookup(path, asked).allows_anything(); }
  /// Whether they grant anything at `folder`, which ends with a slash, or below: who has nothing there is not to learn of it.
  /// source: Vault, hasMountAccess.
  bool reach(std::string_view folder) const;

 private:
  struct Table;
  std::shared_ptr<const Table> table_;  // nullptr = no rules.
  bool root_ = false;
};

}  // namespace keyhold::core
