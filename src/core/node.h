#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "core/background_records.h"
#include "core/audit/journal.h"
#include "core/backup/snapshot_file.h"
#include "core/cache/entry_cache.h"
#include "core/call.h"
#include "core/census.h"
#include "core/config.h"
#include "core/expiry.h"
#include "core/job.h"
#include "core/keyring_rotation.h"
#include "core/last_read.h"
#include "core/lease_clock.h"
#include "core/metrics.h"
#include "core/rotation/rotation_worker.h"
#include "core/seal/barrier.h"
#include "core/seal/seal_manager.h"
#include "core/snapshot.h"
#include "core/snapshot_schedules.h"
#include "crypto/random.h"
#include "storage/storage.h"

namespace keyhold::core {

/// One server's view of a store, sealed or not: the barrier and everything that lives only while it is open. Several
/// nodes may share a store.
///
/// threads   Any; changes of state are one at a time.
class Node {
 public:
  struct Parts {
    storage::Storage& store;
    audit::Journal& journal;
    int journal_stream;  // Of what the node does by itself; the lanes have the others.
    const Clock& clock;
    crypto::Rng& rng;
    std::function<void(std::string_view)> warn;  // Lines for the operator's log; from any thread.
    rotation::Poster post{};                     // How rotators are called by HTTP; empty = they cannot be.
    AutoSeal* auto_seal = nullptr;               // By which the server unseals itself; null = by shares.
    AutoSeal* former_auto_seal = nullptr;        // From which a store is to be changed over; null = none.
    std::string snapshot_directory{};            // Where snapshots are made by schedules; "" = none are.
  };
  explicit Node(const Parts& parts);
  ~Node();

  /// Finds out whether the store is initialised. Call first.
  Result<void> load();

  struct Initialized {
    std::vector<SecretBytes> shares;
    SecretBytes root_token;
  };
  /// Makes the keys, the first root token and the default policy, in one commit. `root_token`: the one to use (dev mode); empty = a
  /// random one. errors: as SealManager::initialize(), whose rule for kUnknown holds.
  Result<Initialized> initialize(int shares, int threshold, SecretBytes root_token = {});

  Result<SealStatus> unseal(const SecretBytes& share, SealManager::Migration migration = SealManager::Migration::kNone);
  /// errors: as SealManager::auto_unseal().
  Result<SealStatus> auto_unseal();
  void reset_unseal();
  /// Drops all keys and everything decrypted; calls on_sealed.
  void seal();

  /// Puts a snapshot of this store in place of what it has, all or nothing; goes on unsealed. Tokens are void then.
  /// errors: as store_snapshots::check_own(), Storage::replace(); kSealed.
  Result<backup::Verified> restore(const std::shared_ptr<const SpoolFile>& snapshot);

  NodeState state() const;
  /// Unsealed once requests are served: the barrier opens earlier, and for the time of an initialisation.
  SealStatus seal_status() const;

  /// Called after each sealing, with no lock held. Set before serving.
  void set_on_sealed(std::function<void()> on_sealed) { on_sealed_ = std::move(on_sealed); }

  storage::Storage& store() { return parts_.store; }
  const Barrier& barrier() const { return barrier_; }
  SealManager& seals() { return seal_manager_; }
  EntryCache& cache() { return cache_; }
  ConfigStore& config() { return config_; }
  /// Null while sealed.
  const Snapshot<Session>& session() const { return session_; }
  /// Never goes back: see LeaseClock.
  const LeaseClock& clock() const { return clock_; }
  crypto::Rng& rng() { return parts_.rng; }
  JobRunner& jobs() { return jobs_; }
  ExpiryWorker& expiry() { return expiry_; }
  RotationWorker& rotation() { return rotation_; }
  Metrics& metrics() { return metrics_; }
  Census& census() { return census_; }
  KeyringWorker& keyring() { return keyring_; }
  SnapshotWorker& snapshots() { return snapshots_; }

 private:
  Result<std::shared_ptr<const Session>> make_session(const Barrier& barrier, EntryCache& cache);
  Result<void> activate() REQUIRES(changing_);
  void deactivate() REQUIRES(changing_);
  void close() REQUIRES(changing_);
  Result<SealStatus> serve_if_open(Result<SealStatus> status) REQUIRES(changing_);
  void note_version() REQUIRES(changing_);
  void add_metrics(std::vector<MetricSample>& out) const;
  Result<SealManager::FirstEntries> first_entries(const Barrier& barrier, SecretBytes root_token);

  Parts parts_;
  LeaseClock clock_;
  Barrier barrier_;
  SealManager seal_manager_;
  EntryCache cache_;
  ConfigStore config_;
  Snapshot<Session> session_;
  BackgroundRecords records_;
  JobRunner jobs_;
  ExpiryWorker expiry_;
  RotationWorker rotation_;
  LastReadWorker last_reads_;
  KeyringWorker keyring_;
  SnapshotWorker snapshots_;
  Metrics metrics_;
  Census census_;
  std::function<void()> on_sealed_;
  Mutex changing_;
  bool active_ GUARDED_BY(changing_) = false;
};

}  // namespace keyhold::core
