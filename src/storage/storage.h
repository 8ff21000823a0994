#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// The storage contract: what RocksDB, memory, and later etcd and PostgreSQL offer alike. Values are opaque here:
/// the barrier above encrypts them. Keys are ordered bytewise.
namespace keyhold::storage {

/// Keys that begin with this are the store's own records (leadership): lists and watches do not show them, and only
/// fence conditions name them.
inline constexpr char kReservedPrefix = '\xff';

/// Position in the store's history. Every commit has one; a key's version is that of the commit that last put it.
/// Strictly increasing, never reused, kept across restarts. 0 means absent.
using Version = std::uint64_t;

/// How fresh a read must be. The embedded stores answer all three from the present.
struct ReadAt {
  enum class Kind { kLinearizable, kAtLeast, kLocal };
  Kind kind = Kind::kLinearizable;
  Version at_least = 0;

  static ReadAt linearizable() { return {}; }
  static ReadAt at_least_version(Version version) { return {Kind::kAtLeast, version}; }
  static ReadAt local() { return {Kind::kLocal, 0}; }
};

struct Entry {
  std::string key;
  std::string value;
  Version version = 0;
};

/// One page of a list, in key order. With a delimiter, all keys that hold it after `prefix` are folded into one common
/// prefix each (which ends with the first such delimiter and counts as one item).
struct Page {
  struct Item {
    std::string key;      // The whole key, or the common prefix.
    bool is_prefix = false;
    Version version = 0;  // 0 for a common prefix.
  };
  std::vector<Item> items;
  bool more = false;  // Go on with after = items.back().key.
  Version at = 0;     // The list shows the store as of this version, or later.
};

struct ListOptions {
  std::string_view prefix;
  std::string_view after;  // Whole key or common prefix of the last item seen; empty = from the start.
  std::size_t limit = 1000;  // Items a page, at least 1; above limits::kStorageListMax it is that.
  std::optional<char> delimiter;
  ReadAt read_at;
};

struct Condition {
  enum class Kind { kUnchanged, kAbsent, kPresent };
  Kind kind = Kind::kUnchanged;
  std::string key;
  Version version = 0;  // For kUnchanged: the version that was read; 0 = was absent.
};
Condition unchanged(std::string key, Version since);
Condition absent(std::string key);
Condition present(std::string key);
/// Whether it holds for a key whose version is `current`.
bool holds(const Condition& condition, Version current);

struct Operation {
  std::string key;
  std::optional<std::string> value;  // nullopt = delete; deleting what is absent succeeds.
};
Operation put(std::string key, std::string value);
Operation erase(std::string key);

/// Names one commit attempt, so that an unknown outcome can be resolved. Random; all zero = none.
using RequestId = std::array<std::uint8_t, 16>;

/// All or nothing. A key stands at most once among the operations. Bounds: base/limits.h, checked in every backend.
/// Without operations it only checks: its version is then the one that it was checked at.
struct Batch {
  std::vector<Condition> conditions;
  std::vector<Operation> operations;
  RequestId request_id{};
};

/// What came of a commit.
///   kOk        durable and visible; `at` is its version
///   kConflict  nothing happened; `conflicts` are the indexes of the conditions that did not hold
///   kUnknown   it may or may not be there (time-out, failed sync): ask resolve() with the same request id
///   kRefused   nothing happened; `error` says why (bounds: kInvalid or kTooLarge; read-only store, full disk: kUnavailable)
struct Outcome {
  enum class Kind { kOk, kConflict, kUnknown, kRefused };
  Kind kind = Kind::kRefused;
  Version at = 0;
  std::vector<std::size_t> conflicts;
  Error error;

  bool ok() const { return kind == Kind::kOk; }
};

/// The Outcome of a batch that was not tried.
Outcome refused(Error error);

/// What became of a commit whose outcome was unknown.
enum class Resolution { kHappened, kDidNotHappen, kStillUnknown };

struct Change {
  std::string_view key;
  bool erased = false;
};

/// Receives the changes below a prefix, each commit once and in order.
///
/// An embedded store calls it from the committer thread after the commit is durable and before it is acknowledged, so
/// a cache that drops what is named here is never stale once the writer knows. It must not block or call commit().
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_changes(std::span<const Change> changes, Version at) = 0;
  /// There is a gap: everything read before may be stale. The next change is later than `at`.
  virtual void on_reset(Version at) = 0;
};

/// Ends its watch when destroyed; on_changes is not running and not called again after that. Destroy it before the store,
/// and not from inside its own watcher.
class Watch {
 public:
  virtual ~Watch() = default;
};

/// Holds a job's leadership. Ends it when destroyed (best effort; else by its ttl). Destroy it before the store.
///
/// threads   Any.
class Leadership {
 public:
  virtual ~Leadership() = default;
  /// To be put into every batch that the leader's work commits: it fails once another leader was elected.
  virtual Condition fence() const = 0;
  /// Extends by the ttl, or kConflict when lost.
  virtual Result<void> renew() = 0;
};

/// All entries as of one version, in key order. To be gone before the store is.
///
/// threads   One at a time.
class View {
 public:
  virtual ~View() = default;
  virtual Version at() const = 0;
  /// The next ones: as many as come to about `bytes`, at least one; none at the end.
  /// errors: kUnavailable: the store was re-opened meanwhile, so that this view has ended; kCorrupt.
  virtual Result<std::vector<Entry>> next(std::size_t bytes) = 0;
};

/// Yields entries in any order, each key once, and none at the end. Their versions are not looked at.
using EntrySource = std::function<Result<std::vector<Entry>>()>;

using CommitDone = std::function<void(Outcome)>;

/// One store, opened. Destroying it waits for commits in flight.
///
/// threads   Any.
class Storage {
 public:
  virtual ~Storage() = default;

  /// The entry, or nullopt when absent. errors: kUnavailable, kCorrupt.
  virtual Result<std::optional<Entry>> get(std::string_view key, ReadAt read_at = {}) const = 0;
  /// errors: kInvalid (limit 0), kUnavailable, kCorrupt.
  virtual Result<Page> list(const ListOptions& options) const = 0;

  /// The only write. `done` is called once, from any thread, possibly before this returns; it must not block.
  /// durability   kOk means synced to disk (memory: visible).
  virtual void commit(Batch batch, CommitDone done) = 0;
  /// The same, waiting.
  Outcome commit(Batch batch);

  /// errors: kUnavailable.
  virtual Result<std::unique_ptr<View>> view() const = 0;

  /// Puts what `source` yields in place of everything, the store's own records included: all or nothing, whatever ends the process.
  /// Commits are refused from the call on, those that wait already too. Every entry then has one new version, every view ends, and
  /// every watcher is told of a gap.
  /// `source` is called from another thread, and not again once it failed.
  /// errors       what `source` gave up with; kUnavailable: the store takes no writes; kUnsupported; kInvalid: a bound. Nothing has changed then.
  /// durability   as a commit's.
  virtual Result<Version> replace(const EntrySource& source) = 0;

  /// For a commit that ended kUnknown. Answers kStillUnknown while the store cannot tell yet. Only the latest
  /// unknown commits are remembered (in embedded stores: those of this process).
  virtual Resolution resolve(const RequestId& request_id) = 0;

  /// Changes below `prefix` from after version `from`; a reset first when that is too long ago to know (0 = from now on).
  virtual Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Version from, Watcher& watcher) = 0;

  /// Tries to lead `job` until ttl_ms after the last renewal. errors: kConflict while another leads.
  virtual Result<std::unique_ptr<Leadership>> campaign(std::string_view job, std::int64_t ttl_ms) = 0;

  /// The version of the last commit: linearizable.
  virtual Result<Version> latest() const = 0;

  /// False while writes are refused (full disk, failed sync, not yet re-opened); `reason` is for the operator.
  struct Health {
    bool writable = true;
    std::string reason;
  };
  virtual Health health() const = 0;
};

/// The bounds of limits.h and the one-operation-a-key rule; every backend calls it first.
Result<void> check_batch(const Batch& batch);
/// The same of one entry: its key and value are within bounds, and the key is not the store's own.
Result<void> check_entry(const Entry& entry);
/// Its keys and values together: what limits::kStorageBatchBytesMax bounds.
std::size_t bytes_of(const Batch& batch);

}  // namespace keyhold::storage
