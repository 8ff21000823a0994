#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/auto_seal.h"
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
  bool recovery_seal = false;  // It unseals itself; the shares are of the recovery key.
  bool migration = false;      // The store's seal is another than this server's, and can be changed over by its shares.
};

/// Initialises a store, opens the barrier from key shares, and changes the keys.
///
/// Shares combine to the unseal key, which wraps the root key, which wraps the keyring. Both wrapped records lie outside the
/// barrier under keys of their own (kind 's'). Initialisation is one conditional commit: of two nodes one wins. Changes are made
/// of the records as a transaction read them, and told as what it is to write: the conditions of its commit decide between nodes.
/// Each node takes over what the store then has, whoever wrote it.
///
/// threads   Any.
class SealManager final : private storage::Watcher {
 public:
  SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng, const Clock& clock);
  /// By the system's clock.
  SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng);
  ~SealManager() override;
  SealManager(const SealManager&) = delete;
  SealManager& operator=(const SealManager&) = delete;

  /// The server unseals itself by `seal`, which outlives this; without, by shares. Before load().
  void set_auto_seal(AutoSeal& seal) { auto_seal_ = &seal; }
  /// A store that unseals itself by `seal`, which outlives this, is to be changed over. Before load().
  void set_former_auto_seal(AutoSeal& seal) { former_auto_seal_ = &seal; }

  /// Reads whether the store is initialised. Call first. errors: kUnavailable, kCorrupt; kInvalid: its seal is of another type
  /// than this server's.
  Result<void> load();

  /// What is to be in a store from the start, made of a barrier that is open for this call only.
  struct FirstEntries {
    storage::Batch batch;
    SecretBytes root_token;
  };
  using MakeFirstEntries = std::function<Result<FirstEntries>(const Barrier& barrier)>;

  struct Initialized {
    std::vector<SecretBytes> shares;
    SecretBytes root_token;
  };
  /// Makes root key, keyring and shares (1 <= threshold <= shares <= 255; threshold 1 needs shares 1), and commits them together with
  /// the first entries. Leaves the barrier sealed.
  ///
  /// errors       kInvalid (bad numbers, already initialised); kUnavailable; kUnknown: the store cannot yet tell whether it
  ///              took the keys. They are kept in memory: the same call again settles it, and another is refused
  ///              (kUnavailable) until it does.
  /// durability   The shares are returned only after the store has synced.
  Result<Initialized> initialize(int shares, int threshold, const MakeFirstEntries& make_first = nullptr);

  /// Takes one share. When the threshold is reached the barrier is unsealed if they fit; if not, all progress is dropped
  /// and kInvalid says so without telling which share was wrong. A share given twice counts once; on an open barrier it has no
  /// effect.
  /// errors   kInvalid: not initialised, a share of the wrong length (progress stays), shares that do not fit;
  ///          kCorrupt: the shares fit and the keyring does not open; kUnavailable (progress stays but for this share).
  ///
  /// With kMigrate the shares, once they are enough, also change the store over to this server's seal: those that unsealed become those of the
  /// recovery key, or the other way round, or stay that when it unseals itself before and after. The seals are asked without a lock.
  /// errors: as well kInvalid: there is, or is not, a migration to be made.
  enum class Migration : std::uint8_t { kNone, kMigrate };
  Result<SealStatus> unseal(const SecretBytes& share, Migration migration = Migration::kNone);
  /// Unseals by the AutoSeal. errors: kInvalid: there is none, or nothing to unseal; kUnavailable, kCorrupt.
  Result<SealStatus> auto_unseal();
  /// Drops the shares collected so far, with their nonce.
  void reset();
  /// Drops the keys.
  void seal();

  SealStatus status() const;

  // Changes of an open store's keys.

  /// Takes over the keyring that the store has, and the root key and configuration with it.
  /// errors   kSealed; kUnavailable: the store does not answer, or this node missed too much to follow: unseal it anew.
  Result<void> follow();

  /// As a transaction read them.
  struct Records {
    storage::Entry config;
    storage::Entry root_key;
    storage::Entry keyring;
  };
  struct Write {
    std::string key;
    std::string record;
  };

  /// A new term.
  Result<std::vector<Write>> rotate(const storage::Entry& keyring);

  /// For so long a node may miss what the others do to the keys and still follow: the root key behind the barrier is encrypted under the
  /// newest term that is as old.
  static constexpr std::int64_t kFollowMs = 300'000;
  /// What moves the record of kCurrentRootKeyKey to that term. Empty: it is there.
  Result<std::vector<Write>> settle(const storage::Entry& keyring, const storage::Entry& current_root_key);

  /// Keys to change over to: no share of them opens anything yet.
  struct NewSeal {
    seal_records::Config config;
    std::vector<SecretBytes> shares;
    KeyBytes unseal_key;
    // When the server unseals itself: what the shares are of, and the unseal key as it is stored.
    KeyBytes recovery_key{};
    std::string wrapped_unseal_key{};

    const KeyBytes& shared_key() const { return recovery_key.empty() ? unseal_key : recovery_key; }
  };
  Result<NewSeal> make_seal(int shares, int threshold);
  /// A new root key under these shares. The shares before open nothing from the commit on.
  Result<std::vector<Write>> rekey(const Records& records, const NewSeal& next);

  /// The configuration in a record. errors: kCorrupt.
  Result<seal_records::Config> config_of(const Records& records) const;
  /// Whether these shares open the root key. errors: kInvalid: they do not, without telling which is wrong.
  Result<void> check_shares(const Records& records, std::span<const SecretBytes> shares) const;
  /// Whether the store was changed over to these.
  bool in_force(const Records& records, const NewSeal& seal) const;
  /// Whether these combine to the new seal's key.
  static bool fit(std::span<const SecretBytes> shares, const NewSeal& seal);

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
    Initialized made;
  };
  struct Opened {
    KeyBytes root_key;
    std::uint32_t root_key_number = 0;
    Keyring keyring;
    storage::Version keyring_version = 0;
  };

  void on_changes(std::span<const storage::Change> changes, storage::Version at) override;
  void on_reset(storage::Version at) override;

  Result<void> load_locked() REQUIRES(mutex_);
  Result<void> adopt(Loaded loaded) REQUIRES(mutex_);
  Result<void> no_remains() const;
  Result<std::string> read_record(std::string_view key) const;

  Result<Pending> make_keys(int shares, int threshold, const MakeFirstEntries& make_first, storage::Batch& batch);
  Result<Initialized> settle(Pending pending) REQUIRES(initializing_) EXCLUDES(mutex_);
  Result<Initialized> accept(Pending pending) EXCLUDES(mutex_);

  /// Makes one for the type of this server.
  Result<NewSeal> new_seal(int shares, int threshold, const std::string& store_id);
  /// The records of a seal but for the wrapped keys, and the digest of its recovery key under `barrier`.
  static Result<std::vector<Write>> recovery_writes(const NewSeal& seal, const Barrier& barrier);
  Result<bool> is_recovery_key(const KeyBytes& key, const Barrier& barrier) const;

  bool unseals_itself() const { return auto_seal_ != nullptr; }
  std::string_view own_type() const { return unseals_itself() ? auto_seal_->type() : seal_records::kShamir; }
  bool migrates() const REQUIRES(mutex_) { return loaded_ && loaded_->config.type != own_type(); }
  Result<void> open_by_shares(Migration migration) REQUIRES(mutex_);
  Result<void> migrate(const KeyBytes& shared_key) REQUIRES(mutex_);
  Result<void> change_over(const NewSeal& next) REQUIRES(mutex_);
  /// The unseal key that `seal` wrapped for this store. It may ask another system.
  static Result<KeyBytes> unwrap_unseal_key(AutoSeal& seal, std::string_view wrapped, std::string_view store_id);
  /// The seal to change over to, under the shares that there are. It may ask another system.
  Result<NewSeal> seal_of_shares(const KeyBytes& shared_key, seal_records::Config config) const;
  Result<std::vector<Write>> rekey_locked(const Records& records, const NewSeal& next) REQUIRES(mutex_);

  Result<KeyBytes> combine_shares() const REQUIRES(mutex_);
  Result<Opened> open_keyring(const KeyBytes& unseal_key) const REQUIRES(mutex_);
  void take_over(Opened opened) REQUIRES(mutex_);
  Result<void> follow_locked() REQUIRES(mutex_);
  Result<KeyBytes> root_key_behind_barrier(std::uint32_t number) const REQUIRES(mutex_);
  /// The keyring in a record, once the root key around it is known here. errors: kSealed, kUnavailable, kCorrupt.
  Result<Keyring> keyring_of(const storage::Entry& record) REQUIRES(mutex_);
  void drop_shares() REQUIRES(mutex_);
  SealStatus status_locked() const REQUIRES(mutex_);

  storage::Storage& storage_;
  Barrier& barrier_;
  crypto::Rng& rng_;
  const Clock& clock_;
  AutoSeal* auto_seal_ = nullptr;
  AutoSeal* former_auto_seal_ = nullptr;

  Mutex initializing_;  // Held over the commit, so that status() need not wait for it. Taken before mutex_.
  std::optional<Pending> pending_ GUARDED_BY(initializing_);

  mutable Mutex mutex_;
  std::string store_id_ GUARDED_BY(mutex_);           // Written once, so that store_id() may return a reference.
  std::optional<Loaded> loaded_ GUARDED_BY(mutex_);   // Of an initialised store.
  std::vector<SecretBytes> shares_ GUARDED_BY(mutex_);  // Distinct; fewer than the threshold between calls.
  std::string nonce_ GUARDED_BY(mutex_);
  // Of an open barrier.
  KeyBytes root_key_ GUARDED_BY(mutex_);
  std::uint32_t root_key_number_ GUARDED_BY(mutex_) = 0;
  storage::Version keyring_version_ GUARDED_BY(mutex_) = 0;

  std::unique_ptr<storage::Watch> watch_ GUARDED_BY(mutex_);  // Of the keyring.
};

}  // namespace keyhold::core
