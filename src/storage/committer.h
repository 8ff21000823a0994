#pragma once

#include <rocksdb/write_batch.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "storage/commit_queue.h"
#include "storage/rocks_handle.h"
#include "storage/rocksdb_storage.h"
#include "storage/unknown_commits.h"
#include "storage/version_index.h"
#include "storage/watch_hub.h"

namespace keyhold::storage {

class Replacement;

/// The one thread that writes to RocksDB: commits in groups, and after a failure makes the store writable again.
/// rocksdb_storage.h says what it promises.
///
/// owner     RocksStorage, which destroys it before the slot and the hub.
/// threads   Any.
class Committer {
 public:
  /// `slot` holds a handle that is open for writing; its alarm wakes `queue`.
  Committer(const RocksOptions& options, CommitQueue& queue, HandleSlot& slot, WatchHub& hub);
  /// Finishes what is queued, then flushes if the store is writable.
  ~Committer();

  void commit(Batch batch, CommitDone done);
  /// As Storage::replace(). The thread does it, so that nothing is committed meanwhile.
  Result<Version> replace(const EntrySource& source) EXCLUDES(replacing_);
  Resolution resolve(const RequestId& id) const { return unknown_.find(id); }
  /// The version of the last commit that is known to be durable.
  Version durable() const { return durable_.load(std::memory_order_acquire); }
  Storage::Health health() const;

 private:
  enum class State { kWritable, kFailed, kLostCommits, kReplacing };

  /// Versions that the group being built will have, by key. Views into the group.
  using Overlay = std::unordered_map<std::string_view, Version>;
  /// A commit of the group whose write failed, until the next open tells what became of it.
  struct Doubtful {
    RequestId id{};
    Version at = 0;
    std::vector<Operation> operations;
  };

  void run();
  void commit_group(std::vector<PendingCommit>& group);
  /// Fills the outcomes as they will be if `writes` is written; returns the version of the last that writes, 0 without one.
  Version plan(std::vector<PendingCommit>& group, Overlay& overlay, rocksdb::WriteBatch& writes);
  Outcome check(const Batch& batch, const Overlay& overlay);
  Result<Version> version_of(std::string_view key, const Overlay& overlay);
  /// The group is durable: tells readers, then watchers.
  void publish(std::vector<PendingCommit>& group, const Overlay& overlay, Version last);
  void doubt(std::vector<PendingCommit>& group);
  bool below_floor() const;

  void replace_if_asked() EXCLUDES(replacing_);
  Result<Version> replace_all(const EntrySource& source);
  /// Opens what is there then; the old content again when the new one cannot be opened.
  Result<void> change_over(const Replacement& replacement);

  void fail(State state, std::string reason);
  /// One attempt to become writable.
  void recover();
  bool disk_takes_writes() const;
  std::unique_ptr<RocksHandle> reopen(std::unique_ptr<RocksHandle> old);
  /// Says what became of the doubtful commits, from the counter that the open found.
  void settle(Version counter);
  bool counter_can_be_written(RocksHandle& handle, Version counter) const;

  const RocksOptions options_;
  CommitQueue& queue_;
  HandleSlot& slot_;
  WatchHub& hub_;
  UnknownCommits unknown_{limits::kStorageUnknownMax};
  std::atomic<Version> durable_;

  std::atomic<State> state_{State::kWritable};  // Written by the thread only.
  /// What was asked of content that is gone is refused.
  std::atomic<std::uint64_t> generation_{0};

  Mutex replacing_;
  CondVar replaced_;
  const EntrySource* source_ GUARDED_BY(replacing_) = nullptr;  // Of the replacement that waits or is being made.
  std::optional<Result<Version>> replacement_ GUARDED_BY(replacing_);  // What came of it.

  mutable Mutex reason_mutex_;
  std::string reason_ GUARDED_BY(reason_mutex_);

  // The thread's own.
  VersionIndex index_{limits::kStorageVersionIndexBytesMax};
  Version assigned_;  // Last version given to a commit, durable or not.
  std::vector<Doubtful> doubtful_;
  std::int64_t backoff_ms_;  // Grows with each attempt to recover, until a group is written.
  std::chrono::steady_clock::time_point recover_at_{};

  std::thread thread_;  // Last: starts when all else is there.
};

}  // namespace keyhold::storage
