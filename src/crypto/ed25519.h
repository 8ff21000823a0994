#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"

namespace keyhold::crypto {

/// Ed25519 (RFC 8032) signing key from a 32-byte seed.
///
/// threads   Any.
class Ed25519Signer {
 public:
  static Result<Ed25519Signer> from_seed(const KeyBytes& seed);
  ~Ed25519Signer();
  Ed25519Signer(Ed25519Signer&&) noexcept;
  Ed25519Signer& operator=(Ed25519Signer&&) noexcept;

  std::string sign(std::string_view message) const;  // 64 bytes.
  const std::string& public_key() const;              // 32 bytes.

 private:
  struct State;
  explicit Ed25519Signer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

bool ed25519_verify(std::string_view public_key, std::string_view message, std::string_view signature);

}  // namespace keyhold::crypto
