#include "core/transaction.h"

#include <algorithm>

#include "base/limits.h"

namespace keyhold::core {

Result<EntryRef> Transaction::get(std::string_view key) {
  // What only looks never commits, so it needs no conditions.
  if (mode_ == Mode::kCachedOnly) return cache_.cached(key);
  TRY_ASSIGN(EntryRef entry, cache_.load(key));
  TRY(note_read(key, entry->version()));
  return entry;
}

Result<std::optional<storage::Entry>> Transaction::get_plain(std::string_view key) {
  if (mode_ == Mode::kCachedOnly) return Error{Code::kMiss, "such records are read from the store"};
  TRY_ASSIGN(auto entry, store_.get(key));
  TRY(note_read(key, entry ? entry->version : 0));
  return entry;
}

Result<void> Transaction::note_read(std::string_view key, storage::Version version) {
  const auto same_key = [key](const auto& read) { return read.first == key; };
  const auto earlier = std::find_if(reads_.begin(), reads_.end(), same_key);
  if (earlier == reads_.end()) {
    reads_.emplace_back(key, version);
  } else if (earlier->second != version) {
    return Error{Code::kConflict, "an entry changed while it was used"};
  }
  return {};
}

Result<storage::Page> Transaction::list(const storage::ListOptions& options) {
  if (mode_ == Mode::kCachedOnly) return Error{Code::kMiss, "lists are read from the store"};
  return store_.list(options);
}

bool Transaction::drop_outdated() {
  bool any = false;
  for (const auto& [key, version] : reads_) {
    const auto entry = store_.get(key);
    if (!entry.ok() || (entry->has_value() ? (*entry)->version : 0) == version) continue;
    cache_.drop(key);
    any = true;
  }
  return any;
}

void Transaction::put(std::string key, SecretBytes record) { writes_[std::move(key)] = std::move(record); }

void Transaction::erase(std::string key) { writes_[std::move(key)] = std::nullopt; }

void Transaction::stage(std::string key, SecretBytes record) {
  staged_.emplace_back(std::move(key), std::move(record));
}

bool Transaction::changes(std::string_view key) const { return writes_.contains(key) || kept_.contains(key); }

void Transaction::keep() {
  kept_.merge(writes_);
  writes_.clear();
  kept_reads_ = reads_.size();
}

bool Transaction::drop_unkept() {
  writes_.clear();
  plain_writes_.clear();
  staged_.clear();
  reads_.resize(kept_reads_);
  return writes();
}

Result<storage::Operation> Transaction::operation(const Barrier& barrier, const std::string& key,
                                                  const std::optional<SecretBytes>& record) {
  if (!record) return storage::erase(key);
  TRY_ASSIGN(std::string entry, barrier.encrypt(key, record->reveal()));
  return storage::put(key, std::move(entry));
}

Result<Transaction::Commit> Transaction::prepare(const Barrier& barrier) const {
  Commit commit;
  std::size_t batch_bytes = 0;
  for (const auto& [key, record] : staged_) {
    TRY_ASSIGN(std::string entry, barrier.encrypt(key, record.reveal()));
    const std::size_t bytes = key.size() + entry.size();
    if (commit.staged.empty() || batch_bytes + bytes > limits::kStorageBatchBytesMax / 2) {
      commit.staged.emplace_back();
      if (commit.staged.size() > 1) commit.staged.back().conditions.push_back(storage::present(staged_.front().first));
      batch_bytes = 0;
    }
    batch_bytes += bytes;
    commit.staged.back().operations.push_back(storage::put(key, std::move(entry)));
  }
  commit.batch.conditions.reserve(reads_.size());
  for (const auto& [key, version] : reads_) commit.batch.conditions.push_back(storage::unchanged(key, version));
  if (staged()) commit.batch.conditions.push_back(storage::present(staged_.front().first));
  for (const auto& [key, record] : kept_) {
    if (writes_.contains(key)) continue;
    TRY_ASSIGN(commit.batch.operations.emplace_back(), operation(barrier, key, record));
  }
  for (const auto& [key, record] : writes_) {
    TRY_ASSIGN(commit.batch.operations.emplace_back(), operation(barrier, key, record));
  }
  for (const auto& [key, entry] : plain_writes_) commit.batch.operations.push_back(storage::put(key, entry));
  TRY(storage::check_batch(commit.batch));
  return commit;
}

}  // namespace keyhold::core
