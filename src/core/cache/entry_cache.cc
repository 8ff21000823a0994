#include "core/cache/entry_cache.h"

#include <iterator>
#include <utility>

#include "crypto/random.h"

namespace keyhold::core {
namespace {

constexpr std::size_t kNodeBytes = 320;  // What an entry takes beside its key and value: list and hash node, counts.

std::size_t bytes_of(std::string_view key, const CachedEntry& entry) {
  return kNodeBytes + key.size() + entry.value().capacity();
}

/// Not from the caller's random source: nothing can be observed of it, so a test need not hold it.
SipHash<>::Key random_hash_key() {
  SipHash<>::Key key;
  crypto::OsRng rng;
  for (std::uint64_t& word : key) word = rng.number();
  return key;
}

Error sealed_error() { return {Code::kSealed, "the server is sealed"}; }

}  // namespace

CachedEntry::~CachedEntry() {
  const Memo* const memo = memo_.load(std::memory_order_relaxed);
  if (memo == nullptr) return;
  if (counted_ != nullptr) counted_->fetch_sub(memo->bytes, std::memory_order_relaxed);
  delete memo;
}

const CachedEntry::Memo* CachedEntry::keep(std::unique_ptr<const Memo> made) const {
  const Memo* first = nullptr;
  if (!memo_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) return first;
  if (counted_ != nullptr) counted_->fetch_add(made->bytes, std::memory_order_relaxed);
  return made.release();
}

std::size_t CachedEntry::memo_bytes() const {
  const Memo* const memo = memo_.load(std::memory_order_acquire);
  return memo == nullptr ? 0 : memo->bytes;
}

EntryCache::EntryCache(storage::Storage& store, const Barrier& barrier, std::size_t bytes_max)
    : store_(store),
      barrier_(barrier),
      shard_bytes_max_(bytes_max / kShards),
      hash_(random_hash_key()),
      absent_(std::make_shared<const CachedEntry>()) {}

EntryCache::~EntryCache() {
  const MutexLock lock(starting_);
  watch_.reset();
}

Result<void> EntryCache::start() {
  const MutexLock lock(starting_);
  if (watch_ != nullptr) return {};
  TRY_ASSIGN(watch_, store_.watch("", 0, *this));
  watching_.store(true, std::memory_order_release);
  return {};
}

Result<EntryRef> EntryCache::cached(std::string_view key) {
  if (barrier_.sealed()) return sealed_error();
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  const MutexLock lock(shard.mutex);
  if (EntryRef entry = find(shard, wanted)) return entry;
  return Error{Code::kMiss, {}};
}

Result<EntryRef> EntryCache::load(std::string_view key) {
  if (barrier_.sealed()) return sealed_error();
  if (!watching_.load(std::memory_order_acquire)) return read(key, nullptr);
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  std::uint64_t drops_before = 0;
  {
    const MutexLock lock(shard.mutex);
    if (EntryRef entry = find(shard, wanted)) return entry;
    drops_before = shard.drops;
  }
  TRY_ASSIGN(EntryRef entry, read(key, shard.memo_bytes));
  return remember(shard, wanted, std::move(entry), drops_before);
}

EntryRef EntryCache::find(Shard& shard, const Hashed& wanted) {
  const auto found = shard.index.find(wanted);
  if (found == shard.index.end()) return nullptr;
  found->second->asked_for = true;
  return found->second->entry;
}

Result<EntryRef> EntryCache::read(std::string_view key, const CachedEntry::MemoBytes& counted) const {
  TRY_ASSIGN(const auto entry, store_.get(key));
  if (!entry) return absent_;
  TRY_ASSIGN(SecretBytes value, barrier_.decrypt(key, entry->value));
  return std::make_shared<const CachedEntry>(entry->version, std::move(value), counted);
}

EntryRef EntryCache::remember(Shard& shard, const Hashed& wanted, EntryRef entry, std::uint64_t drops_before) {
  const std::size_t entry_bytes = bytes_of(wanted.key, *entry);
  if (entry_bytes > shard_bytes_max_) return entry;
  Nodes evicted;  // Wiped after the lock is released.
  const MutexLock lock(shard.mutex);
  if (shard.drops != drops_before) return entry;
  // Another load was faster: of the same version, as nothing was dropped, and perhaps decoded already.
  if (EntryRef first = find(shard, wanted)) return first;

  shard.nodes.push_front(Node{std::string(wanted.key), entry, entry_bytes, false});
  shard.index.emplace(Hashed{shard.nodes.front().key, wanted.hash}, shard.nodes.begin());
  shard.bytes += entry_bytes;
  evict(shard, evicted);
  return entry;
}

void EntryCache::evict(Shard& shard, Nodes& evicted) {
  // Memos go with the entries that are evicted here, or as soon as their last holder lets go.
  std::size_t going = 0;
  while (!shard.nodes.empty() &&
         shard.bytes + shard.memo_bytes->load(std::memory_order_relaxed) > shard_bytes_max_ + going) {
    const auto oldest = std::prev(shard.nodes.end());
    if (std::exchange(oldest->asked_for, false)) {
      shard.nodes.splice(shard.nodes.begin(), shard.nodes, oldest);
      continue;
    }
    going += oldest->entry->memo_bytes();
    shard.index.erase(hashed(oldest->key));
    shard.bytes -= oldest->bytes;
    evicted.splice(evicted.begin(), shard.nodes, oldest);
  }
}

void EntryCache::on_changes(std::span<const storage::Change> changes, storage::Version) {
  for (const storage::Change& change : changes) drop(change.key);
}

void EntryCache::drop(std::string_view key) {
  const Hashed changed = hashed(key);
  Shard& shard = shard_of(changed);
  Nodes dropped;  // Wiped after the lock is released.
  const MutexLock lock(shard.mutex);
  ++shard.drops;
  const auto found = shard.index.find(changed);
  if (found == shard.index.end()) return;
  const auto node = found->second;
  shard.index.erase(found);
  shard.bytes -= node->bytes;
  dropped.splice(dropped.begin(), shard.nodes, node);
}

void EntryCache::on_reset(storage::Version) { drop_all(); }

void EntryCache::purge() { drop_all(); }

void EntryCache::drop_all() {
  for (Shard& shard : shards_) {
    Nodes dropped;  // Wiped after the lock is released.
    const MutexLock lock(shard.mutex);
    ++shard.drops;
    shard.index.clear();
    shard.bytes = 0;
    dropped.swap(shard.nodes);
  }
}

std::size_t EntryCache::bytes() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    sum += shard.bytes + shard.memo_bytes->load(std::memory_order_relaxed);
  }
  return sum;
}

std::size_t EntryCache::entries() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    sum += shard.nodes.size();
  }
  return sum;
}

}  // namespace keyhold::core
