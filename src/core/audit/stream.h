#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "core/audit/bell.h"
#include "core/audit/checkpoint.h"
#include "core/audit/journal.h"
#include "core/audit/journal_file.h"
#include "core/audit/line.h"
#include "core/audit/merkle.h"
#include "core/audit/recovery.h"

namespace keyhold::core::audit {

/// What the streams of a journal share. Outlives them.
/// Tells the operator's log of trouble with the journal's files: when it begins and when it is over, at most once in ten seconds
/// each. Clients are told that there is trouble, not what the system says of it.
///
/// threads   Any.
class Trouble {
 public:
  Trouble(const JournalOptions& options, const Clock& clock) : options_(options), clock_(clock) {}

  /// The result as clients may see it.
  Result<void> judge(Result<void> result);

 private:
  void tell(std::string_view line) REQUIRES(mutex_);

  const JournalOptions& options_;
  const Clock& clock_;
  std::atomic<bool> told_{false};
  Mutex mutex_;
  MonotonicMillis told_ms_ GUARDED_BY(mutex_) = std::numeric_limits<MonotonicMillis>::min();
};

struct StreamContext {
  const JournalOptions& options;
  const Clock& clock;
  FileCalls& calls;
  Bell bell;
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> write_failures{0};
  std::atomic<std::uint64_t> sync_failures{0};
  std::atomic<std::uint64_t> files_lost{0};
  std::atomic<std::uint64_t> signing_failures{0};
  std::atomic<std::uint64_t> total_bytes{0};    // Of all files; kept when there is a bound.
  std::atomic<std::uint64_t> written_bytes{0};  // Since the start.
  std::atomic<bool> full{false};                // A request was refused, and there was no room since.
  std::atomic<std::uint64_t> files_dropped{0};
  std::atomic<std::uint64_t> files_dropped_unforwarded{0};
  Trouble trouble{options, clock};
};

/// Owned by its Journal.
///
/// threads   JournalStream's by the owner; sync_if_due(), catch_up() and close() by the sync thread; set_signer() by any.
///           Two locks, always in this order: tree_mutex_ (the Merkle tree; slow work under it), then mutex_ (the file and its
///           end; held by a request only for chaining and one write).
class Stream final : public JournalStream {
 public:
  Stream(StreamContext& context, int index, std::string journal, std::optional<StreamEnd> end, std::string public_key);

  void append(std::string_view members) override;
  Result<void> write() override EXCLUDES(mutex_, tree_mutex_);
  void sync(std::function<void(Result<void>)> done) override EXCLUDES(mutex_);

  /// Signs what is unsigned with the old signer, then takes the new one.
  void set_signer(std::shared_ptr<const crypto::Ed25519Signer> signer) EXCLUDES(mutex_, tree_mutex_);

  /// Syncs if someone waits or the background sync is due, and tells whether.
  bool sync_if_due() EXCLUDES(mutex_) { return sync_files(Urgency::kWhenDue); }
  SyncedEnd synced_end() EXCLUDES(mutex_);
  /// Writes and signs the line that tells of a file to be dropped (core/audit/dropped.h). When it returns, that is on disk.
  /// errors   kSealed: there is no signer; kUnavailable.
  Result<void> note_dropped(std::string_view members) EXCLUDES(mutex_, tree_mutex_);
  /// Builds the tree, and signs a checkpoint if one is due. Returns when to come again at the latest.
  MonotonicMillis catch_up() EXCLUDES(mutex_, tree_mutex_);
  /// Signs the closing checkpoint and syncs.
  void close() EXCLUDES(mutex_, tree_mutex_);

 private:
  struct Entry {
    UnixMillis time_ms;
    std::size_t end;  // In pending_.
  };
  struct Waiter {
    std::function<void(Result<void>)> done;
    std::uint64_t batch;  // The last one written before.
  };
  enum class Urgency : std::uint8_t { kWhenDue, kNow };

  Result<void> write_batch() EXCLUDES(mutex_, tree_mutex_);
  Result<void> check_bound() REQUIRES(mutex_);
  Result<void> append_to_file(std::string_view bytes) REQUIRES(mutex_);
  /// A line of the journal's own, which no request waits for.
  Result<void> append_own_line(std::string_view members) REQUIRES(mutex_);
  Result<void> rotate_if_full() EXCLUDES(mutex_, tree_mutex_);
  Result<void> begin_file() REQUIRES(mutex_);
  /// The stream's next file refers to the one that ends here.
  void end_file(Begin reason_of_next) REQUIRES(mutex_);
  void mark_written() REQUIRES(mutex_);

  bool sync_files(Urgency urgency) EXCLUDES(mutex_);
  void fold() REQUIRES(tree_mutex_) EXCLUDES(mutex_);
  void fold_rest() REQUIRES(tree_mutex_, mutex_);
  bool checkpoint_due() REQUIRES(mutex_);
  /// Covers all lines of the file. Does nothing without a file or a signer.
  Result<void> sign(Closing closing) REQUIRES(tree_mutex_, mutex_);

  StreamContext& context_;
  const int index_;
  const std::string journal_;

  // Of the owner: the batch being collected, and its lines while they are written.
  std::string pending_;
  std::vector<Entry> entries_;
  bool oversized_ = false;
  TimeText time_;
  std::string output_;
  std::vector<Digest> output_chains_;

  Mutex tree_mutex_;
  MerkleTree tree_ GUARDED_BY(tree_mutex_);
  std::uint64_t tree_file_number_ GUARDED_BY(tree_mutex_) = 0;
  std::vector<Digest> folding_ GUARDED_BY(tree_mutex_);

  Mutex mutex_;
  std::shared_ptr<JournalFile> file_ GUARDED_BY(mutex_);
  Genesis genesis_ GUARDED_BY(mutex_);               // Of file_, or of the next one without it.
  std::uint64_t file_number_ GUARDED_BY(mutex_) = 0;  // Tells the tree that it begins anew.
  std::uint64_t file_first_sequence_ GUARDED_BY(mutex_) = 0;
  std::uint64_t file_synced_bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t next_sequence_ GUARDED_BY(mutex_) = 1;
  Digest chain_ GUARDED_BY(mutex_){};              // Of the last line.
  std::vector<Digest> unfolded_ GUARDED_BY(mutex_);  // Chain values not yet in the tree.
  std::shared_ptr<const crypto::Ed25519Signer> signer_ GUARDED_BY(mutex_);
  std::string public_key_ GUARDED_BY(mutex_);       // The last known.
  std::string file_public_key_ GUARDED_BY(mutex_);  // The one key of file_'s checkpoints; empty while unknown.
  std::uint64_t unsigned_records_ GUARDED_BY(mutex_) = 0;
  MonotonicMillis signed_ms_ GUARDED_BY(mutex_) = 0;

  std::vector<std::shared_ptr<JournalFile>> ended_ GUARDED_BY(mutex_);  // Not yet synced.
  std::vector<Waiter> waiters_ GUARDED_BY(mutex_);
  bool unsynced_ GUARDED_BY(mutex_) = false;
  MonotonicMillis unsynced_since_ms_ GUARDED_BY(mutex_) = 0;
  std::uint64_t batch_ GUARDED_BY(mutex_) = 0;         // Batches written.
  std::uint64_t synced_batch_ GUARDED_BY(mutex_) = 0;  // All up to it are on disk or in doubtful_.
  struct Range {
    std::uint64_t after = 0;
    std::uint64_t through = 0;
  };
  Range doubtful_ GUARDED_BY(mutex_);  // Batches of the last file that could not be synced.
};

}  // namespace keyhold::core::audit
