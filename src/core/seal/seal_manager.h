#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/barrier.h"
#include "crypto/random.h"
#include "storage/storage.h"

namespace keyhold::core {

/// What sys/seal-status says.
struct SealStatus {
  bool initialized = false;
  bool sealed = true;
  int shares = 0;     // n
  int threshold = 0;  // t
  int progress = 0;
  std::string nonce;  // Of the unseal attempt; empty without one.
  std::string type = "shamir";
};

/// Initialises a store and opens the barrier from key shares.
///
/// Shares combine to the unseal key, which wraps the root key, which wraps the keyring. Both wrapped records lie outside the
/// barrier under keys of their own (kind 's'). Initialisation is one conditional commit: of two nodes one wins.
///
/// threads   Any.
class SealManager {
 public:
  SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng);

  /// Reads whether the store is initialised. Call first. errors: kUnavailable, kCorrupt.
  Result<void> load();

  struct Initialized {
    std::vector<SecretBytes> shares;
  };
  /// Makes root key, keyring and shares (1 <= threshold <= shares <= 255; threshold 1 needs shares 1).
  /// Leaves the barrier sealed. errors: kInvalid (bad numbers, already initialised).
  /// durability   The shares are returned only after the store has synced.
  Result<Initialized> initialize(int shares, int threshold);

  /// Takes one share. When the threshold is reached the barrier is unsealed if they fit; if not, all progress is dropped
  /// and kInvalid says so without telling which share was wrong. A share given twice counts once.
  Result<SealStatus> unseal(const SecretBytes& share);
  /// Drops the shares collected so far, with their nonce.
  void reset();
  /// Drops the keys.
  void seal();

  SealStatus status() const;

 private:
  // The implementer completes this class.
};

}  // namespace keyhold::core
