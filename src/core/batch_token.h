#pragma once

#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/records.pb.h"
#include "crypto/random.h"
#include "crypto/xaes256gcm.h"

namespace keyhold::core {

/// Tokens that carry their own record: "hvb." ‖ base64url(0x01 ‖ nonce (24) ‖ ciphertext ‖ tag (16)), by XAES-256-GCM under a
/// key of the barrier, so that only this store made them and only it can look inside.
///
/// threads   Any.
class BatchTokens {
 public:
  static constexpr std::string_view kPrefix = "hvb.";

  explicit BatchTokens(const KeyBytes& key) : cipher_(key) {}

  static bool looks_like(std::string_view token) { return token.starts_with(kPrefix); }

  /// errors: kInvalid: the record makes a token that is too long.
  Result<SecretBytes> seal(const records::Token& record, crypto::Rng& rng) const;
  /// errors: kDenied, whatever is wrong with it.
  Result<records::Token> open(std::string_view token) const;

 private:
  crypto::Xaes256Gcm cipher_;
};

}  // namespace keyhold::core
