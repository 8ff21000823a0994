#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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

  /// The same without becoming a condition, for lists that show what is there and decide nothing.
  template <typename Message>
  Result<std::shared_ptr<const Message>> glance(std::string_view key) {
    TRY_ASSIGN(const EntryRef entry, only_looks() ? cache_.cached(key) : cache_.load(key));
    if (!entry->present()) return std::shared_ptr<const Message>();
    return entry->template decoded<Message>([](const SecretBytes& record) { return decode_record<Message>(record); });
  }

  /// Names below a prefix, from the store. Adds no conditions: what must not change is read with get().
  Result<storage::Page> list(const storage::ListOptions& options);

  /// What lies outside the barrier or is encrypted by other means (core/seal/seal_records.h), as the store has it. It becomes a
  /// condition like all that is read. errors: kMiss, kUnavailable, kCorrupt.
  Result<std::optional<storage::Entry>> get_plain(std::string_view key);
  /// Written as it is.
  void put_plain(std::string key, std::string entry) { plain_writes_[std::move(key)] = std::move(entry); }

  /// Written by the commit; a later call on the same key replaces an earlier one.
  void put(std::string key, SecretBytes record);
  void erase(std::string key);
  /// Written and durable before the commit, in batches of their own: parts of a big value under an id that nothing refers
  /// to yet. The first one staged marks them as unfinished: the later batches and the commit, which is to erase it, demand
  /// that it is still there, so that whoever tidies up erases it first and wins or loses as a whole.
  void stage(std::string key, SecretBytes record);

  /// Whether this is for looking only.
  bool only_looks() const { return mode_ == Mode::kCachedOnly; }
  /// Whether the commit will write or erase this key.
  bool changes(std::string_view key) const;

  /// What was written so far happens even if what follows fails: see drop_unkept().
  void keep();
  /// Forgets what was read and written since keep(). Whether something is left to commit.
  bool drop_unkept();

  /// Whether something read is no longer as it was, so that what was read may not fit together. Asks the store.
  /// What is old is dropped from the cache: the next run must not meet it again because the store's watch is slow.
  bool drop_outdated();

  bool writes() const { return !writes_.empty() || !plain_writes_.empty() || !kept_.empty(); }
  bool staged() const { return !staged_.empty(); }

  /// The batches in the order in which they must be committed: staged ones, then the one that decides.
  /// errors: kTooLarge (more than the storage contract's bounds), kSealed.
  struct Commit {
    std::vector<storage::Batch> staged;
    storage::Batch batch;
  };
  Result<Commit> prepare(const Barrier& barrier) const;

 private:
  static Result<storage::Operation> operation(const Barrier& barrier, const std::string& key,
                                              const std::optional<SecretBytes>& record);

  EntryCache& cache_;
  const storage::Storage& store_;
  Result<void> note_read(std::string_view key, storage::Version version);

  Mode mode_;
  std::vector<std::pair<std::string, storage::Version>> reads_;
  using Writes = std::map<std::string, std::optional<SecretBytes>, std::less<>>;
  Writes writes_;
  Writes kept_;  // Replaced by writes_ where both name a key.
  std::size_t kept_reads_ = 0;
  std::map<std::string, std::string, std::less<>> plain_writes_;
  std::vector<std::pair<std::string, SecretBytes>> staged_;
};

}  // namespace keyhold::core
