#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/seal/auto_seal.h"
#include "crypto/pkcs11_token.h"
#include "crypto/random.h"

namespace keyhold::server {

/// `seal "pkcs11"`: the unseal key is encrypted by a key of a hardware security module, which never gives that key away.
///
/// What is stored names the key: 0x01 ‖ length of its label (1) ‖ label ‖ length of its id (1) ‖ id ‖ nonce (12) ‖ ciphertext ‖ tag (16), by
/// AES-GCM, with all that stands before the nonce and the context as associated data.
class Pkcs11Seal final : public core::AutoSeal {
 public:
  using KeyName = crypto::Pkcs11Token::KeyName;
  struct Settings {
    crypto::Pkcs11Token::Settings token;
    KeyName key;  // A label, an id or both.
    std::optional<KeyName> previous{};  // Opens what was wrapped before the current key came.
    crypto::Pkcs11Token::WhenMissing when_missing = crypto::Pkcs11Token::WhenMissing::kFail;  // When something is to be wrapped by it.
    std::function<void(std::string_view)> warn{};
  };
  Pkcs11Seal(Settings settings, crypto::Rng& rng);

  std::string_view type() const override { return "pkcs11"; }
  Result<std::string> wrap(const KeyBytes& key, std::string_view context) override;
  Result<KeyBytes> unwrap(std::string_view wrapped, std::string_view context) override;
  bool outdated(std::string_view wrapped) const override;

 private:
  void tell_key(const KeyName& name);

  const KeyName key_;
  const std::optional<KeyName> previous_;
  const crypto::Pkcs11Token::WhenMissing when_missing_;
  const std::function<void(std::string_view)> warn_;
  crypto::Rng& rng_;
  crypto::Pkcs11Token token_;
  std::atomic<bool> told_{false};
};

}  // namespace keyhold::server
