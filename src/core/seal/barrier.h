#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/keyring.h"
#include "crypto/random.h"

namespace keyhold::core {

/// Encrypts every entry on its way to the store and back. Holds the keyring while unsealed.
///
/// An entry is term (4 bytes, big endian) ‖ 0x03 ‖ nonce (24) ‖ ciphertext ‖ tag (16), by XAES-256-GCM under the
/// keyring's key of that term, with store id (16) ‖ storage key as associated data: an entry moved to another key or
/// another store does not open.
///
/// threads   Any. seal_up() waits for calls in flight.
class Barrier {
 public:
  explicit Barrier(crypto::Rng& rng);

  bool sealed() const;
  /// Takes the keyring: entries can be opened from now on.
  void unseal(std::string store_id, Keyring keyring);
  /// Drops and wipes all keys.
  void seal_up();

  /// errors: kSealed.
  Result<std::string> encrypt(std::string_view storage_key, std::string_view plaintext) const;
  /// errors: kSealed; kCorrupt: tampered, moved, cut, or of an unknown term (the error names the kind of key, never its name).
  Result<SecretBytes> decrypt(std::string_view storage_key, std::string_view entry) const;

  /// A 32-byte key for `purpose` ("token-id", "audit-hmac", "journal-signing", …), the same after every unseal and
  /// rotation. errors: kSealed.
  Result<KeyBytes> derive(std::string_view purpose) const;

 private:
  // The implementer completes this class.
};

}  // namespace keyhold::core
