#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold::server {

/// A `seal` stanza: by what the server unseals itself. `seal "static"`: a key that it is given. `seal "transit"`: a key of another server's
/// transit engine. `seal "pkcs11"`: a key of a hardware security module.
/// Keys, the token and the PIN are named by where they lie: "file:///PATH", "env://NAME", or "credential://NAME", which is a file of systemd's credentials.
struct SealConfig {
  enum class Kind : std::uint8_t { kShares, kStatic, kTransit, kPkcs11 };
  Kind kind = Kind::kShares;
  // Of "static".
  std::string current_key_id;
  std::string current_key;
  std::string previous_key_id;  // Both or none. Of "pkcs11" as well, in hexadecimal.
  std::string previous_key;
  // Of "transit".
  std::string address;  // "https://vault.example.com:8200", or http:// on this machine.
  std::string token;
  std::string key_name;
  std::string mount_path = "transit";
  std::string tls_ca_cert;  // A PEM file; empty = the system's authorities.
  // Of "pkcs11".
  std::string lib;   // An absolute path.
  std::string module_paths;  // What the module reads and writes, for the sandbox: absolute paths with colons between them.
  std::string slot;  // As slot_of() reads it; it, the label or both.
  std::string token_label;
  std::string pin;  // Empty = in the environment, as KEYHOLD_HSM_PIN or VAULT_HSM_PIN.
  std::string key_label;  // It, the id or both.
  std::string key_id;     // As key_id_of() reads it.
  std::string previous_key_label;
  std::string mechanism = "CKM_AES_GCM";
  bool generate_key = false;  // When there is none.
  bool disabled = false;  // Not what the server unseals itself by, but a store that is to be changed over may.
};

/// "629852495" or "0x258ac94f". errors: kInvalid.
Result<std::uint64_t> slot_of(std::string_view text);
/// Hexadecimal, with or without 0x before it. errors: kInvalid.
Result<std::string> key_id_of(std::string_view text);
std::vector<std::string> module_paths_of(const SealConfig& seal);

/// What is wrong with a stanza, and of which of its settings; of none when something is missing. Nothing of what stands there.
struct SettingFault {
  std::string_view setting;
  std::string reason;
};
std::optional<SettingFault> fault_of(const SealConfig& seal);

/// Why a file cannot be read; nullopt when it can.
std::optional<std::string> unreadable(const std::string& path);

}  // namespace keyhold::server
