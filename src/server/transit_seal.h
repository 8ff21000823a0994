#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret_bytes.h"
#include "core/seal/auto_seal.h"

namespace keyhold::server {

/// `seal "transit"`: the unseal key is encrypted by a key of another server's transit engine, which never gives that key away.
///
/// What it encrypts is the key (32) ‖ SHA-256 of the context (32): so that one that was encrypted for another store is not taken, without
/// asking of the engine more than each of its versions has. What is stored is 0x01 ‖ its ciphertext as text.
///
/// source    Vault API, transit, encrypt and decrypt.
class TransitSeal final : public core::AutoSeal {
 public:
  struct Settings {
    std::string url;  // Up to the engine's mount, without a slash: "https://vault:8200/v1/transit".
    std::string key_name;
    SecretBytes token;
    std::string ca_pem;  // Empty = the system's authorities.
    std::function<bool()> stopping{};
  };
  explicit TransitSeal(Settings settings) : settings_(std::move(settings)) {}

  std::string_view type() const override { return "transit"; }
  Result<std::string> wrap(const KeyBytes& key, std::string_view context) override;
  Result<KeyBytes> unwrap(std::string_view wrapped, std::string_view context) override;
  /// The engine opens what it encrypted under older versions of its key.
  bool outdated(std::string_view) const override { return false; }

 private:
  /// Member `wanted` of what the engine answers.
  Result<SecretBytes> ask(std::string_view operation, const SecretBytes& body, std::string_view wanted);

  const Settings settings_;
};

}  // namespace keyhold::server
