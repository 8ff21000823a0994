#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/cache/sip_hash.h"
#include "core/seal/barrier.h"
#include "storage/storage.h"

namespace keyhold::core {

/// One decrypted entry as of a version. Immutable but for the memo.
///
/// threads   Any.
class CachedEntry {
 public:
  /// Bytes that the memos of many entries take. Outlives whoever counts with it.
  using MemoBytes = std::shared_ptr<std::atomic<std::size_t>>;

  /// Known to be absent.
  CachedEntry() = default;
  CachedEntry(storage::Version version, SecretBytes value, MemoBytes counted = nullptr)
      : version_(version), value_(std::move(value)), counted_(std::move(counted)) {}
  ~CachedEntry();
  CachedEntry(const CachedEntry&) = delete;
  CachedEntry& operator=(const CachedEntry&) = delete;

  storage::Version version() const { return version_; }  // 0 when absent.
  bool present() const { return version_ != 0; }
  const SecretBytes& value() const { return value_; }

  /// The decoded form, made by `decode` (const SecretBytes& → Result<T>) from the value of a present entry and kept. Of
  /// threads that decode at once, all get the form that one of them made. An error is not kept. T is one fixed type per
  /// kind of key: CHECKed. It is taken to use T::memory_bytes() where that is declared, else twice the value's size.
  template <typename T, typename Decode>
  Result<std::shared_ptr<const T>> decoded(Decode&& decode) const {
    const Memo* memo = memo_.load(std::memory_order_acquire);
    if (memo == nullptr) {
      CHECK(present());
      TRY_ASSIGN(T made, std::forward<Decode>(decode)(value_));
      const std::size_t bytes = bytes_of_form(made);
      memo = keep(std::make_unique<const Memo>(Memo{&typeid(T), bytes, std::make_shared<const T>(std::move(made))}));
    }
    CHECK(*memo->type == typeid(T));
    return std::static_pointer_cast<const T>(memo->form);
  }
  /// 0 when nothing has been decoded yet.
  std::size_t memo_bytes() const;

 private:
  struct Memo {
    const std::type_info* type;
    std::size_t bytes;
    std::shared_ptr<const void> form;
  };

  template <typename T>
  std::size_t bytes_of_form(const T& form) const {
    if constexpr (requires { form.memory_bytes(); }) {
      return sizeof(Memo) + sizeof(T) + form.memory_bytes();
    } else {
      return sizeof(Memo) + sizeof(T) + 2 * value_.size();
    }
  }
  /// The first one made.
  const Memo* keep(std::unique_ptr<const Memo> made) const;

  storage::Version version_ = 0;
  SecretBytes value_;
  MemoBytes counted_;
  mutable std::atomic<const Memo*> memo_{nullptr};
};
using EntryRef = std::shared_ptr<const CachedEntry>;

/// Decrypted entries in memory: the read path of everything. Bounded in bytes, memos included; what was not asked for
/// lately goes first.
///
/// Never stale: an entry is dropped by the store's watch before the commit that changed it is acknowledged, and nothing
/// is served from memory unless the watch runs. See Shard for the race between loading and dropping.
///
/// owner     Destroyed before the store and the barrier.
/// threads   Any.
class EntryCache final : private storage::Watcher {
 public:
  EntryCache(storage::Storage& store, const Barrier& barrier, std::size_t bytes_max);
  ~EntryCache() override;
  EntryCache(const EntryCache&) = delete;
  EntryCache& operator=(const EntryCache&) = delete;

  /// Begins the watch; does nothing when it runs already. Until then load() goes to the store each time.
  Result<void> start();

  /// From memory only. errors: kMiss: not there; kSealed.
  Result<EntryRef> cached(std::string_view key);
  /// From memory, else from the store through the barrier, and remembered, absence too. An entry over 1/64 of the cache is
  /// not remembered. errors: kSealed, kCorrupt, kUnavailable.
  Result<EntryRef> load(std::string_view key);

  /// Drops an entry that its reader knows to be old before the watch says so.
  void drop(std::string_view key);

  /// Drops and wipes everything, but what callers still hold. To be called after Barrier::seal_up(): a load that began before
  /// does not put its entry back, one that begins after gets kSealed.
  void purge();

  /// Memory that the entries are taken to use, those that callers still hold included as far as decoded.
  std::size_t bytes() const;
  std::size_t entries() const;

 private:
  struct Hashed {
    std::string_view key;
    std::uint64_t hash;
    bool operator==(const Hashed& other) const { return hash == other.hash && key == other.key; }
  };
  struct HashOf {
    std::size_t operator()(const Hashed& hashed) const noexcept { return static_cast<std::size_t>(hashed.hash); }
  };
  struct Node {
    std::string key;
    EntryRef entry;
    std::size_t bytes;
    bool asked_for;  // Since the hand last passed.
  };
  using Nodes = std::list<Node>;

  /// A part of the keys, with a lock of its own.
  ///
  /// `drops` counts the times that something may have been dropped here. A load notes it before it reads the store and
  /// puts its entry in only if it has not moved: else the change may have come between the read and now, its drop found
  /// nothing to drop, and the old entry would stay for ever. This needs of the store only that a commit is visible to
  /// get() before the watch hears of it. (What the load returns to its own caller was current while it ran.)
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::uint64_t drops GUARDED_BY(mutex) = 0;
    std::size_t bytes GUARDED_BY(mutex) = 0;  // Without memos.
    Nodes nodes GUARDED_BY(mutex);  // The hand of the clock is at the back.
    std::unordered_map<Hashed, Nodes::iterator, HashOf> index GUARDED_BY(mutex);  // Views into the nodes.
    const CachedEntry::MemoBytes memo_bytes = std::make_shared<std::atomic<std::size_t>>(0);
  };
  static constexpr int kShardBits = 6;
  static constexpr std::size_t kShards = 1 << kShardBits;

  void on_changes(std::span<const storage::Change> changes, storage::Version at) override;
  void on_reset(storage::Version at) override;

  Hashed hashed(std::string_view key) const { return {key, hash_(key)}; }
  Shard& shard_of(const Hashed& hashed) { return shards_[hashed.hash >> (64 - kShardBits)]; }

  /// nullptr when not there.
  static EntryRef find(Shard& shard, const Hashed& wanted) REQUIRES(shard.mutex);
  Result<EntryRef> read(std::string_view key, const CachedEntry::MemoBytes& counted) const;
  EntryRef remember(Shard& shard, const Hashed& wanted, EntryRef entry, std::uint64_t drops_before);
  /// Moves entries into `evicted` until the shard is within its bound.
  void evict(Shard& shard, Nodes& evicted) REQUIRES(shard.mutex);
  void drop_all();

  storage::Storage& store_;
  const Barrier& barrier_;
  const std::size_t shard_bytes_max_;
  const SipHash<> hash_;
  const EntryRef absent_;  // Every entry known to be absent.
  std::array<Shard, kShards> shards_;
  std::atomic<bool> watching_{false};
  Mutex starting_;
  std::unique_ptr<storage::Watch> watch_ GUARDED_BY(starting_);  // Last: ends before the shards do.
};

}  // namespace keyhold::core
