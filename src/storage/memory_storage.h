#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/storage.h"
#include "storage/watch_hub.h"

namespace keyhold::storage {

/// The contract in memory, for tests. Nothing outlives it; no commit ends unknown. commit() calls `done` before it returns.
///
/// threads   Any.
class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(const Clock& clock) : clock_(clock) {}

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
  Health health() const override { return {}; }

 private:
  struct Stored {
    std::string value;
    Version version = 0;
  };
  using Entries = std::map<std::string, Stored, std::less<>>;
  class Cursor;
  class FrozenView;

  Outcome apply(Batch& batch) REQUIRES(entries_mutex_);
  Version version_of(std::string_view key) const REQUIRES_SHARED(entries_mutex_);

  const Clock& clock_;
  Mutex commits_;  // One commit at a time, its watchers included. Taken before entries_mutex_.
  mutable SharedMutex entries_mutex_;  // Not held while watchers run, so that they may read.
  Entries entries_ GUARDED_BY(entries_mutex_);
  Version latest_ GUARDED_BY(entries_mutex_) = 0;
  WatchHub hub_{0};
};

}  // namespace keyhold::storage
