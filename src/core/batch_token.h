#pragma once

#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/records.pb.h"
#include "core/sealed_text.h"
#include "crypto/random.h"

namespace keyhold::core {

/// Tokens that carry their own record: "hvb." and the record as SealedText.
///
/// threads   Any.
class BatchTokens {
 public:
  static constexpr std::string_view kPrefix = "hvb.";

  explicit BatchTokens(const KeyBytes& key) : sealed_(key) {}

  static bool looks_like(std::string_view token) { return token.starts_with(kPrefix); }

  /// errors: kInvalid: the record makes a token that is too long.
  Result<SecretBytes> seal(const records::Token& record, crypto::Rng& rng) const;
  /// errors: kDenied, whatever is wrong with it.
  Result<records::Token> open(std::string_view token) const;

 private:
  SealedText sealed_;
};

}  // namespace keyhold::core
