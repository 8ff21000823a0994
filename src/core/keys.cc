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

}  // namespace

std::string with_owner(char kind, std::uint64_t owner) { return build(kind, owner); }
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
std::string job(NamespaceId owner, std::uint64_t id) { return build('j', owner, number(id)); }

}  // namespace keyhold::core::keys
