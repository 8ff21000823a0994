#include "storage/replacement.h"

#include <fcntl.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "storage/encoding.h"
#include "storage/rocks_handle.h"

namespace keyhold::storage {

namespace {

namespace files = std::filesystem;

constexpr std::string_view kNew = "db.new";
constexpr std::string_view kOld = "db.old";

std::string below(const std::string& path, std::string_view folder) { return path + "/" + std::string(folder); }

bool is_there(const std::string& path) {
  std::error_code ignored;
  return files::exists(path, ignored);
}

void remove_all(const std::string& path) {
  std::error_code ignored;
  files::remove_all(path, ignored);
}

/// The rename is not durable before sync().
Result<void> rename(const std::string& path, std::string_view from, std::string_view to) {
  if (::rename(below(path, from).c_str(), below(path, to).c_str()) == 0) return {};
  return Error{Code::kUnavailable, "the store's folders cannot be renamed"};
}

Result<void> sync(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  return synced ? Result<void>() : Error{Code::kUnavailable, "the storage directory cannot be synced"};
}

/// Of two folders, `from` takes the place of the database, which becomes `aside`.
Result<void> exchange(const std::string& path, std::string_view from, std::string_view aside) {
  TRY(rename(path, RocksHandle::kFolder, aside));
  if (auto renamed = rename(path, from, RocksHandle::kFolder); !renamed.ok()) {
    static_cast<void>(rename(path, aside, RocksHandle::kFolder));
    return renamed;
  }
  return sync(path);
}

}  // namespace

Replacement::Replacement(const RocksOptions& options) : options_(options) {}

Result<void> Replacement::build(const EntrySource& source, Version at) {
  remove_all(below(options_.path, kNew));
  auto written = write(source, at);
  if (written.ok()) return sync(options_.path);
  return written;
}

Result<void> Replacement::write(const EntrySource& source, Version at) const {
  TRY_ASSIGN(const auto handle, RocksHandle::open(options_, RocksHandle::Mode::kReadWrite, [] {}, kNew));
  const std::string header = big_endian(at);
  rocksdb::WriteOptions unlogged;  // Flushed as a whole at the end.
  unlogged.disableWAL = true;
  for (;;) {
    TRY_ASSIGN(const auto entries, source());
    if (entries.empty()) break;
    rocksdb::WriteBatch writes;
    for (const Entry& entry : entries) {
      TRY(check_entry(entry));
      if (!writes.Put(user_key(entry.key), header + entry.value).ok()) return Error{Code::kTooLarge, "too much at once"};
    }
    if (handle->alarm().raised()) return Error{Code::kUnavailable, "the store failed"};
    if (const auto status = handle->db().Write(unlogged, &writes); !status.ok()) return to_error(status);
  }
  rocksdb::WriteBatch counter;
  counter.Put(rocksdb::Slice(kCounterKey), big_endian(at));
  if (const auto status = handle->db().Write(unlogged, &counter); !status.ok()) return to_error(status);
  if (const auto status = handle->db().Flush({}); !status.ok()) return to_error(status);
  return {};
}

Result<void> Replacement::swap() const { return exchange(options_.path, kNew, kOld); }

Result<void> Replacement::swap_back() const { return exchange(options_.path, kOld, kNew); }

void Replacement::tidy_up() const {
  remove_all(below(options_.path, kNew));
  remove_all(below(options_.path, kOld));
}

Result<void> Replacement::finish(const std::string& path) {
  const bool interrupted = !is_there(below(path, RocksHandle::kFolder)) && is_there(below(path, kOld));
  if (interrupted) {
    // The new content was whole before the old one was put aside.
    TRY(rename(path, is_there(below(path, kNew)) ? kNew : kOld, RocksHandle::kFolder));
    TRY(sync(path));
  }
  remove_all(below(path, kNew));
  remove_all(below(path, kOld));
  return {};
}

}  // namespace keyhold::storage
