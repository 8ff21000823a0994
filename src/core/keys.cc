#include "core/keys.h"

#include "base/encoding.h"

namespace keyhold::core::keys {

namespace {

/// With one allocation and no growing: a read of a secret builds five.
std::string build(char kind, std::uint64_t owner, std::string_view object = {}, std::string_view part = {}) {
  std::string key(1 + sizeof owner + object.size() + part.size(), kind);
  put_big_endian64(key.data() + 1, owner);
  char* const rest = key.data() + 1 + sizeof owner;
  object.copy(rest, object.size());
  part.copy(rest + object.size(), part.size());
  return key;
}

std::string number(std::uint64_t value) {
  std::string bytes(8, '\0');
  put_big_endian64(bytes.data(), value);
  return bytes;
}

constexpr std::size_t kOwnedPrefixBytes = 9;  // Kind and owner.
constexpr std::int64_t kExpiryStepMs = 1'000;

}  // namespace

std::string with_owner(char kind, std::uint64_t owner) { return build(kind, owner); }
std::string lease_name(std::string_view token_id) { return "h" + hex_encode(token_id); }

std::string next_id() { return build('c', kRootNamespace, "next-id"); }
std::string mount(NamespaceId owner, MountId id) { return build('m', owner, number(id)); }
std::string mount_guard(NamespaceId owner) { return build('g', owner, "mounts"); }
std::string policy(NamespaceId owner, std::string_view name) { return build('p', owner, name); }
std::string policy_version(NamespaceId owner, std::string_view name, std::uint64_t n) {
  return build('q', owner, name, std::string(1, '\0') + number(n));
}
std::string token(NamespaceId owner, std::string_view token_id) { return build('t', owner, token_id); }
std::string liveness(NamespaceId owner, std::string_view liveness_id) { return build('l', owner, liveness_id); }
std::string accessor(NamespaceId owner, std::string_view accessor_id) { return build('a', owner, accessor_id); }
std::string uses(NamespaceId owner, std::string_view liveness_id) { return build('u', owner, liveness_id); }
std::string child(NamespaceId owner, std::string_view parent_liveness_id, std::string_view token_id) {
  return build('b', owner, parent_liveness_id, token_id);
}
std::string lease(MountId owner, std::string_view path, std::string_view token_id) {
  return build('i', owner, path, "/" + lease_name(token_id));
}
std::string leases_below(MountId owner, std::string_view path) { return build('i', owner, path); }
std::string expiry_from(std::int64_t expires_ms) {
  // Rounded up, so that what is due by its key is due by the clock.
  return build('e', kRootNamespace, number(static_cast<std::uint64_t>((expires_ms + kExpiryStepMs - 1) / kExpiryStepMs)));
}
std::string expiry(std::int64_t expires_ms, NamespaceId owner, std::string_view token_id) {
  return expiry_from(expires_ms).append(number(owner)).append(token_id);
}
std::int64_t due_ms_of_expiry(std::string_view key) {
  return static_cast<std::int64_t>(get_big_endian64(key.data() + kOwnedPrefixBytes)) * kExpiryStepMs;
}
std::string access_key(NamespaceId owner, std::string_view id) { return build('w', owner, id); }
std::string access_key_use(NamespaceId owner, std::string_view id) { return build('d', owner, id); }
std::string access_key_of_mount(MountId owner, std::string_view id) { return build('f', owner, id); }
std::string aws_role(MountId owner, std::string_view name) { return build('W', owner, name); }
std::string token_role(NamespaceId owner, std::string_view name) { return build('r', owner, name); }
std::string time_mark() { return build('c', kRootNamespace, "time"); }
std::string snapshot_schedule(std::string_view name) { return build('S', kRootNamespace, name); }
std::string epoch() { return build('c', kRootNamespace, "epoch"); }
std::string keyring_rotation() { return build('c', kRootNamespace, "keyring-rotation"); }
std::string encryptions() { return build('c', kRootNamespace, "encryptions"); }
std::string name(MountId owner, std::string_view secret_name) { return build('n', owner, secret_name); }
std::string secret(MountId owner, std::string_view secret_id) { return build('h', owner, secret_id); }
std::string secret_settings(MountId owner) { return build('k', owner); }
std::string version(MountId owner, std::string_view secret_id, std::string_view version_id) {
  return build('v', owner, secret_id, version_id);
}
std::string chunk(MountId owner, std::string_view version_id, std::uint32_t index) {
  char bytes[4];
  put_big_endian32(bytes, index);
  return build('x', owner, version_id, {bytes, sizeof bytes});
}
std::string pending_chunks(MountId owner, std::string_view version_id) { return build('o', owner, version_id); }
std::string installed_version(std::string_view version) { return build('y', kRootNamespace, version); }
std::string rotation_run(MountId owner, std::string_view secret_id) { return build('z', owner, secret_id); }
std::string last_read(MountId owner, std::string_view secret_id) { return build('L', owner, secret_id); }
std::string attended(MountId owner, std::string_view secret_id) { return build('A', owner, secret_id); }
std::string rotator(NamespaceId owner, std::string_view name) { return build('R', owner, name); }
MountId owner_of(std::string_view key) { return get_big_endian64(key.data() + 1); }
std::string_view object_of(std::string_view key) { return key.substr(kOwnedPrefixBytes); }
std::string job(NamespaceId owner, std::uint64_t id) { return build('j', owner, number(id)); }
std::string token_job(NamespaceId owner, std::string_view liveness_id) { return build('j', owner, liveness_id); }

}  // namespace keyhold::core::keys
