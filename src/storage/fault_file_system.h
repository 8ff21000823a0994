#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace keyhold::storage {

/// What is to fail beneath RocksDB.
struct DiskFault {
  enum class File { kAny, kWal, kTable, kManifest, kCurrent, kOther };
  enum class Call { kAny, kCreate, kAppend, kSync, kRename, kDirectorySync };
  enum class Errno { kIo, kNoSpace };
  enum class Lasts { kOnce, kUntilHealed };
  /// What a failed append leaves of its bytes, and a failed sync of those not synced; the rest is cut off the file.
  enum class Leaves { kAll, kHalf, kNothing };

  File file = File::kAny;
  Call call = Call::kAny;
  Errno error = Errno::kIo;
  Lasts lasts = Lasts::kOnce;
  Leaves leaves = Leaves::kNothing;
  std::uint64_t nth = 1;  // The first matching call that fails, counted from now on.
};

/// The system's files with faults and power cuts, for tests: below RocksDB, above the system.
///
/// A power cut loses what was not synced, as a journaling file system may. Of each file's unsynced tail a random length is
/// kept, in which one sector is damaged at times (not in a manifest: RocksDB expects its tail cut, never garbage). Of
/// the files created and renamed in a directory since its last sync the later ones are undone, from a random one on.
/// Deletions are durable at once, and with them all before them.
///
/// threads   Any.
class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(std::uint64_t seed) : FileSystemWrapper(FileSystem::Default()), random_(seed) {}
  const char* Name() const override { return "keyhold.FaultFileSystem"; }

  void inject(DiskFault fault);
  /// Ends the fault.
  void heal();
  /// Whether the fault has hit.
  bool fired() const;

  /// After this many more writing calls the power goes: every writing call from then on fails and does nothing.
  void cut_power_after(std::uint64_t calls);
  bool power_is_cut() const;
  /// To be called when the store is destroyed: loses what was not synced, then switches the power on.
  void drop_unsynced_writes();

  /// What free-space questions are answered with; nullopt: the truth.
  void set_free_space(std::optional<std::uint64_t> bytes);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options, std::uint64_t* free_bytes,
                                 rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class Directory;

  struct Tail {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
    bool cut = false;                     // A failed sync has lost some of it.
  };
  /// A file created or renamed whose directory was not synced since.
  struct Naming {
    std::string name;
    std::optional<std::string> replaced;  // The file that a rename put this one over.
  };

  struct Verdict {
    rocksdb::IOStatus status;
    DiskFault::Leaves leaves = DiskFault::Leaves::kAll;
  };
  /// Counts a writing call and says whether it fails.
  Verdict pass(const std::string& name, DiskFault::Call call);

  void appended(const std::string& name, std::uint64_t bytes);
  void synced(const std::string& name);
  /// A failed sync may have lost the tail for good.
  void sync_failed(const std::string& name, DiskFault::Leaves leaves);
  /// Cuts off again what closing gave back to a file that had lost its tail: RocksDB sets the length it thinks it wrote.
  void closed(const std::string& name);
  void names_are_durable(const std::string& directory) REQUIRES(mutex_);
  void lose_names() REQUIRES(mutex_);
  void lose_tail(const std::string& name, const Tail& tail) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::mt19937_64 random_ GUARDED_BY(mutex_);
  std::optional<DiskFault> fault_ GUARDED_BY(mutex_);
  std::uint64_t matching_ GUARDED_BY(mutex_) = 0;
  bool fired_ GUARDED_BY(mutex_) = false;
  std::optional<std::uint64_t> calls_until_cut_ GUARDED_BY(mutex_);
  bool power_is_cut_ GUARDED_BY(mutex_) = false;
  std::optional<std::uint64_t> free_space_ GUARDED_BY(mutex_);
  std::map<std::string, Tail> tails_ GUARDED_BY(mutex_);
  std::vector<Naming> namings_ GUARDED_BY(mutex_);  // In their order.
};

}  // namespace keyhold::storage
