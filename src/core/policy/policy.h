#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/permissions.h"
#include "core/policy/policy_name.h"

namespace keyhold::core {

/// One path of a policy, and what it gives.
struct PolicyRule {
  enum class Match : std::uint8_t {
    kExact,
    kPrefix,    // Written with a last '*'.
    kSegments,  // With "+" as a whole segment, which stands for any one; a last '*' may follow.
  };
  Match match = Match::kExact;
  std::string path;  // As written, without a leading slash; of a prefix without its '*'.
  Permissions permissions;
};

/// A policy as written, in order. One path may stand in several rules.
struct Policy {
  std::vector<PolicyRule> rules;
  std::vector<std::string> warnings;  // "line L, column C: reason": accepted, but hardly meant.
};

/// Parses Vault's policy language, in HCL or JSON: `path "secret/*" { capabilities = ["read"] }`, or the older
/// `policy = "read"` (also "write", "sudo", "deny"). A last '*' makes a prefix, and '+' stands for one whole segment; elsewhere
/// they stand for themselves.
///
/// errors   kInvalid with line, column and reason: not HCL, an unknown attribute or capability, one given twice, and by name what
///          would restrict more than this program can: control groups, MFA, response filters, expiration, templates.
/// source   Vault docs, concepts/policies.
Result<Policy> parse_policy(std::string_view text);

}  // namespace keyhold::core
