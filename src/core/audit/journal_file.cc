#include "core/audit/journal_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace keyhold::core::audit {

ssize_t FileCalls::write(int fd, const char* data, std::size_t size) { return ::write(fd, data, size); }
int FileCalls::truncate(int fd, off_t size) { return ::ftruncate(fd, size); }
int FileCalls::sync_data(int fd) { return ::fdatasync(fd); }

Error system_error(std::string_view what) {
  return {Code::kUnavailable, std::string(what) + " (" + std::generic_category().message(errno) + ")"};
}

Result<Descriptor> open_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("the audit journal's directory cannot be made");
  }
  Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!directory.valid() || ::fstat(directory.get(), &status) != 0) {
    return system_error("the audit journal's directory cannot be opened");
  }
  if (status.st_uid != ::geteuid()) {
    return Error{Code::kUnavailable, "the audit journal's directory belongs to another user"};
  }
  if ((status.st_mode & 077) != 0 && ::fchmod(directory.get(), 0700) != 0) {
    return system_error("the audit journal's directory is open to others");
  }
  return directory;
}

JournalFile::JournalFile(std::string path, std::string name, Descriptor directory, Descriptor file, FileCalls& calls)
    : path_(std::move(path)),
      name_(std::move(name)),
      directory_(std::move(directory)),
      file_(std::move(file)),
      calls_(calls) {}

Result<std::shared_ptr<JournalFile>> JournalFile::create(const std::string& directory, std::string name,
                                                         FileCalls& calls) {
  TRY_ASSIGN(Descriptor folder, open_directory(directory));
  Descriptor file(::openat(folder.get(), name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return system_error("an audit journal file cannot be made");
  std::string path = directory + "/" + name;
  return std::shared_ptr<JournalFile>(
      new JournalFile(std::move(path), std::move(name), std::move(folder), std::move(file), calls));
}

Result<void> JournalFile::cut_tail() {
  if (!tail_torn_) return {};
  if (calls_.truncate(file_.get(), static_cast<off_t>(bytes_)) != 0) {
    return system_error("a torn line of the audit journal cannot be cut off");
  }
  tail_torn_ = false;
  return {};
}

Result<void> JournalFile::append(std::string_view bytes) {
  TRY(cut_tail());
  ssize_t written = 0;
  do {
    written = calls_.write(file_.get(), bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(bytes.size())) {
    bytes_ += bytes.size();
    return {};
  }
  if (written >= 0) errno = ENOSPC;  // A regular file takes less than all only when space runs out.
  Error error = system_error("the audit journal cannot be written");
  tail_torn_ = true;
  // If this fails, the next append tries again before it writes.
  if (const auto cut = cut_tail(); !cut.ok()) error.message += "; " + cut.error().message;
  return error;
}

Result<void> JournalFile::sync() {
  if (calls_.sync_data(file_.get()) != 0) return system_error("the audit journal cannot be synced");
  if (!directory_synced_) {
    if (::fsync(directory_.get()) != 0) return system_error("the audit journal's directory cannot be synced");
    directory_synced_ = true;
  }
  return {};
}

bool JournalFile::in_place() const {
  struct stat ours{};
  struct stat named{};
  return ::fstat(file_.get(), &ours) == 0 && ours.st_nlink > 0 && ::lstat(path_.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

void JournalFile::discard() { ::unlinkat(directory_.get(), name_.c_str(), 0); }

Result<void> replace_file(const std::string& directory, const std::string& name, std::string_view content) {
  TRY_ASSIGN(const Descriptor folder, open_directory(directory));
  const std::string temporary = name + ".new";
  ::unlinkat(folder.get(), temporary.c_str(), 0);
  const Descriptor file(
      ::openat(folder.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid() || ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::fsync(file.get()) != 0 || ::renameat(folder.get(), temporary.c_str(), folder.get(), name.c_str()) != 0 ||
      ::fsync(folder.get()) != 0) {
    return system_error("a file of the audit journal cannot be written");
  }
  return {};
}

}  // namespace keyhold::core::audit
