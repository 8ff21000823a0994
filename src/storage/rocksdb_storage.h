#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "storage/storage.h"

namespace rocksdb {
class FileSystem;
}

namespace keyhold::storage {

class CommitQueue;
class Committer;
class DataDirectory;
class HandleSlot;
class WatchHub;

struct RocksOptions {
  std::string path;  // Created with mode 0700, its files with 0600.
  /// Writes are refused while less is free: a comfort, not what makes a full disk safe.
  std::uint64_t free_space_floor_bytes = 64ull * 1024 * 1024;
  std::size_t block_cache_bytes = 16 * 1024 * 1024;
  std::size_t write_buffer_bytes = 16 * 1024 * 1024;
  std::int64_t reopen_min_ms = limits::kStorageReopenMinMs;
  std::int64_t reopen_max_ms = limits::kStorageReopenMaxMs;
  std::shared_ptr<rocksdb::FileSystem> file_system{};  // Null: the system's. Tests inject faults here.
  /// Warnings for the operator's log; from any thread, must not block.
  std::function<void(std::string_view)> warn{};
};

/// The contract on RocksDB in one directory of one process.
///
/// Commits     One thread takes all that is queued, checks it in order and writes it as one synced WriteBatch. Each
///             commit has its own version; the last of the group stands in the same WriteBatch under a key of the
///             store's own, the counter.
/// Failure     At the first failed write, or background error of RocksDB, it goes read-only: commits are refused, reads
///             go on. In the background, with back-off, it then closes and opens the database in the process, once a
///             probe file could be written and synced. If the open is refused all the same, a read-only handle serves
///             reads (it may show a commit of unknown outcome before that is settled).
/// Unknown     A group whose write failed ends kUnknown: RocksDB cannot say how much of it reached the disk. The next
///             successful open tells. The log record of a WriteBatch is recovered whole or not at all, and it holds the
///             counter: so the counter found there is the group's last version (it happened) or the last acknowledged
///             one (it did not). There is no third case, since nothing is written through a handle after its first
///             failure; any other number means that acknowledged commits were lost, and the store stays read-only. The
///             answer is final: before it returned, that open has moved what it recovered to synced tables and left the
///             old log behind. Watchers learn of a group that did happen before resolve() says so. Its versions are
///             not given again while this process lives.
/// Two         A second process is refused by a lock on the directory.
/// Limits      Space is not freed by erasing while the disk is below the floor, as erasing is a write. A disk that
///             returns garbage, not a cut, at the end of RocksDB's manifest after a crash needs a restore.
///
/// threads   Any.
class RocksStorage final : public Storage {
 public:
  /// errors   kUnavailable (held by another process, disk full), kInvalid (directory not private),
  ///          kUnsupported (written by a newer version of Keyhold), kCorrupt.
  static Result<std::unique_ptr<RocksStorage>> open(RocksOptions options, const Clock& clock);
  /// Finishes what is queued and flushes, so that the next open is quick.
  ~RocksStorage() override;

  using Storage::commit;
  Result<std::optional<Entry>> get(std::string_view key, ReadAt read_at = {}) const override;
  Result<Page> list(const ListOptions& options) const override;
  void commit(Batch batch, CommitDone done) override;
  Result<std::unique_ptr<View>> view() const override;
  Result<Version> replace(const EntrySource& source) override;
  Resolution resolve(const RequestId& request_id) override;
  Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Version from, Watcher& watcher) override;
  Result<std::unique_ptr<Leadership>> campaign(std::string_view job, std::int64_t ttl_ms) override;
  Result<Version> latest() const override;
  Health health() const override;

 private:
  RocksStorage(const Clock& clock, std::unique_ptr<DataDirectory> directory);

  const Clock& clock_;
  const std::unique_ptr<DataDirectory> directory_;  // Let go last.
  const std::unique_ptr<CommitQueue> queue_;
  const std::unique_ptr<HandleSlot> slot_;
  std::unique_ptr<WatchHub> hub_;
  std::unique_ptr<Committer> committer_;
};

}  // namespace keyhold::storage
