#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Storage keys: kind (1 byte) ‖ owner (8-byte id of a namespace or mount, big endian, never reused) ‖ object. Only the name
/// index holds names, so a rename moves one index entry and a mount made again never sees old data.
/// docs/storage_format.md lists them.
namespace keyhold::core::keys {

using NamespaceId = std::uint64_t;
using MountId = std::uint64_t;

inline constexpr NamespaceId kRootNamespace = 1;

std::string next_id();
std::string mount(NamespaceId owner, MountId id);
std::string mount_guard(NamespaceId owner);
std::string policy(NamespaceId owner, std::string_view name);
std::string policy_version(NamespaceId owner, std::string_view name, std::uint64_t number);
std::string token(NamespaceId owner, std::string_view token_id);
std::string liveness(NamespaceId owner, std::string_view liveness_id);
std::string accessor(NamespaceId owner, std::string_view accessor_id);
std::string uses(NamespaceId owner, std::string_view liveness_id);
/// A token below another, which is named by its liveness.
std::string child(NamespaceId owner, std::string_view parent_liveness_id, std::string_view token_id = {});
/// The last segment of a token's lease id: "h" and its id in hexadecimal.
std::string lease_name(std::string_view token_id);
/// A token by where it came from: `path` is below the mount.
std::string lease(MountId owner, std::string_view path, std::string_view token_id);
/// All leases below a path, which is empty or ends with a slash.
std::string leases_below(MountId owner, std::string_view path);
/// A token by when it ends, of all namespaces in order of time.
std::string expiry(std::int64_t expires_ms, NamespaceId owner, std::string_view token_id);
/// Where entries that end at `expires_ms` or later begin.
std::string expiry_from(std::int64_t expires_ms);
/// Not before this has come is an entry due.
std::int64_t due_ms_of_expiry(std::string_view key);
/// A pair of AWS's form, by its access key id: whoever signs with it names no mount.
std::string access_key(NamespaceId owner, std::string_view id);
std::string access_key_use(NamespaceId owner, std::string_view id);
/// The same by the auth method that made it.
std::string access_key_of_mount(MountId owner, std::string_view id = {});
std::string aws_role(MountId owner, std::string_view name = {});
std::string token_role(NamespaceId owner, std::string_view name = {});
std::string time_mark();
std::string epoch();
/// When the keyring rotates by itself, and what was encrypted under its newest key.
std::string keyring_rotation();
std::string encryptions();
std::string name(MountId owner, std::string_view secret_name);
std::string secret(MountId owner, std::string_view secret_id);
std::string secret_settings(MountId owner);
std::string version(MountId owner, std::string_view secret_id, std::string_view version_id);
std::string chunk(MountId owner, std::string_view version_id, std::uint32_t index);
std::string pending_chunks(MountId owner, std::string_view version_id);
std::string installed_version(std::string_view version);
/// A secret whose rotation is in hand.
std::string rotation_run(MountId owner, std::string_view secret_id);
/// A secret that has a rule to rotate by, or a reminder.
std::string attended(MountId owner, std::string_view secret_id = {});
/// When the secret was last read.
std::string last_read(MountId owner, std::string_view secret_id);
std::string rotator(NamespaceId owner, std::string_view name = {});
std::string snapshot_schedule(std::string_view name = {});
/// Of a key of a mount's: whose it is, and what follows.
MountId owner_of(std::string_view key);
std::string_view object_of(std::string_view key);
std::string job(NamespaceId owner, std::uint64_t id);
std::string token_job(NamespaceId owner, std::string_view liveness_id);

/// Where a kind's keys of all owners, or of one, begin.
inline constexpr std::string_view kMountKind = "m";
inline constexpr std::string_view kPolicyKind = "p";
inline constexpr std::string_view kJobKind = "j";
inline constexpr std::string_view kExpiryKind = "e";
inline constexpr std::string_view kSecretKind = "h";
inline constexpr std::string_view kTokenKind = "t";
inline constexpr std::string_view kLeaseKind = "i";
inline constexpr std::string_view kRotationRunKind = "z";
inline constexpr std::string_view kAttendedKind = "A";
inline constexpr std::string_view kPendingChunksKind = "o";
inline constexpr std::string_view kInstalledVersionKind = "y";
std::string with_owner(char kind, std::uint64_t owner);

/// The kinds whose owner is a mount: what removing a mount deletes, in this order. The marks of pending chunks go first: a
/// write that is still staging then loses its next batch, or leaves its mark with its chunks for whoever tidies up.
inline constexpr std::string_view kMountOwnedKinds = "onhkvxifWzAL";

}  // namespace keyhold::core::keys
