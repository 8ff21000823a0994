#pragma once

#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/random.h"
#include "crypto/xaes256gcm.h"

namespace keyhold::core {

/// What is handed out to be brought back, so that only this store made it and only it can look inside:
/// base64url(0x01 ‖ nonce (24) ‖ ciphertext ‖ tag (16)), by XAES-256-GCM under a key of the barrier made for one purpose.
///
/// threads   Any.
class SealedText {
 public:
  explicit SealedText(const KeyBytes& key) : cipher_(key) {}

  void append_sealed(SecretBytes& out, std::string_view content, crypto::Rng& rng) const;
  /// errors: kInvalid, whatever is wrong with it.
  Result<SecretBytes> open(std::string_view text) const;

 private:
  crypto::Xaes256Gcm cipher_;
};

}  // namespace keyhold::core
