#include "storage/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keyhold::storage {

namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kOthersMask = 0077;

Error system_error(const char* what) { return {Code::kInternal, std::string(what) + ": " + std::strerror(errno)}; }

Result<void> make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST) return {};
  const std::size_t slash = path.find_last_of('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0) return system_error("creating the storage directory");
  TRY(make_directories(path.substr(0, slash)));
  if (::mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST) return {};
  return system_error("creating the storage directory");
}

Result<void> check_private(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return system_error("opening the storage directory");
  if (!S_ISDIR(status.st_mode)) return Error{Code::kInvalid, "the storage path is not a directory"};
  if (status.st_uid != ::geteuid()) return Error{Code::kInvalid, "the storage directory belongs to another user"};
  if ((status.st_mode & kOthersMask) != 0) {
    return Error{Code::kInvalid, "the storage directory is open to other users: its mode must be 0700"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const std::string& path) {
  TRY(make_directories(path));
  TRY(check_private(path));
  // Not RocksDB's own lock: that one is let go while the store is re-opened after a failure.
  const int fd = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (fd < 0) return system_error("opening the storage lock");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    const Error error = system_error("locking the storage directory");
    ::close(fd);
    if (held) return Error{Code::kUnavailable, "the storage directory is in use by another process"};
    return error;
  }
  return std::unique_ptr<DataDirectory>(new DataDirectory(path, fd));
}

DataDirectory::~DataDirectory() { ::close(lock_fd_); }

}  // namespace keyhold::storage
