#include "core/keys.h"

#include "base/encoding.h"

namespace keyhold::core::keys {

std::string with_owner(char kind, std::uint64_t owner) {
  std::string key(9, kind);
  put_big_endian64(key.data() + 1, owner);
  return key;
}

namespace {

std::string build(char kind, std::uint64_t owner, std::string_view object = {}) {
  std::string key = with_owner(kind, owner);
  key.append(object);
  return key;
}

std::string number(std::uint64_t value) {
  std::string bytes(8, '\0');
  put_big_endian64(bytes.data(), value);
  return bytes;
}

}  // namespace

std::string next_id() { return build('c', kRootNamespace, "next-id"); }
std::string mount(NamespaceId owner, MountId id) { return build('m', owner, number(id)); }
std::string mount_guard(NamespaceId owner) { return build('g', owner, "mounts"); }
std::string policy(NamespaceId owner, std::string_view name) { return build('p', owner, name); }
std::string policy_version(NamespaceId owner, std::string_view name, std::uint64_t n) {
  std::string key = build('q', owner, name);
  key.push_back('\0');
  return key + number(n);
}
std::string token(NamespaceId owner, std::string_view token_id) { return build('t', owner, token_id); }
std::string liveness(NamespaceId owner, std::string_view liveness_id) { return build('l', owner, liveness_id); }
std::string accessor(NamespaceId owner, std::string_view accessor_id) { return build('a', owner, accessor_id); }
std::string name(MountId owner, std::string_view secret_name) { return build('n', owner, secret_name); }
std::string secret(MountId owner, std::string_view secret_id) { return build('h', owner, secret_id); }
std::string version(MountId owner, std::string_view secret_id, std::string_view version_id) {
  return build('v', owner, secret_id).append(version_id);
}
std::string chunk(MountId owner, std::string_view version_id, std::uint32_t index) {
  std::string key = build('x', owner, version_id);
  char bytes[4];
  put_big_endian32(bytes, index);
  return key.append(bytes, sizeof bytes);
}
std::string pending_chunks(MountId owner, std::string_view version_id) { return build('o', owner, version_id); }
std::string job(NamespaceId owner, std::uint64_t id) { return build('j', owner, number(id)); }

}  // namespace keyhold::core::keys
