#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhold::core {

inline constexpr std::string_view kRootPolicyName = "root";        // Grants all; never stored, never given by a role.
inline constexpr std::string_view kDefaultPolicyName = "default";  // Attached to every token; cannot be deleted.
inline constexpr std::string_view kWrappingPolicyName = "response-wrapping";  // Of wrapping tokens alone; never stored.
inline constexpr std::size_t kPolicyNameBytesMax = 128;

/// Whether a name stands for what this program grants by itself: no policy may be written or removed under it. "root", and
/// the policies of Vault's wrapping tokens and control groups.
bool reserved_policy_name(std::string_view normal_name);

/// The one form in which a policy name is compared with the reserved ones, stored and looked up: trimmed and in lower case.
/// Call it wherever a name comes in, before any check of it (CVE-2025-5999 and its kin).
///
/// errors   kInvalid: empty, too long, or with anything but ASCII letters, digits and "-_.@:+", of which only
///          '_' may come first.
Result<std::string> normalize_policy_name(std::string_view name);

}  // namespace keyhold::core
