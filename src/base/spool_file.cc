#include "base/spool_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace keyhold {
namespace {

constexpr mode_t kMode = 0600;

Error failed(const char* what) { return {Code::kUnavailable, std::string(what) + ": " + std::strerror(errno)}; }

}  // namespace

Result<std::unique_ptr<SpoolFile>> SpoolFile::create(const std::string& directory) {
  const int fd = directory.empty() ? ::memfd_create("keyhold", MFD_CLOEXEC) : ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kMode);
  if (fd < 0) return failed("a file for what is on its way cannot be made");
  return std::unique_ptr<SpoolFile>(new SpoolFile(fd, 0));
}

Result<std::unique_ptr<SpoolFile>> SpoolFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT ? Error{Code::kNotFound, "there is no such file"} : failed("the file cannot be read");
  struct stat status;
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) {
    ::close(fd);
    return Error{Code::kInvalid, "this is no regular file"};
  }
  return std::unique_ptr<SpoolFile>(new SpoolFile(fd, static_cast<std::uint64_t>(status.st_size)));
}

SpoolFile::~SpoolFile() { ::close(fd_); }

Result<void> SpoolFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed("what is on its way cannot be kept");
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> SpoolFile::read_at(std::uint64_t offset, std::span<char> into) const {
  for (;;) {
    const ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("the file cannot be read");
    return static_cast<std::size_t>(got);
  }
}

}  // namespace keyhold
