#include "storage/memory_storage.h"

#include <utility>

#include "storage/leadership.h"
#include "storage/list_page.h"

namespace keyhold::storage {

class MemoryStorage::Cursor {
 public:
  explicit Cursor(const Entries& entries) : entries_(entries) {}
  void seek(const std::string& key) { at_ = entries_.lower_bound(key); }
  void next() { ++at_; }
  bool valid() const { return at_ != entries_.end(); }
  std::string_view key() const { return at_->first; }
  Version version() const { return at_->second.version; }
  Result<void> status() const { return {}; }

 private:
  const Entries& entries_;
  Entries::const_iterator at_;
};

class MemoryStorage::FrozenView final : public View {
 public:
  FrozenView(Entries entries, Version at) : entries_(std::move(entries)), next_(entries_.begin()), at_(at) {}
  Version at() const override { return at_; }
  Result<std::vector<Entry>> next(std::size_t bytes) override {
    std::vector<Entry> entries;
    for (std::size_t have = 0; next_ != entries_.end() && (entries.empty() || have < bytes); ++next_) {
      if (is_reserved(next_->first)) continue;
      have += next_->first.size() + next_->second.value.size();
      entries.push_back({next_->first, next_->second.value, next_->second.version});
    }
    return entries;
  }

 private:
  const Entries entries_;
  Entries::const_iterator next_;
  const Version at_;
};

Result<std::optional<Entry>> MemoryStorage::get(std::string_view key, ReadAt) const {
  const ReaderLock lock(entries_mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::optional<Entry>();
  return std::optional<Entry>({found->first, found->second.value, found->second.version});
}

Result<Page> MemoryStorage::list(const ListOptions& options) const {
  const ReaderLock lock(entries_mutex_);
  Cursor cursor(entries_);
  return list_page(cursor, options, latest_);
}

Version MemoryStorage::version_of(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? 0 : found->second.version;
}

Outcome MemoryStorage::apply(Batch& batch) {
  Outcome outcome;
  for (std::size_t i = 0; i < batch.conditions.size(); ++i) {
    if (!holds(batch.conditions[i], version_of(batch.conditions[i].key))) outcome.conflicts.push_back(i);
  }
  if (!outcome.conflicts.empty()) {
    outcome.kind = Outcome::Kind::kConflict;
    return outcome;
  }
  if (!batch.operations.empty()) ++latest_;
  for (Operation& operation : batch.operations) {
    if (operation.value) {
      entries_.insert_or_assign(operation.key, Stored{*std::move(operation.value), latest_});
    } else {
      entries_.erase(operation.key);
    }
  }
  outcome.kind = Outcome::Kind::kOk;
  outcome.at = latest_;
  return outcome;
}

void MemoryStorage::commit(Batch batch, CommitDone done) {
  if (auto checked = check_batch(batch); !checked.ok()) return done(refused(std::move(checked).error()));
  Outcome outcome;
  {
    const MutexLock one_at_a_time(commits_);
    {
      const WriterLock lock(entries_mutex_);
      outcome = apply(batch);
    }
    if (outcome.ok() && !batch.operations.empty()) hub_.publish(std::move(batch.operations), outcome.at);
  }
  done(std::move(outcome));
}

Result<std::unique_ptr<View>> MemoryStorage::view() const {
  const ReaderLock lock(entries_mutex_);
  return std::unique_ptr<View>(std::make_unique<FrozenView>(entries_, latest_));
}

Result<Version> MemoryStorage::replace(const EntrySource& source) {
  const MutexLock one_at_a_time(commits_);
  TRY_ASSIGN(const Version before, latest());
  const Version at = before + 1;
  Entries fresh;
  for (;;) {
    TRY_ASSIGN(auto entries, source());
    if (entries.empty()) break;
    for (Entry& entry : entries) {
      TRY(check_entry(entry));
      fresh.insert_or_assign(std::move(entry.key), Stored{std::move(entry.value), at});
    }
  }
  {
    const WriterLock lock(entries_mutex_);
    entries_ = std::move(fresh);
    latest_ = at;
  }
  hub_.reset(at);
  return at;
}

Resolution MemoryStorage::resolve(const RequestId&) { return Resolution::kStillUnknown; }

Result<std::unique_ptr<Watch>> MemoryStorage::watch(std::string_view prefix, Version from, Watcher& watcher) {
  TRY_ASSIGN(const Version visible, latest());
  return hub_.watch(prefix, from, visible, watcher);
}

Result<std::unique_ptr<Leadership>> MemoryStorage::campaign(std::string_view job, std::int64_t ttl_ms) {
  return campaign_on(*this, clock_, job, ttl_ms);
}

Result<Version> MemoryStorage::latest() const {
  const ReaderLock lock(entries_mutex_);
  return latest_;
}

}  // namespace keyhold::storage
