#include "core/audit/forward/file_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace keyhold::core::audit {
namespace {

Error refused(std::string_view reason) {
  return {Code::kUnavailable, "the audit device's file is refused: " + std::string(reason)};
}

}  // namespace

Result<FileSink> FileSink::open(const std::string& path, std::uint32_t mode, FileCalls& calls) {
  // Non-blocking, or a pipe without a reader would hold us here.
  Descriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                         static_cast<mode_t>(mode)));
  if (!file.valid()) {
    if (errno == ELOOP) return refused("it is a symbolic link");
    return system_error("the audit device's file cannot be opened");
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return system_error("the audit device's file cannot be opened");
  if (!S_ISREG(status.st_mode)) return refused("it is not a regular file");
  if (status.st_uid != ::geteuid()) return refused("it belongs to another user");
  if (status.st_nlink > 1) return refused("it has a second name");
  if ((status.st_mode & 07777) != mode && ::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) {
    return system_error("the audit device's file cannot be given its mode");
  }
  char last = '\n';
  if (status.st_size > 0 && ::pread(file.get(), &last, 1, status.st_size - 1) != 1) {
    return system_error("the audit device's file cannot be read");
  }
  return FileSink(std::move(file), calls, last != '\n');
}

Result<void> FileSink::append(std::string_view& bytes) {
  out_of_space_ = false;
  while (!bytes.empty()) {
    const std::string_view part = torn_ ? std::string_view("\n") : bytes;
    const ssize_t written = calls_->write(file_.get(), part.data(), part.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (written == 0) errno = ENOSPC;
      out_of_space_ = errno == ENOSPC || errno == EDQUOT;
      return system_error("the audit device's file cannot be written");
    }
    if (!torn_) bytes.remove_prefix(static_cast<std::size_t>(written));
    torn_ = false;
  }
  return {};
}

Result<void> FileSink::sync() {
  if (calls_->sync_data(file_.get()) != 0) return system_error("the audit device's file cannot be synced");
  return {};
}

bool FileSink::linked() const {
  struct stat status{};
  return ::fstat(file_.get(), &status) == 0 && status.st_nlink > 0;
}

}  // namespace keyhold::core::audit
