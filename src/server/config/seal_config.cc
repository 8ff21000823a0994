#include "server/config/seal_config.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/encoding.h"

namespace keyhold::server {
namespace {

constexpr std::size_t kNameBytesMax = 255;  // Of a key in a token, as the store's record holds it.

std::optional<SettingFault> fault(std::string_view setting, std::string reason) { return SettingFault{setting, std::move(reason)}; }

/// Not a word of what stands there: it may be the secret itself.
std::optional<SettingFault> fault_of_source(std::string_view name, const std::string& source) {
  const bool known = source.starts_with("file:///") || source.starts_with("env://") || source.starts_with("credential://");
  if (source.empty() || known) return std::nullopt;
  return fault(name, std::string(name) + " says where it is: file:///PATH, env://NAME or credential://NAME");
}

std::optional<SettingFault> fault_of_static(const SealConfig& seal) {
  if (seal.current_key_id.empty() || seal.current_key.empty()) return fault({}, "current_key_id and current_key are missing");
  if (seal.previous_key_id.empty() != seal.previous_key.empty()) return fault({}, "previous_key_id and previous_key go together");
  if (seal.previous_key_id == seal.current_key_id) return fault({}, "the two keys have one id");
  if (auto wrong = fault_of_source("current_key", seal.current_key)) return wrong;
  return fault_of_source("previous_key", seal.previous_key);
}

std::optional<SettingFault> fault_of_transit(const SealConfig& seal) {
  if (seal.address.empty() || seal.token.empty() || seal.key_name.empty()) return fault({}, "address, token and key_name are missing");
  const bool here = seal.address.starts_with("http://127.0.0.1:") || seal.address.starts_with("http://[::1]:") ||
                    seal.address.starts_with("http://localhost:");
  if (!here && !seal.address.starts_with("https://")) return fault("address", "address begins with https://, or http:// on this machine");
  for (const std::string* name : {&seal.key_name, &seal.mount_path}) {
    const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '/'; };
    if (name->empty() || !std::ranges::all_of(*name, plain) || name->find("..") != std::string::npos) {
      return fault({}, "key_name and mount_path are names of letters, digits, dashes and dots");
    }
  }
  if (!seal.tls_ca_cert.empty()) {
    if (const auto reason = unreadable(seal.tls_ca_cert)) return fault("tls_ca_cert", "tls_ca_cert cannot be read: " + *reason);
  }
  return fault_of_source("token", seal.token);
}

std::optional<SettingFault> fault_of_pkcs11(const SealConfig& seal) {
  if (seal.lib.empty()) return fault({}, "lib is missing: the path of the HSM's PKCS #11 module");
  if (!seal.lib.starts_with('/')) return fault("lib", "lib is an absolute path");
  const auto absolute = [](const std::string& path) { return path.starts_with('/'); };
  if (!std::ranges::all_of(module_paths_of(seal), absolute)) return fault("module_paths", "module_paths are absolute paths with colons between them");
  if (seal.slot.empty() && seal.token_label.empty()) return fault({}, "token_label or slot is missing");
  if (!seal.slot.empty() && !slot_of(seal.slot).ok()) return fault("slot", "slot is a number");
  if (seal.key_label.empty() && seal.key_id.empty()) return fault({}, "key_label or key_id is missing");
  for (const auto& [name, id] : {std::pair<std::string_view, const std::string&>{"key_id", seal.key_id}, {"previous_key_id", seal.previous_key_id}}) {
    if (!id.empty() && !key_id_of(id).ok()) return fault(name, std::string(name) + " is hexadecimal");
  }
  for (const auto& [name, label] : {std::pair<std::string_view, const std::string&>{"key_label", seal.key_label}, {"previous_key_label", seal.previous_key_label}}) {
    if (label.size() > kNameBytesMax) return fault(name, std::string(name) + " is too long");
  }
  if (seal.generate_key && seal.key_label.empty()) return fault("generate_key", "generate_key needs a key_label");
  const bool has_previous = !seal.previous_key_label.empty() || !seal.previous_key_id.empty();
  if (has_previous && seal.previous_key_label == seal.key_label && seal.previous_key_id == seal.key_id) return fault({}, "the two keys are one");
  constexpr std::array<std::string_view, 4> kAesGcm{"CKM_AES_GCM", "AES-GCM", "0x1087", "4231"};
  if (std::ranges::find(kAesGcm, seal.mechanism) == kAesGcm.end()) return fault("mechanism", "mechanism is CKM_AES_GCM, which authenticates what it encrypts");
  return fault_of_source("pin", seal.pin);
}

}  // namespace

Result<std::uint64_t> slot_of(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t slot = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slot, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return Error{Code::kInvalid, "not a number of a slot"};
  return slot;
}

Result<std::string> key_id_of(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  TRY_ASSIGN(std::string id, hex_decode(text));
  if (id.empty() || id.size() > kNameBytesMax) return Error{Code::kInvalid, "not the id of a key"};
  return id;
}

std::vector<std::string> module_paths_of(const SealConfig& seal) {
  std::vector<std::string> paths;
  std::string_view rest = seal.module_paths;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    paths.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return paths;
}

std::optional<SettingFault> fault_of(const SealConfig& seal) {
  switch (seal.kind) {
    case SealConfig::Kind::kShares: return std::nullopt;
    case SealConfig::Kind::kStatic: return fault_of_static(seal);
    case SealConfig::Kind::kTransit: return fault_of_transit(seal);
    case SealConfig::Kind::kPkcs11: return fault_of_pkcs11(seal);
  }
  return std::nullopt;
}

std::optional<std::string> unreadable(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  errno = 0;
  if (!std::ifstream(path).is_open()) return std::strerror(errno);
  return std::nullopt;
}

}  // namespace keyhold::server
