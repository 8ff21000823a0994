#include "storage/rocksdb_storage.h"

#include <utility>

#include "storage/committer.h"
#include "storage/data_directory.h"
#include "storage/leadership.h"
#include "storage/list_page.h"
#include "storage/replacement.h"
#include "storage/rocks_handle.h"
#include "storage/watch_hub.h"

namespace keyhold::storage {

namespace {

/// For list_page(): the user keys of a snapshot, from a bound that keeps it from walking over what lies behind the prefix.
class RocksCursor {
 public:
  RocksCursor(const RocksHandle& handle, std::string_view prefix)
      : bound_(after_prefix(user_key(prefix)).value_or("")), bound_slice_(bound_) {
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound_slice_;
    iterator_.reset(handle.db().NewIterator(options));
  }

  void seek(const std::string& key) {
    iterator_->Seek(user_key(key));
    decode();
  }
  void next() {
    iterator_->Next();
    decode();
  }
  bool valid() const { return damage_.ok() && iterator_->Valid(); }
  std::string_view key() const { return {iterator_->key().data() + 1, iterator_->key().size() - 1}; }
  Version version() const { return version_; }
  Result<void> status() const {
    TRY(damage_);
    return iterator_->status().ok() ? Result<void>() : to_error(iterator_->status());
  }

 private:
  void decode() {
    if (!iterator_->Valid()) return;
    auto stored = decode_value({iterator_->value().data(), iterator_->value().size()});
    if (stored.ok()) {
      version_ = stored->version;
    } else {
      damage_ = std::move(stored).error();
    }
  }

  const std::string bound_;
  const rocksdb::Slice bound_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  Version version_ = 0;
  Result<void> damage_;
};

/// Of one handle: it ends with that.
class RocksView final : public View {
 public:
  RocksView(const HandleSlot& slot, std::uint64_t handle_id, const rocksdb::Snapshot* frozen, Version at)
      : slot_(slot), handle_id_(handle_id), frozen_(frozen), at_(at) {}
  ~RocksView() override {
    static_cast<void>(slot_.read([&](const RocksHandle& handle) -> Result<void> {
      if (handle.id() == handle_id_) handle.let_go(frozen_);
      return {};
    }));
  }

  Version at() const override { return at_; }
  Result<std::vector<Entry>> next(std::size_t bytes) override {
    return slot_.read([&](const RocksHandle& handle) -> Result<std::vector<Entry>> {
      if (handle.id() != handle_id_) return Error{Code::kUnavailable, "the store was re-opened meanwhile: begin anew"};
      return read(handle, bytes);
    });
  }

 private:
  Result<std::vector<Entry>> read(const RocksHandle& handle, std::size_t bytes) {
    const std::string bound = user_key(std::string(1, kReservedPrefix));
    const rocksdb::Slice bound_slice(bound);
    rocksdb::ReadOptions options;
    options.snapshot = frozen_;
    options.fill_cache = false;
    options.iterate_upper_bound = &bound_slice;
    const std::unique_ptr<rocksdb::Iterator> iterator(handle.db().NewIterator(options));
    std::vector<Entry> entries;
    std::size_t have = 0;
    for (iterator->Seek(user_key(from_)); iterator->Valid() && (entries.empty() || have < bytes); iterator->Next()) {
      TRY_ASSIGN(const StoredValue stored, decode_value({iterator->value().data(), iterator->value().size()}));
      have += iterator->key().size() + stored.bytes.size();
      entries.push_back({std::string(iterator->key().data() + 1, iterator->key().size() - 1), std::string(stored.bytes), stored.version});
    }
    if (!iterator->status().ok()) return to_error(iterator->status());
    if (!entries.empty()) from_ = entries.back().key + '\0';
    return entries;
  }

  const HandleSlot& slot_;
  const std::uint64_t handle_id_;
  const rocksdb::Snapshot* const frozen_;
  const Version at_;
  std::string from_;
};

/// The lock on the directory proves that whoever held these has ended.
Result<void> erase_leases(RocksHandle& handle) {
  rocksdb::WriteBatch erasures;
  RocksCursor cursor(handle, kLeasePrefix);
  for (cursor.seek(std::string(kLeasePrefix)); cursor.valid(); cursor.next()) {
    if (!erasures.Delete(user_key(cursor.key())).ok()) return Error{Code::kInternal, "too many leaderships"};
  }
  TRY(cursor.status());
  if (erasures.Count() == 0) return {};
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = handle.db().Write(options, &erasures);
  return status.ok() ? Result<void>() : to_error(status);
}

}  // namespace

RocksStorage::RocksStorage(const Clock& clock, std::unique_ptr<DataDirectory> directory)
    : clock_(clock),
      directory_(std::move(directory)),
      queue_(std::make_unique<CommitQueue>()),
      slot_(std::make_unique<HandleSlot>()) {}

RocksStorage::~RocksStorage() = default;

Result<std::unique_ptr<RocksStorage>> RocksStorage::open(RocksOptions options, const Clock& clock) {
  TRY_ASSIGN(auto directory, DataDirectory::open(options.path));
  TRY(Replacement::finish(options.path));
  std::unique_ptr<RocksStorage> store(new RocksStorage(clock, std::move(directory)));
  TRY_ASSIGN(auto handle, RocksHandle::open(options, RocksHandle::Mode::kReadWrite,
                                            [&queue = *store->queue_] { queue.wake(); }));
  TRY(erase_leases(*handle));
  store->hub_ = std::make_unique<WatchHub>(handle->opened_at());
  store->slot_->replace([&handle](std::unique_ptr<RocksHandle>) { return std::move(handle); });
  store->committer_ = std::make_unique<Committer>(options, *store->queue_, *store->slot_, *store->hub_);
  return store;
}

Result<std::optional<Entry>> RocksStorage::get(std::string_view key, ReadAt) const {
  return slot_->read([&](const RocksHandle& handle) -> Result<std::optional<Entry>> {
    rocksdb::PinnableSlice value;
    const rocksdb::Status status = handle.db().Get({}, handle.db().DefaultColumnFamily(), user_key(key), &value);
    if (status.IsNotFound()) return std::optional<Entry>();
    if (!status.ok()) return to_error(status);
    TRY_ASSIGN(const StoredValue stored, decode_value({value.data(), value.size()}));
    return std::optional<Entry>({std::string(key), std::string(stored.bytes), stored.version});
  });
}

Result<Page> RocksStorage::list(const ListOptions& options) const {
  return slot_->read([&](const RocksHandle& handle) -> Result<Page> {
    const Version at = committer_->durable();  // Before the snapshot that the cursor takes.
    RocksCursor cursor(handle, options.prefix);
    return list_page(cursor, options, at);
  });
}

void RocksStorage::commit(Batch batch, CommitDone done) { committer_->commit(std::move(batch), std::move(done)); }

Result<std::unique_ptr<View>> RocksStorage::view() const {
  return slot_->read([&](const RocksHandle& handle) -> Result<std::unique_ptr<View>> {
    const Version at = committer_->durable();
    TRY_ASSIGN(const rocksdb::Snapshot* frozen, handle.freeze());
    return std::unique_ptr<View>(std::make_unique<RocksView>(*slot_, handle.id(), frozen, at));
  });
}

Result<Version> RocksStorage::replace(const EntrySource& source) { return committer_->replace(source); }

Resolution RocksStorage::resolve(const RequestId& request_id) { return committer_->resolve(request_id); }

Result<std::unique_ptr<Watch>> RocksStorage::watch(std::string_view prefix, Version from, Watcher& watcher) {
  return hub_->watch(prefix, from, committer_->durable(), watcher);
}

Result<std::unique_ptr<Leadership>> RocksStorage::campaign(std::string_view job, std::int64_t ttl_ms) {
  return campaign_on(*this, clock_, job, ttl_ms);
}

Result<Version> RocksStorage::latest() const { return committer_->durable(); }

Storage::Health RocksStorage::health() const { return committer_->health(); }

}  // namespace keyhold::storage
