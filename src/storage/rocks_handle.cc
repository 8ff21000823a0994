#include "storage/rocks_handle.h"

#include <rocksdb/write_batch.h>

#include <utility>

#include "storage/encoding.h"
#include "storage/rocks_settings.h"

namespace keyhold::storage {

namespace {

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string format_record() {
  // Least reader in the upper half, least writer in the lower.
  return big_endian(std::uint64_t{kStoreFormat} << 32 | kStoreFormat);
}

}  // namespace

std::string user_key(std::string_view key) {
  std::string raw;
  raw.reserve(1 + key.size());
  raw.push_back(kUserSpace);
  raw.append(key);
  return raw;
}

Result<StoredValue> decode_value(std::string_view stored) {
  const auto version = from_big_endian(stored.substr(0, kUint64Bytes));
  if (!version || *version == 0) return Error{Code::kCorrupt, "a stored value has no version"};
  return StoredValue{*version, stored.substr(kUint64Bytes)};
}

Error to_error(const rocksdb::Status& status) {
  if (status.IsCorruption()) return {Code::kCorrupt, "the store is damaged"};
  return {Code::kUnavailable, "the store failed"};
}

void Alarm::raise(std::string reason) {
  {
    const MutexLock lock(mutex_);
    if (reason_.empty()) reason_ = std::move(reason);
  }
  raised_.store(true, std::memory_order_release);
  ring_();
}

std::string Alarm::reason() const {
  const MutexLock lock(mutex_);
  return reason_;
}

Result<std::unique_ptr<RocksHandle>> RocksHandle::open(const RocksOptions& options, Mode mode,
                                                       std::function<void()> alarm_ring, std::string_view folder) {
  auto alarm = std::make_shared<Alarm>(std::move(alarm_ring));
  std::unique_ptr<RocksHandle> handle(new RocksHandle(mode, make_env(options), alarm));
  const rocksdb::Options settings = make_settings(options, *handle->env_, alarm);
  const std::string path = options.path + "/" + std::string(folder);
  // Otherwise RocksDB warns that it is not there yet.
  if (mode == Mode::kReadWrite) handle->env_->CreateDirIfMissing(path).PermitUncheckedError();
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = mode == Mode::kReadWrite ? rocksdb::DB::Open(settings, path, &db)
                                                          : rocksdb::DB::OpenForReadOnly(settings, path, &db);
  handle->db_.reset(db);
  if (!status.ok()) {
    if (options.warn) options.warn("opening the store failed: " + status.ToString());
    return to_error(status);
  }
  TRY(handle->load_format());
  return handle;
}

RocksHandle::~RocksHandle() {
  {
    const MutexLock lock(frozen_mutex_);
    for (const rocksdb::Snapshot* frozen : frozen_) db_->ReleaseSnapshot(frozen);
  }
  // A failed handle says here that it has seen an error, which its alarm has told already.
  if (db_ != nullptr) db_->Close().PermitUncheckedError();
}

Result<void> RocksHandle::load_format() {
  TRY_ASSIGN(const auto format, get_raw(kFormatKey));
  if (!format) return create_format();
  const auto formats = from_big_endian(*format);
  if (!formats) return Error{Code::kCorrupt, "the store's format record is damaged"};
  const auto least_reader = static_cast<std::uint32_t>(*formats >> 32);
  const auto least_writer = static_cast<std::uint32_t>(*formats);
  if (least_reader > kStoreFormat || least_writer > kStoreFormat) {
    return Error{Code::kUnsupported, "the store was written by a newer version of Keyhold"};
  }
  TRY_ASSIGN(const auto counter, get_raw(kCounterKey));
  const auto version = from_big_endian(counter.value_or(""));
  if (!version) return Error{Code::kCorrupt, "the store's version counter is damaged"};
  opened_at_ = *version;
  return {};
}

Result<void> RocksHandle::create_format() {
  if (mode_ == Mode::kReadOnly) return Error{Code::kUnavailable, "the store is not created yet"};
  const std::unique_ptr<rocksdb::Iterator> any(db_->NewIterator({}));
  any->SeekToFirst();
  if (!any->status().ok()) return to_error(any->status());
  if (any->Valid()) return Error{Code::kCorrupt, "the store has no format record"};
  rocksdb::WriteBatch writes;
  writes.Put(rocksdb::Slice(kFormatKey), format_record());
  writes.Put(rocksdb::Slice(kCounterKey), big_endian(0));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status status = db_->Write(synced, &writes);
  return status.ok() ? Result<void>() : to_error(status);
}

Result<std::optional<std::string>> RocksHandle::get_raw(std::string_view raw_key) const {
  std::string value;
  const rocksdb::Status status = db_->Get({}, rocksdb::Slice(raw_key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return to_error(status);
  return std::optional<std::string>(std::move(value));
}

Result<Version> RocksHandle::version_of(std::string_view key) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get({}, db_->DefaultColumnFamily(), user_key(key), &value);
  if (status.IsNotFound()) return Version{0};
  if (!status.ok()) return to_error(status);
  TRY_ASSIGN(const StoredValue stored, decode_value(view(value)));
  return stored.version;
}

std::uint64_t RocksHandle::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

Result<const rocksdb::Snapshot*> RocksHandle::freeze() const {
  const rocksdb::Snapshot* frozen = db_->GetSnapshot();
  if (frozen == nullptr) return Error{Code::kUnavailable, "the store cannot be read as of one moment"};
  const MutexLock lock(frozen_mutex_);
  frozen_.insert(frozen);
  return frozen;
}

void RocksHandle::let_go(const rocksdb::Snapshot* frozen) const {
  const MutexLock lock(frozen_mutex_);
  if (frozen_.erase(frozen) > 0) db_->ReleaseSnapshot(frozen);
}

void HandleSlot::replace(const std::function<std::unique_ptr<RocksHandle>(std::unique_ptr<RocksHandle>)>& make) {
  replacing_.store(true, std::memory_order_release);
  {
    const WriterLock lock(mutex_);
    handle_ = make(std::move(handle_));
  }
  replacing_.store(false, std::memory_order_release);
  replacing_.notify_all();
}

}  // namespace keyhold::storage
