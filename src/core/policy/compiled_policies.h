#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/policy/capability.h"
#include "core/policy/policy.h"

namespace keyhold::core {

/// What is asked for at a path. Lists and scans are of what lies below, so "a" and "a/" are the same question.
enum class Asked : std::uint8_t { kOne, kList };

/// What the one rule that applies to a path grants. Empty when there is none.
struct Grant {
  CapabilitySet capabilities;

  bool allows(Capability capability) const { return !capabilities.denies() && capabilities.contains(capability); }
  bool allows_anything() const { return !capabilities.denies() && !capabilities.empty(); }
};

/// Several policies as one, made for asking. Immutable; a copy shares.
///
/// Of all rules one applies: the one of this exact path, else the longest prefix. The same path in several policies is one rule
/// with the capabilities of all, and a deny among them wins. A list of "a" or "a/" meets the exact rules of both as one. An exact
/// deny of "a" also holds for "a/", whatever is asked (CVE-2026-63131: a slash must not get around it).
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

  /// `path` is canonical (core/path.h).
  Grant lookup(std::string_view path, Asked asked) const;
  bool allows(std::string_view path, Capability capability) const {
    const bool of_folder = capability == Capability::kList || capability == Capability::kScan;
    return lookup(path, of_folder ? Asked::kList : Asked::kOne).allows(capability);
  }
  bool allows_anything(std::string_view path, Asked asked) const { return lookup(path, asked).allows_anything(); }

 private:
  struct Table;
  std::shared_ptr<const Table> table_;  // nullptr = no rules.
  bool root_ = false;
};

}  // namespace keyhold::core
