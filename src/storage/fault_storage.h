#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// What is to happen to commits that pass a FaultStorage.
struct CommitFault {
  enum class Kind {
    kConflict,             // Nothing happens; every condition is reported, or none when there is none.
    kUnknownHappened,      // It is committed; the caller is told kUnknown.
    kUnknownDidNotHappen,  // Nothing happens; the caller is told kUnknown.
    kRefused,              // Nothing happens; kUnavailable.
    kDelay,                // Held back until release(), then committed.
  };
  static constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max();

  Kind kind = Kind::kRefused;
  std::uint64_t nth = 1;    // The first one hit, counted from now on among the commits that match.
  std::uint64_t times = 1;  // How many are hit in a row.
  std::function<bool(const Batch&)> matches{};  // Empty: every commit.
  /// For the unknown kinds: resolve() answers kStillUnknown this often before it tells.
  int resolves_unknown = 0;
};

/// Injects faults between a user of a store and the store, for tests. Campaigns pass through it as commits, so that faults hit
/// elections and renewals as well. Several can share one store, as nodes do.
///
/// owner     The test; outlived by the store beneath.
/// threads   Any.
class FaultStorage final : public Storage {
 public:
  FaultStorage(Storage& inner, const Clock& clock) : inner_(inner), clock_(clock) {}
  /// Releases what is held.
  ~FaultStorage() override { release(); }

  void inject(CommitFault fault);
  /// Of the reads (get, list and latest) from now on, the nth and `times` in a row fail with kUnavailable.
  void fail_reads(std::uint64_t nth = 1, std::uint64_t times = 1);
  /// Ends all faults and releases what is held.
  void heal();
  /// Passes on the commits held back, in order.
  void release();
  std::size_t held() const;
  /// Commits asked for so far, failed ones included.
  std::uint64_t commits() const;

  using Storage::commit;
  Result<std::optional<Entry>> get(std::string_view key, ReadAt read_at = {}) const override;
  Result<Page> list(const ListOptions& options) const override;
  void commit(Batch batch, CommitDone done) override;
  Result<std::unique_ptr<View>> view() const override { return inner_.view(); }
  Result<Version> replace(const EntrySource& source) override { return inner_.replace(source); }
  Resolution resolve(const RequestId& request_id) override;
  Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Version from, Watcher& watcher) override;
  Result<std::unique_ptr<Leadership>> campaign(std::string_view job, std::int64_t ttl_ms) override;
  Result<Version> latest() const override;
  Health health() const override { return inner_.health(); }

 private:
  struct Armed {
    CommitFault fault;
    std::uint64_t seen = 0;
  };
  struct Injected {
    RequestId id{};
    Resolution resolution = Resolution::kStillUnknown;
    int still_unknown = 0;
  };
  struct Held {
    Batch batch;
    CommitDone done;
  };

  /// The fault that hits `batch`, if any.
  std::optional<CommitFault> hit(const Batch& batch) REQUIRES(mutex_);
  void end_unknown(Batch batch, const CommitFault& fault, CommitDone done);
  void remember(const RequestId& id, Resolution resolution, int still_unknown);
  Result<void> check_read() const;

  Storage& inner_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::vector<Armed> faults_ GUARDED_BY(mutex_);
  std::vector<Injected> injected_ GUARDED_BY(mutex_);
  std::vector<Held> held_ GUARDED_BY(mutex_);
  std::uint64_t commits_ GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t reads_until_failure_ GUARDED_BY(mutex_) = 0;  // 0: none fails.
  mutable std::uint64_t read_failures_ GUARDED_BY(mutex_) = 0;        // Left once it has begun.
};

}  // namespace keyhold::storage
