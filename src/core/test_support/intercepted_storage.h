#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/mutex.h"
#include "storage/storage.h"

namespace keyhold::core::test {

/// Lets something happen between two steps of a request: a hook runs once, before the next read or list of a key that matches.
///
/// threads   Any. The hook runs without locks, on the reader's thread.
class InterceptedStorage final : public storage::Storage {
 public:
  explicit InterceptedStorage(storage::Storage& inner) : inner_(inner) {}

  void before_get(char kind, std::function<void()> hook);
  void before_list(char kind, std::function<void()> hook);

  using Storage::commit;
  Result<std::optional<storage::Entry>> get(std::string_view key, storage::ReadAt read_at = {}) const override;
  Result<storage::Page> list(const storage::ListOptions& options) const override;
  void commit(storage::Batch batch, storage::CommitDone done) override {
    inner_.commit(std::move(batch), std::move(done));
  }
  Result<std::unique_ptr<storage::View>> view() const override { return inner_.view(); }
  Result<storage::Version> replace(const storage::EntrySource& source) override { return inner_.replace(source); }
  storage::Resolution resolve(const storage::RequestId& id) override { return inner_.resolve(id); }
  Result<std::unique_ptr<storage::Watch>> watch(std::string_view prefix, storage::Version from,
                                                storage::Watcher& watcher) override {
    return inner_.watch(prefix, from, watcher);
  }
  Result<std::unique_ptr<storage::Leadership>> campaign(std::string_view job, std::int64_t ttl_ms) override {
    return inner_.campaign(job, ttl_ms);
  }
  Result<storage::Version> latest() const override { return inner_.latest(); }
  Health health() const override { return inner_.health(); }

 private:
  storage::Storage& inner_;
  struct Hook {
    char kind = 0;
    std::function<void()> run;
  };
  /// The hook if it is for this key, else one that does nothing.
  static std::function<void()> take(Hook& hook, std::string_view key);

  mutable Mutex mutex_;
  mutable Hook get_ GUARDED_BY(mutex_);
  mutable Hook list_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core::test
