#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/cache/entry_cache.h"
#include "core/record.h"
#include "core/seal/barrier.h"
#include "storage/storage.h"

namespace keyhold::core {

/// Everything a handler reads and writes. The version of all that was read becomes a condition of the commit, so a
/// read-modify-write is conditional by construction. The Gate commits; a handler cannot.
///
/// Made for one run of one request; not kept.
/// threads   One.
class Transaction {
 public:
  enum class Mode {
    kCachedOnly,   // To look only: a value outside the cache is Code::kMiss, and there is no commit.
    kThroughStore,
  };
  Transaction(EntryCache& cache, const storage::Storage& store, Mode mode) : cache_(cache), store_(store), mode_(mode) {}

  /// The entry, present or known to be absent. Does not see this transaction's own writes.
  /// errors: kMiss, kCorrupt, kUnavailable, kSealed.
  Result<EntryRef> get(std::string_view key);

  /// The decoded header of a record, or nullptr when absent.
  template <typename Message>
  Result<std::shared_ptr<const Message>> load(std::string_view key) {
    TRY_ASSIGN(const EntryRef entry, get(key));
    if (!entry->present()) return std::shared_ptr<const Message>();
    return entry->template decoded<Message>([](const SecretBytes& record) { return decode_record<Message>(record); });
  }

  /// Names below a prefix, from the store. Adds no conditions: what must not change is read with get().
  Result<storage::Page> list(const storage::ListOptions& options);

  /// Written by the commit; a later call on the same key replaces an earlier one.
  void put(std::string key, SecretBytes record);
  void erase(std::string key);
  /// Written and durable before the commit, in batches of their own: parts of a big value under an id that nothing refers
  /// to yet. The first one staged marks them as unfinished: the later batches and the commit, which is to erase it, demand
  /// that it is still there, so that whoever tidies up erases it first and wins or loses as a whole.
  void stage(std::string key, SecretBytes record);

  /// Whether something read is no longer as it was, so that what was read may not fit together. Asks the store.
  bool outdated() const;

  bool writes() const { return !writes_.empty(); }
  bool staged() const { return !staged_.empty(); }

  /// The batches in the order in which they must be committed: staged ones, then the one that decides.
  /// errors: kTooLarge (more than the storage contract's bounds), kSealed.
  struct Commit {
    std::vector<storage::Batch> staged;
    storage::Batch batch;
  };
  Result<Commit> prepare(const Barrier& barrier) const;

 private:
  EntryCache& cache_;
  const storage::Storage& store_;
  Mode mode_;
  std::vector<std::pair<std::string, storage::Version>> reads_;
  std::map<std::string, std::optional<SecretBytes>> writes_;
  std::vector<std::pair<std::string, SecretBytes>> staged_;
};

}  // namespace keyhold::core
