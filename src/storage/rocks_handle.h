#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "storage/rocksdb_storage.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// Format of what Keyhold stores in RocksDB. A store names the least format that its readers and writers must know; one that
/// asks for more than this is refused.
inline constexpr std::uint32_t kStoreFormat = 1;

// Keys in RocksDB are one byte and what follows: user keys after the first, the store's own records after the second.
inline constexpr char kUserSpace = 'd';
inline constexpr char kOwnSpace = 'm';
inline constexpr std::string_view kCounterKey = "mversion";  // Version of the last commit, 8 bytes big-endian.
inline constexpr std::string_view kFormatKey = "mformat";    // Least reader and writer format, 4 bytes each.

/// The key in RocksDB of a user's key.
std::string user_key(std::string_view key);

/// A stored value: 8 bytes version, then the user's bytes. kCorrupt when it is shorter.
struct StoredValue {
  Version version = 0;
  std::string_view bytes;
};
Result<StoredValue> decode_value(std::string_view stored);

/// Without detail: for clients. The status itself is for the operator's log.
Error to_error(const rocksdb::Status& status);

/// Where RocksDB's background threads say that a handle is not to be written to any more.
class Alarm {
 public:
  /// `ring` is called with each report; any thread, must not block or call RocksDB.
  explicit Alarm(std::function<void()> ring) : ring_(std::move(ring)) {}

  void raise(std::string reason);
  bool raised() const { return raised_.load(std::memory_order_acquire); }
  std::string reason() const;

 private:
  const std::function<void()> ring_;
  std::atomic<bool> raised_{false};
  mutable Mutex mutex_;
  std::string reason_ GUARDED_BY(mutex_);  // The first.
};

/// One opened RocksDB database. Closed when destroyed, whatever state it is in: all readers must be gone by then.
///
/// threads   Reads any; db().Write() one, and never again once it failed or the alarm was raised: a second write to a
///           failed log aborts the process in Debian's build of RocksDB, which has its assertions on.
class RocksHandle {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  /// Below the directory of the options.
  static constexpr std::string_view kFolder = "db";
  /// `alarm_ring` as Alarm's. Opening for writing creates what is missing and checks the format.
  static Result<std::unique_ptr<RocksHandle>> open(const RocksOptions& options, Mode mode,
                                                   std::function<void()> alarm_ring, std::string_view folder = kFolder);
  ~RocksHandle();

  rocksdb::DB& db() const { return *db_; }
  Mode mode() const { return mode_; }
  /// The persisted counter as it was found on opening.
  Version opened_at() const { return opened_at_; }
  Alarm& alarm() const { return *alarm_; }

  /// The value as stored, or nullopt.
  Result<std::optional<std::string>> get_raw(std::string_view raw_key) const;
  /// 0 = absent.
  Result<Version> version_of(std::string_view key) const;

  /// What is there now, to be read until it is let go of, or the handle closes.
  Result<const rocksdb::Snapshot*> freeze() const;
  void let_go(const rocksdb::Snapshot* frozen) const;
  /// Tells handles apart, also one at the same place in memory.
  std::uint64_t id() const { return id_; }

 private:
  RocksHandle(Mode mode, std::unique_ptr<rocksdb::Env> env, std::shared_ptr<Alarm> alarm)
      : mode_(mode), env_(std::move(env)), alarm_(std::move(alarm)) {}

  Result<void> load_format();
  Result<void> create_format();

  static std::uint64_t next_id();

  const Mode mode_;
  const std::uint64_t id_ = next_id();
  const std::unique_ptr<rocksdb::Env> env_;  // Outlives db_.
  const std::shared_ptr<Alarm> alarm_;       // Shared with RocksDB's listener.
  std::unique_ptr<rocksdb::DB> db_;
  Version opened_at_ = 0;
  mutable Mutex frozen_mutex_;
  mutable std::set<const rocksdb::Snapshot*> frozen_ GUARDED_BY(frozen_mutex_);
};

/// Where the current handle is, with many readers and one who replaces it.
class HandleSlot {
 public:
  /// Calls read(const RocksHandle&), which may not be replaced meanwhile. kUnavailable when there is none.
  template <typename Read>
  auto read(Read read_it) const -> decltype(read_it(std::declval<const RocksHandle&>())) {
    // Readers that come during a replacement wait here: a plain shared lock would let a stream of them starve it.
    replacing_.wait(true, std::memory_order_acquire);
    const ReaderLock lock(mutex_);
    if (handle_ == nullptr) return Error{Code::kUnavailable, "the store is not open"};
    return read_it(*handle_);
  }

  /// Once no reader is left, replaces the handle by what `make` turns it into (may be null).
  void replace(const std::function<std::unique_ptr<RocksHandle>(std::unique_ptr<RocksHandle>)>& make);

  /// For the one thread that calls replace(), without a lock.
  RocksHandle* current() const NO_THREAD_SAFETY_ANALYSIS { return handle_.get(); }

 private:
  std::atomic<bool> replacing_{false};
  mutable SharedMutex mutex_;
  std::unique_ptr<RocksHandle> handle_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::storage
