#pragma once

#include <string>
#include <string_view>

#include "base/secret_bytes.h"
#include "crypto/hmac.h"

namespace keyhold::core {

/// Temporary credentials of AWS's form: a token that a request names beside an access key, whose secret signs it. Id and secret follow
/// from the token's id under a key of the barrier, so that nothing of them is stored.
///
/// threads   Any.
class TemporaryKeys {
 public:
  /// `key` = Barrier::derive("temporary-access-key").
  explicit TemporaryKeys(const KeyBytes& key) : hmac_(key) {}

  /// "ASIA" and 16 characters.
  std::string access_key_id(std::string_view token_id) const;
  /// 40 characters.
  SecretBytes secret_access_key(std::string_view token_id) const;

 private:
  crypto::HmacSha256 hmac_;
};

}  // namespace keyhold::core
