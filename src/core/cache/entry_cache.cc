#include "core/cache/entry_cache.h"

#include <algorithm>
#include <utility>

#include "crypto/random.h"

namespace keyhold::core {
namespace {

// What an entry takes beside its key and value: list and hash node, shared counts, the memo's frame.
constexpr std::size_t kNodeBytes = 320;
// The decoded form is taken to be as large as the value, up to this: of larger ones most is content, which is not decoded.
constexpr std::size_t kDecodedBytesMax = 4096;

std::size_t bytes_of(std::string_view key, const CachedEntry& entry) {
  const std::size_t value_bytes = entry.value().capacity();
  return kNodeBytes + key.size() + value_bytes + std::min(value_bytes, kDecodedBytesMax);
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
  if (!watching_.load(std::memory_order_acquire)) return read(key);
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  std::uint64_t drops_before = 0;
  {
    const MutexLock lock(shard.mutex);
    if (EntryRef entry = find(shard, wanted)) return entry;
    drops_before = shard.drops;
  }
  TRY_ASSIGN(EntryRef entry, read(key));
  return remember(shard, wanted, std::move(entry), drops_before);
}

EntryRef EntryCache::find(Shard& shard, const Hashed& wanted) {
  const auto found = shard.index.find(wanted);
  if (found == shard.index.end()) return nullptr;
  found->second->asked_for = true;
  return found->second->entry;
}

Result<EntryRef> EntryCache::read(std::string_view key) const {
  TRY_ASSIGN(const auto entry, store_.get(key));
  if (!entry) return absent_;
  TRY_ASSIGN(SecretBytes value, barrier_.decrypt(key, entry->value));
  return std::make_shared<const CachedEntry>(entry->version, std::move(value));
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
  while (shard.bytes > shard_bytes_max_) {
    const auto oldest = std::prev(shard.nodes.end());
    if (std::exchange(oldest->asked_for, false)) {
      shard.nodes.splice(shard.nodes.begin(), shard.nodes, oldest);
      continue;
    }
    shard.index.erase(hashed(oldest->key));
    shard.bytes -= oldest->bytes;
    evicted.splice(evicted.begin(), shard.nodes, oldest);
  }
  return entry;
}

void EntryCache::on_changes(std::span<const storage::Change> changes, storage::Version) {
  for (const storage::Change& change : changes) {
    const Hashed changed = hashed(change.key);
    Shard& shard = shard_of(changed);
    Nodes dropped;  // Wiped after the lock is released.
    const MutexLock lock(shard.mutex);
    ++shard.drops;
    const auto found = shard.index.find(changed);
    if (found == shard.index.end()) continue;
    const auto node = found->second;
    shard.index.erase(found);
    shard.bytes -= node->bytes;
    dropped.splice(dropped.begin(), shard.nodes, node);
  }
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
    sum += shard.bytes;
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
