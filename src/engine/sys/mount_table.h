#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/call.h"
#include "core/config.h"
#include "core/router.h"

/// The table of mounts: one for secrets and auth methods, of which the latter stand below "auth/".
///
/// Changes are made by handlers in their transactions: whatever adds a path goes through claim_path().
namespace keyhold::engine {

inline constexpr std::string_view kAuthPrefix = "auth/";

inline bool is_auth(const core::records::Mount& mount) { return mount.path().starts_with(kAuthPrefix); }
inline core::MountKind kind_at(std::string_view path) {
  return path.starts_with(kAuthPrefix) ? core::MountKind::kAuth : core::MountKind::kSecrets;
}

/// The mount at exactly this path, which ends with a slash; or nullptr.
const core::MountPoint* mount_at(const core::Call& call, std::string_view path);

/// The record of a mount that the Config has, to be changed under the condition that it stays as it is until then. errors: kConflict:
/// it is no longer there, or elsewhere.
Result<core::records::Mount> record_to_change(const core::Call& call, const core::MountPoint& mount);
void put_record(const core::Call& call, const core::records::Mount& mount);

/// Every removal and every new path of a mount reads and bumps the guard, so two that would overlap cannot both commit, and decides by the
/// table that belongs to that guard. errors: kConflict.
Result<void> bump_guard(const core::Call& call);
/// Bumps the guard, and makes sure that a mount of this kind may be at this path. errors: kInvalid; kConflict.
Result<void> claim_path(const core::Call& call, std::string_view path, core::MountKind kind);

}  // namespace keyhold::engine
