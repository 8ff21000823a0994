#include "storage/watch_hub.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "storage/list_page.h"

namespace keyhold::storage {

class WatchHub::Registration final : public Watch {
 public:
  Registration(WatchHub& hub, std::string_view prefix, Version from, Watcher& watcher)
      : hub_(hub), prefix_(prefix), from_(from), watcher_(watcher) {}
  ~Registration() override {
    const MutexLock lock(hub_.mutex_);
    std::erase(hub_.registrations_, this);
  }

  void tell(const Commit& commit) {
    if (commit.at <= from_) return;
    std::vector<Change> changes;
    for (const ChangedKey& changed : commit.keys) {
      if (changed.key.starts_with(prefix_)) changes.push_back({changed.key, changed.erased});
    }
    if (!changes.empty()) watcher_.on_changes(changes, commit.at);
  }
  void tell_of_gap(Version at) { watcher_.on_reset(at); }

 private:
  WatchHub& hub_;
  const std::string prefix_;
  const Version from_;
  Watcher& watcher_;
};

void WatchHub::publish(std::vector<Operation> operations, Version at) {
  Commit commit{.at = at, .bytes = sizeof(Commit), .keys = {}};
  commit.keys.reserve(operations.size());
  for (Operation& operation : operations) {
    if (is_reserved(operation.key)) continue;
    commit.bytes += sizeof(ChangedKey) + operation.key.size();
    commit.keys.push_back({std::move(operation.key), !operation.value.has_value()});
  }
  const MutexLock lock(mutex_);
  latest_ = at;
  if (commit.keys.empty()) return;
  for (Registration* registration : registrations_) registration->tell(commit);
  remember(std::move(commit));
}

void WatchHub::reset(Version at) {
  const MutexLock lock(mutex_);
  ring_.clear();
  ring_bytes_ = 0;
  known_after_ = latest_ = at;
  for (Registration* registration : registrations_) registration->tell_of_gap(at);
}

void WatchHub::remember(Commit commit) {
  ring_bytes_ += commit.bytes;
  ring_.push_back(std::move(commit));
  while (ring_.size() > limits::kStorageWatchRingCommitsMax || ring_bytes_ > limits::kStorageWatchRingBytesMax) {
    ring_bytes_ -= ring_.front().bytes;
    known_after_ = ring_.front().at;
    ring_.pop_front();
  }
}

std::unique_ptr<Watch> WatchHub::watch(std::string_view prefix, Version from, Version visible, Watcher& watcher) {
  const MutexLock lock(mutex_);
  const bool unknown_past = from != 0 && (from < known_after_ || from > std::max(visible, latest_));
  if (unknown_past) {
    from = latest_;
    watcher.on_reset(latest_);
  }
  auto registration = std::make_unique<Registration>(*this, prefix, from, watcher);
  if (from != 0) {
    for (const Commit& commit : ring_) registration->tell(commit);
  }
  registrations_.push_back(registration.get());
  return registration;
}

}  // namespace keyhold::storage
