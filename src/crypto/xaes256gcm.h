#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::crypto {

/// XAES-256-GCM as specified by C2SP (c2sp.org/XAES-256-GCM): AES-256-GCM under a key derived from the first 12 bytes
/// of a 24-byte nonce, so random nonces have no practical bound on messages and nodes need not share a counter.
///
/// threads   Any; cipher contexts are kept per thread, and all of them wiped on destruction.
class Xaes256Gcm {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 24;
  static constexpr std::size_t kTagBytes = 16;

  explicit Xaes256Gcm(const KeyBytes& key);  // CHECKs the size.
  ~Xaes256Gcm();
  Xaes256Gcm(Xaes256Gcm&&) noexcept;
  Xaes256Gcm& operator=(Xaes256Gcm&&) noexcept;

  /// Appends ciphertext and tag to `out`. `nonce` is 24 fresh random bytes; nothing given is a part of `out`.
  void seal(std::string_view nonce, std::string_view associated, std::string_view plaintext, std::string& out) const;

  /// errors: kCorrupt, without telling why.
  Result<SecretBytes> open(std::string_view nonce, std::string_view associated, std::string_view ciphertext_and_tag) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace keyhold::crypto
