#include "storage/fault_file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace keyhold::storage {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr std::uint64_t kReplacedBytesMax = 4096;  // Only CURRENT is renamed over.

DiskFault::File file_kind(std::string_view name) {
  const std::string_view base = name.substr(name.find_last_of('/') + 1);
  if (base.ends_with(".log")) return DiskFault::File::kWal;
  if (base.ends_with(".sst")) return DiskFault::File::kTable;
  if (base.starts_with("MANIFEST-")) return DiskFault::File::kManifest;
  if (base == "CURRENT" || base.ends_with(".dbtmp")) return DiskFault::File::kCurrent;
  return DiskFault::File::kOther;
}

IOStatus failure(DiskFault::Errno error) {
  return error == DiskFault::Errno::kNoSpace ? IOStatus::NoSpace("injected") : IOStatus::IOError("injected");
}

std::string directory_of(const std::string& name) { return name.substr(0, name.find_last_of('/')); }

std::optional<std::string> small_content(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return std::nullopt;
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (content.size() > kReplacedBytesMax) return std::nullopt;
  return content;
}

void damage_sector(const std::string& name, std::uint64_t at, std::size_t bytes) {
  const int fd = ::open(name.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const std::string garbage(bytes, '\x5a');
  static_cast<void>(!::pwrite(fd, garbage.data(), garbage.size(), static_cast<off_t>(at)));
  ::close(fd);
}

}  // namespace

class FaultFileSystem::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultFileSystem& files, std::string name, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), name_(std::move(name)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const Verdict verdict = files_.pass(name_, DiskFault::Call::kAppend);
    const std::size_t bytes = kept(data.size(), verdict);
    if (bytes > 0) {
      const IOStatus status = FSWritableFileOwnerWrapper::Append(Slice(data.data(), bytes), options, debug);
      if (!status.ok()) return status;
      files_.appended(name_, bytes);
    }
    return verdict.status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return synced([&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return synced([&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = FSWritableFileOwnerWrapper::Close(options, debug);
    files_.closed(name_);
    return status;
  }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  static std::size_t kept(std::size_t bytes, const Verdict& verdict) {
    if (verdict.status.ok()) return bytes;
    switch (verdict.leaves) {
      case DiskFault::Leaves::kAll: return bytes;
      case DiskFault::Leaves::kHalf: return bytes / 2;
      case DiskFault::Leaves::kNothing: return 0;
    }
    return 0;
  }

  template <typename DoSync>
  IOStatus synced(DoSync do_sync) {
    const Verdict verdict = files_.pass(name_, DiskFault::Call::kSync);
    if (!verdict.status.ok()) {
      files_.sync_failed(name_, verdict.leaves);
      return verdict.status;
    }
    const IOStatus status = do_sync();
    if (status.ok()) files_.synced(name_);
    return status;
  }

  FaultFileSystem& files_;
  const std::string name_;
};

class FaultFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultFileSystem& files, std::string name, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), files_(files), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return synced([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return synced([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how); });
  }

 private:
  template <typename DoSync>
  IOStatus synced(DoSync do_sync) {
    const Verdict verdict = files_.pass(name_, DiskFault::Call::kDirectorySync);
    if (!verdict.status.ok()) return verdict.status;
    const IOStatus status = do_sync();
    if (status.ok()) {
      const MutexLock lock(files_.mutex_);
      files_.names_are_durable(name_);
    }
    return status;
  }

  FaultFileSystem& files_;
  const std::string name_;
};

void FaultFileSystem::inject(DiskFault fault) {
  const MutexLock lock(mutex_);
  fault_ = fault;
  matching_ = 0;
  fired_ = false;
}

void FaultFileSystem::heal() {
  const MutexLock lock(mutex_);
  fault_.reset();
}

bool FaultFileSystem::fired() const {
  const MutexLock lock(mutex_);
  return fired_;
}

void FaultFileSystem::cut_power_after(std::uint64_t calls) {
  const MutexLock lock(mutex_);
  calls_until_cut_ = calls;
}

bool FaultFileSystem::power_is_cut() const {
  const MutexLock lock(mutex_);
  return power_is_cut_;
}

void FaultFileSystem::set_free_space(std::optional<std::uint64_t> bytes) {
  const MutexLock lock(mutex_);
  free_space_ = bytes;
}

FaultFileSystem::Verdict FaultFileSystem::pass(const std::string& name, DiskFault::Call call) {
  const MutexLock lock(mutex_);
  if (calls_until_cut_ && (*calls_until_cut_)-- == 0) {
    calls_until_cut_.reset();
    power_is_cut_ = true;
  }
  if (power_is_cut_) return {IOStatus::IOError("injected: no power"), DiskFault::Leaves::kNothing};
  if (!fault_) return {};
  if (fault_->file != DiskFault::File::kAny && fault_->file != file_kind(name)) return {};
  if (fault_->call != DiskFault::Call::kAny && fault_->call != call) return {};
  if (++matching_ < fault_->nth) return {};
  const DiskFault fault = *fault_;
  fired_ = true;
  if (fault.lasts == DiskFault::Lasts::kOnce) fault_.reset();
  return {failure(fault.error), fault.leaves};
}

void FaultFileSystem::appended(const std::string& name, std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  tails_[name].written += bytes;
}

void FaultFileSystem::synced(const std::string& name) {
  const MutexLock lock(mutex_);
  Tail& tail = tails_[name];
  tail.synced = tail.written;
}

void FaultFileSystem::sync_failed(const std::string& name, DiskFault::Leaves leaves) {
  const MutexLock lock(mutex_);
  if (power_is_cut_ || leaves == DiskFault::Leaves::kAll) return;
  Tail& tail = tails_[name];
  const std::uint64_t unsynced = tail.written - tail.synced;
  tail.written = tail.synced + (leaves == DiskFault::Leaves::kHalf ? unsynced / 2 : 0);
  tail.cut = true;
  static_cast<void>(!::truncate(name.c_str(), static_cast<off_t>(tail.written)));
}

void FaultFileSystem::closed(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto found = tails_.find(name);
  if (found == tails_.end() || !found->second.cut) return;
  static_cast<void>(!::truncate(name.c_str(), static_cast<off_t>(found->second.written)));
}

void FaultFileSystem::names_are_durable(const std::string& directory) {
  std::erase_if(namings_, [&](const Naming& naming) { return directory_of(naming.name) == directory; });
}

void FaultFileSystem::lose_names() {
  const std::size_t kept = random_() % (namings_.size() + 1);
  while (namings_.size() > kept) {
    const Naming& last = namings_.back();
    if (last.replaced) {
      std::ofstream(last.name, std::ios::binary | std::ios::trunc) << *last.replaced;
    } else {
      ::unlink(last.name.c_str());
    }
    tails_.erase(last.name);
    namings_.pop_back();
  }
  namings_.clear();
}

void FaultFileSystem::lose_tail(const std::string& name, const Tail& tail) {
  const std::uint64_t unsynced = tail.written - tail.synced;
  const std::uint64_t kept = unsynced == 0 ? 0 : random_() % (unsynced + 1);
  if (::truncate(name.c_str(), static_cast<off_t>(tail.synced + kept)) != 0) return;
  if (kept > 0 && file_kind(name) != DiskFault::File::kManifest && random_() % 2 == 0) {
    const std::uint64_t at = random_() % kept;
    damage_sector(name, tail.synced + at, std::min<std::uint64_t>(kSectorBytes, kept - at));
  }
}

void FaultFileSystem::drop_unsynced_writes() {
  const MutexLock lock(mutex_);
  lose_names();
  for (const auto& [name, tail] : tails_) lose_tail(name, tail);
  tails_.clear();
  calls_until_cut_.reset();
  power_is_cut_ = false;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  const Verdict verdict = pass(name, DiskFault::Call::kCreate);
  if (!verdict.status.ok()) return verdict.status;
  std::unique_ptr<rocksdb::FSWritableFile> real;
  const IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &real, debug);
  if (!status.ok()) return status;
  {
    const MutexLock lock(mutex_);
    tails_[name] = Tail{};
    namings_.push_back({name, std::nullopt});
  }
  *file = std::make_unique<File>(*this, name, std::move(real));
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> real;
  const IOStatus status = FileSystemWrapper::NewDirectory(name, options, &real, debug);
  if (status.ok()) *directory = std::make_unique<Directory>(*this, name, std::move(real));
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  {
    const MutexLock lock(mutex_);
    if (power_is_cut_) return IOStatus::IOError("injected: no power");
    tails_.erase(name);
    names_are_durable(directory_of(name));
  }
  return FileSystemWrapper::DeleteFile(name, options, debug);
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
  const Verdict verdict = pass(to, DiskFault::Call::kRename);
  if (!verdict.status.ok()) return verdict.status;
  std::optional<std::string> replaced = small_content(to);
  const IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const MutexLock lock(mutex_);
  tails_[to] = tails_[from];
  tails_.erase(from);
  namings_.push_back({to, std::move(replaced)});
  return status;
}

IOStatus FaultFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options, std::uint64_t* free_bytes,
                                       IODebugContext* debug) {
  {
    const MutexLock lock(mutex_);
    if (free_space_) {
      *free_bytes = *free_space_;
      return IOStatus::OK();
    }
  }
  return FileSystemWrapper::GetFreeSpace(path, options, free_bytes, debug);
}

}  // namespace keyhold::storage
