#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/capability.h"

namespace keyhold::core {

/// One path of a policy. More restrictions (parameters, wrapping times) will stand beside the capabilities.
struct PolicyRule {
  enum class Match : std::uint8_t { kExact, kPrefix };
  Match match = Match::kExact;
  std::string path;  // Without a leading slash; of a prefix without its '*'.
  CapabilitySet capabilities;
};

/// A policy as written, in order. One path may stand in several rules.
struct Policy {
  std::vector<PolicyRule> rules;
  std::vector<std::string> warnings;  // "line L, column C: reason": accepted, but hardly meant.
};

/// Parses Vault's policy language, in HCL or JSON: `path "secret/*" { capabilities = ["read"] }`, or the older
/// `policy = "read"` (also "write", "sudo", "deny"). A trailing '*' makes a prefix; elsewhere it stands for itself.
///
/// errors   kInvalid with line, column and reason: not HCL, an unknown attribute or capability, and what is not supported
///          yet, by name: '+' segments, templates, parameter constraints, wrapping times.
/// source   Vault docs, concepts/policies.
Result<Policy> parse_policy(std::string_view text);

inline constexpr std::string_view kRootPolicyName = "root";        // Grants all; never stored, never given by a role.
inline constexpr std::string_view kDefaultPolicyName = "default";  // Attached to every token; cannot be deleted.
inline constexpr std::size_t kPolicyNameBytesMax = 128;

/// The one form in which a policy name is compared with the reserved ones, stored and looked up: trimmed and in lower case.
/// Call it wherever a name comes in, before any check of it (CVE-2025-5999 and its kin).
///
/// errors   kInvalid: empty, too long, or with anything but ASCII letters, digits and "-_.@:+", of which only
///          '_' may come first.
Result<std::string> normalize_policy_name(std::string_view name);

}  // namespace keyhold::core
