#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "storage/memory_storage.h"

namespace keyhold::core {

/// A memory store whose answers a test can spoil.
///
/// threads   As the hooks: set them before other threads run.
class SpoiledStorage final : public storage::Storage {
 public:
  explicit SpoiledStorage(const Clock& clock) : inner_(clock) {}
  using Storage::commit;

  enum class Commits { kPass, kLostAnswer, kLostCommit };
  std::atomic<Commits> commits{Commits::kPass};
  std::deque<storage::Resolution> resolutions;  // Answered in turn; the last one for ever.
  std::function<std::optional<Error>(std::string_view key)> refuse_get;
  std::function<void()> before_commit;               // Run once.
  mutable std::function<void()> after_get;            // Run once, when the store was read and before it is answered.
  bool yield_after_get = false;  // Lets other threads overtake a read.
  mutable std::atomic<int> gets{0};
  storage::Watcher* watcher = nullptr;  // Of the last watch.

  Result<std::optional<storage::Entry>> get(std::string_view key, storage::ReadAt at = {}) const override {
    if (refuse_get) {
      if (auto error = refuse_get(key)) return *std::move(error);
    }
    ++gets;
    auto entry = inner_.get(key, at);
    if (yield_after_get) std::this_thread::yield();
    if (after_get) std::exchange(after_get, nullptr)();
    return entry;
  }
  Result<storage::Page> list(const storage::ListOptions& options) const override { return inner_.list(options); }
  void commit(storage::Batch batch, storage::CommitDone done) override {
    if (before_commit) std::exchange(before_commit, nullptr)();
    const Commits spoiled = commits.exchange(Commits::kPass);
    if (spoiled == Commits::kPass) return inner_.commit(std::move(batch), std::move(done));
    if (spoiled == Commits::kLostAnswer) static_cast<void>(static_cast<Storage&>(inner_).commit(std::move(batch)));
    storage::Outcome unknown;
    unknown.kind = storage::Outcome::Kind::kUnknown;
    done(unknown);
  }
  Result<std::unique_ptr<storage::View>> view() const override { return inner_.view(); }
  Result<storage::Version> replace(const storage::EntrySource& source) override { return inner_.replace(source); }
  storage::Resolution resolve(const storage::RequestId&) override {
    const storage::Resolution next = resolutions.front();
    if (resolutions.size() > 1) resolutions.pop_front();
    return next;
  }
  Result<std::unique_ptr<storage::Watch>> watch(std::string_view prefix, storage::Version from,
                                                storage::Watcher& told) override {
    watcher = &told;
    return inner_.watch(prefix, from, told);
  }
  Result<std::unique_ptr<storage::Leadership>> campaign(std::string_view job, std::int64_t ttl_ms) override {
    return inner_.campaign(job, ttl_ms);
  }
  Result<storage::Version> latest() const override { return inner_.latest(); }
  Health health() const override { return inner_.health(); }

  /// Writes past everything, as one with access to the disk would.
  void overwrite(std::string_view key, std::optional<std::string> value) {
    storage::Batch batch;
    batch.operations.push_back({std::string(key), std::move(value)});
    CHECK(static_cast<Storage&>(inner_).commit(std::move(batch)).ok());
  }
  std::string at(std::string_view key) const { return inner_.get(key).value()->value; }

 private:
  storage::MemoryStorage inner_;
};

}  // namespace keyhold::core
