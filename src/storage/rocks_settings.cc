#include "storage/rocks_settings.h"

#include <rocksdb/cache.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/system_clock.h>
#include <rocksdb/table.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace keyhold::storage {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr int kSleepMicrosMax = 10'000;
constexpr int kCacheShardBits = 4;
constexpr double kBloomBitsPerKey = 10;
constexpr std::size_t kBlockBytes = 16 * 1024;
constexpr std::size_t kLogLineBytesMax = 512;

class PrivateFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "keyhold.PrivateFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    return made_private(FileSystemWrapper::NewWritableFile(name, options, file, debug), name, kFileMode);
  }
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override {
    return made_private(FileSystemWrapper::ReopenWritableFile(name, options, file, debug), name, kFileMode);
  }
  rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options, rocksdb::FileLock** lock,
                             rocksdb::IODebugContext* debug) override {
    return made_private(FileSystemWrapper::LockFile(name, options, lock, debug), name, kFileMode);
  }
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override {
    return made_private(FileSystemWrapper::CreateDirIfMissing(name, options, debug), name, kDirectoryMode);
  }

 private:
  static rocksdb::IOStatus made_private(rocksdb::IOStatus status, const std::string& name, mode_t mode) {
    if (!status.ok() || ::chmod(name.c_str(), mode) == 0) return status;
    return rocksdb::IOStatus::IOError("cannot make a file private", std::strerror(errno));
  }
};

/// After a failed flush RocksDB's thread sleeps for a second before a retry that never comes here, and closing waits for it
/// while readers wait for the re-open. The sleeps that pace writers are shorter than the bound.
class ImpatientClock final : public rocksdb::SystemClockWrapper {
 public:
  using rocksdb::SystemClockWrapper::SystemClockWrapper;
  const char* Name() const override { return "keyhold.ImpatientClock"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, kSleepMicrosMax));
  }
};

class StoreEnv final : public rocksdb::EnvWrapper {
 public:
  explicit StoreEnv(const std::shared_ptr<rocksdb::FileSystem>& files) : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    system_clock_ = std::make_shared<ImpatientClock>(system_clock_);
  }
};

/// RocksDB's default logger is a file, and one failed write to it aborts the process in Debian's build.
class OperatorLogger final : public rocksdb::Logger {
 public:
  explicit OperatorLogger(std::function<void(std::string_view)> warn)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), warn_(std::move(warn)) {}

  void LogHeader(const char*, va_list) override {}
  void Logv(const char*, va_list) override {}
  [[gnu::format(printf, 3, 0)]] void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (!warn_ || level < rocksdb::InfoLogLevel::WARN_LEVEL) return;
    std::array<char, kLogLineBytesMax> line;
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (length > 0) warn_({line.data(), std::min(static_cast<std::size_t>(length), line.size() - 1)});
  }

 private:
  const std::function<void(std::string_view)> warn_;
};

class FailureListener final : public rocksdb::EventListener {
 public:
  explicit FailureListener(std::shared_ptr<Alarm> alarm) : alarm_(std::move(alarm)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    alarm_->raise(status->ToString());
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::shared_ptr<Alarm> alarm_;
};

rocksdb::BlockBasedTableOptions table_settings(const RocksOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, kCacheShardBits);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.block_size = kBlockBytes;
  table.format_version = 5;
  return table;
}

}  // namespace

std::unique_ptr<rocksdb::Env> make_env(const RocksOptions& options) {
  const auto base = options.file_system ? options.file_system : rocksdb::FileSystem::Default();
  return std::make_unique<StoreEnv>(std::make_shared<PrivateFileSystem>(base));
}

rocksdb::Options make_settings(const RocksOptions& options, rocksdb::Env& env, std::shared_ptr<Alarm> alarm) {
  rocksdb::Options settings;
  settings.env = &env;
  settings.info_log = std::make_shared<OperatorLogger>(options.warn);
  settings.listeners.push_back(std::make_shared<FailureListener>(std::move(alarm)));
  settings.create_if_missing = true;
  settings.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_settings(options)));
  settings.compression = rocksdb::kNoCompression;  // Values are ciphertext.
  settings.write_buffer_size = options.write_buffer_bytes;
  settings.max_write_buffer_number = 2;
  settings.max_background_jobs = 2;
  settings.max_open_files = 256;
  settings.level_compaction_dynamic_level_bytes = true;
  settings.skip_stats_update_on_db_open = true;
  settings.stats_dump_period_sec = 0;
  settings.stats_persist_period_sec = 0;
  return settings;
}

}  // namespace keyhold::storage
