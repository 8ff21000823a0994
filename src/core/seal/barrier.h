#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/key_bytes.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/keyring.h"
#include "core/seal/read_mostly.h"
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
  static constexpr std::size_t kStoreIdBytes = 16;
  static constexpr std::size_t kEntryOverheadBytes =
      4 + 1 + crypto::Xaes256Gcm::kNonceBytes + crypto::Xaes256Gcm::kTagBytes;

  explicit Barrier(crypto::Rng& rng);

  bool sealed() const { return keyring_.empty(); }
  /// Takes the keyring: entries can be opened from now on. An open barrier changes over to it (a rotation), waiting for
  /// calls in flight. A barrier serves one store: CHECKs that the store id is that of the first call.
  void unseal(std::string store_id, Keyring keyring);
  /// Drops and wipes all keys.
  void seal_up();

  /// What takes over the keyring that the store has now, if it can. It is called, with no lock held, when an entry is of a term
  /// that is not known here, and before the next encryption after keyring_changed(). To be set before other threads use this.
  void set_follow(std::function<Result<void>()> follow) { follow_ = std::move(follow); }
  /// The store's keyring is another one.
  void keyring_changed() { outdated_.store(true, std::memory_order_release); }

  /// The term that encrypts. nullopt: sealed.
  struct Term {
    std::uint32_t number = 0;
    UnixMillis since_ms = 0;
  };
  std::optional<Term> active_term() const;
  /// Entries encrypted since this was last asked, or since the term became the active one here.
  std::uint64_t take_encryptions() const { return encryptions_.exchange(0, std::memory_order_relaxed); }
  void give_back_encryptions(std::uint64_t count) const { encryptions_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t encryptions() const { return encryptions_.load(std::memory_order_relaxed); }

  /// 16 bytes, the same for ever; empty before the first unseal.
  const std::string& store_id() const;

  /// errors: kSealed; kTooLarge: a key over the storage contract's bound.
  Result<std::string> encrypt(std::string_view storage_key, std::string_view plaintext) const;
  /// errors: kSealed; kCorrupt: tampered, moved, cut, or of an unknown term (the error names the kind of key, never its name).
  Result<SecretBytes> decrypt(std::string_view storage_key, std::string_view entry) const;
  /// The same with the keys that are here: does not look for newer ones.
  Result<SecretBytes> decrypt_without_following(std::string_view storage_key, std::string_view entry) const;

  /// A 32-byte key for `purpose` ("token-id", "audit-hmac", "journal-signing", …), the same after every unseal and
  /// rotation. errors: kSealed.
  Result<KeyBytes> derive(std::string_view purpose) const;

 private:
  enum class Terms { kKnown, kUnknown };
  Result<SecretBytes> open(std::string_view storage_key, std::string_view entry, Terms& terms) const;
  void follow_if_outdated() const;

  crypto::Rng& rng_;
  Mutex store_id_mutex_;
  std::string store_id_;  // Written once, before store_id_known_ and the first keyring.
  std::atomic<bool> store_id_known_{false};
  ReadMostly<Keyring> keyring_;
  std::function<Result<void>()> follow_;
  mutable std::atomic<bool> outdated_{false};
  mutable std::atomic<std::uint64_t> encryptions_{0};
};

}  // namespace keyhold::core
