#pragma once

#include <array>
#include <cstddef>

#include "base/json.h"
#include "core/field_values.h"
#include "core/records.pb.h"
#include "core/route.h"

/// What can be set of a mount: when it is made, in "config", and later by its tuning.
///
/// source   Vault API, sys/mounts, sys/auth.
namespace keyhold::engine::mount_settings {

inline constexpr std::size_t kRecordBytesMax = 32 * 1024;  // Of a mount: all of them are kept in memory.

using core::clear_field;

inline constexpr std::array kFields{
    clear_field("default_lease_ttl", core::FieldType::kString, "Life time where none is asked for; 0 or \"system\" = the system's."),
    clear_field("max_lease_ttl", core::FieldType::kString, "Longest life time; 0 or \"system\" = the system's."),
    clear_field("audit_non_hmac_request_keys", core::FieldType::kStringList, "Kept: what the journal shows is the routes' business."),
    clear_field("audit_non_hmac_response_keys", core::FieldType::kStringList, "Kept: what the journal shows is the routes' business."),
    clear_field("listing_visibility", core::FieldType::kString, "unauth: sys/internal/ui/mounts shows it to strangers; hidden."),
    clear_field("passthrough_request_headers", core::FieldType::kStringList, "Kept: no engine reads headers."),
    clear_field("allowed_response_headers", core::FieldType::kStringList, "Kept: no engine sets headers."),
    clear_field("allowed_managed_keys", core::FieldType::kStringList, "Kept: there are no managed keys."),
    clear_field("token_type", core::FieldType::kString, "Of an auth method: default-service, default-batch, service or batch."),
    // Refused when they ask for something.
    clear_field("plugin_version", core::FieldType::kString, "Refused: engines are part of the program."),
    clear_field("identity_token_key", core::FieldType::kString, "Refused: there are no plugins that need one."),
    clear_field("delegated_auth_accessors", core::FieldType::kStringList, "Refused: no engine logs in for another."),
    core::Field{.name = "user_lockout_config", .type = core::FieldType::kObject, .help = "Refused: lock-out is not a mount's."},
};

/// What else "config" may hold.
inline constexpr core::Field kForceNoCache = clear_field(
    "force_no_cache", core::FieldType::kBoolean, "Kept: the caches never answer from before an acknowledged write.");

template <std::size_t kA, std::size_t kB>
constexpr std::array<core::Field, kA + kB> joined(const std::array<core::Field, kA>& a, const std::array<core::Field, kB>& b) {
  std::array<core::Field, kA + kB> all{};
  for (std::size_t i = 0; i < kA; ++i) all[i] = a[i];
  for (std::size_t i = 0; i < kB; ++i) all[kA + i] = b[i];
  return all;
}

inline constexpr std::array kConfigFields = joined(kFields, std::array{kForceNoCache});

/// Puts into the mount what these fields give; what they do not name stays as it is. errors: kInvalid.
Result<void> apply(const core::FieldValues& fields, core::records::Mount& mount);
/// The same from the field "config" of a request that makes a mount.
Result<void> apply_config(const core::FieldValues& fields, core::records::Mount& mount);

/// errors: kInvalid: the record is larger than a mount's may be.
Result<void> check_size(const core::records::Mount& mount);

/// What lists and reads tell of a mount, as members of an object that is open.
void append_members(json::Writer& writer, const core::records::Mount& mount);
/// What a stranger is told of it.
void append_public_members(json::Writer& writer, const core::records::Mount& mount);
/// What a read of its tuning tells, as an object.
void append_tuning(json::Writer& writer, const core::records::Mount& mount);

}  // namespace keyhold::engine::mount_settings
