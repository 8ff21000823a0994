#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/barrier.h"
#include "core/seal/seal_records.h"
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
  SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng, const Clock& clock);
  /// By the system's clock.
  SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng);

  /// Reads whether the store is initialised. Call first. errors: kUnavailable, kCorrupt.
  Result<void> load();

  struct Initialized {
    std::vector<SecretBytes> shares;
  };
  /// Makes root key, keyring and shares (1 <= threshold <= shares <= 255; threshold 1 needs shares 1).
  /// Leaves the barrier sealed.
  ///
  /// errors       kInvalid (bad numbers, already initialised); kUnavailable; kUnknown: the store cannot yet tell whether it
  ///              took the keys. They are kept in memory: the same call again settles it, and another is refused
  ///              (kUnavailable) until it does.
  /// durability   The shares are returned only after the store has synced.
  Result<Initialized> initialize(int shares, int threshold);

  /// Takes one share. When the threshold is reached the barrier is unsealed if they fit; if not, all progress is dropped
  /// and kInvalid says so without telling which share was wrong. A share given twice counts once; on an open barrier it has no
  /// effect.
  /// errors   kInvalid: not initialised, a share of the wrong length (progress stays), shares that do not fit;
  ///          kCorrupt: the shares fit and the keyring does not open; kUnavailable (progress stays but for this share).
  Result<SealStatus> unseal(const SecretBytes& share);
  /// Drops the shares collected so far, with their nonce.
  void reset();
  /// Drops the keys.
  void seal();

  SealStatus status() const;

  /// 16 bytes, never changing; empty until load() or initialize() has seen an initialised store.
  const std::string& store_id() const;

 private:
  /// The seal configuration as read, and as the bytes that the root key is bound to.
  struct Loaded {
    seal_records::Config config;
    std::string record;
  };
  /// Keys made here, of which it is not known yet whether the store has them.
  struct Pending {
    Loaded loaded;
    storage::RequestId request_id{};
    std::vector<SecretBytes> shares;
  };

  Result<void> load_locked() REQUIRES(mutex_);
  Result<void> adopt(Loaded loaded) REQUIRES(mutex_);
  Result<void> no_remains() const;
  Result<std::string> read_record(std::string_view key) const;

  Result<Pending> make_keys(int shares, int threshold, storage::Batch& batch);
  Result<Initialized> settle(Pending pending) REQUIRES(initializing_) EXCLUDES(mutex_);
  Result<Initialized> accept(Pending pending) EXCLUDES(mutex_);

  Result<KeyBytes> combine_shares() const REQUIRES(mutex_);
  Result<Keyring> open_keyring(const KeyBytes& unseal_key) const REQUIRES(mutex_);
  void drop_shares() REQUIRES(mutex_);
  SealStatus status_locked() const REQUIRES(mutex_);

  storage::Storage& storage_;
  Barrier& barrier_;
  crypto::Rng& rng_;
  const Clock& clock_;

  Mutex initializing_;  // Held over the commit, so that status() need not wait for it. Taken before mutex_.
  std::optional<Pending> pending_ GUARDED_BY(initializing_);

  mutable Mutex mutex_;
  std::string store_id_ GUARDED_BY(mutex_);           // Written once, so that store_id() may return a reference.
  std::optional<Loaded> loaded_ GUARDED_BY(mutex_);   // Of an initialised store.
  std::vector<SecretBytes> shares_ GUARDED_BY(mutex_);  // Distinct; fewer than the threshold between calls.
  std::string nonce_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
