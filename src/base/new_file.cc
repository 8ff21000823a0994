#include "base/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace keyhold {
namespace {

/// With the slash at its end; empty for the working directory.
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

/// Not over what is there. Some file systems (NFS) cannot rename so, others (FAT) cannot link.
bool rename_to_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL || ::link(from.c_str(), to.c_str()) != 0) return false;
  ::unlink(from.c_str());
  return true;
}

}  // namespace

Result<NewFile> NewFile::create(std::string path) {
  std::string hidden = folder_of(path) + ".keyhold-XXXXXX";
  Descriptor file(::mkostemp(hidden.data(), O_CLOEXEC));  // Mode 0600.
  if (!file.valid()) hidden.clear();
  NewFile made(std::move(file), std::move(path), std::move(hidden));
  if (!made.file_.valid()) return made.failed();
  return made;
}

NewFile::NewFile(Descriptor file, std::string path, std::string hidden)
    : file_(std::move(file)), path_(std::move(path)), hidden_(std::move(hidden)) {}

NewFile::NewFile(NewFile&& other) noexcept
    : file_(std::move(other.file_)), path_(std::move(other.path_)), hidden_(std::exchange(other.hidden_, {})), bytes_(other.bytes_) {}

NewFile::~NewFile() {
  if (!hidden_.empty()) ::unlink(hidden_.c_str());
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed();
    bytes_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> NewFile::finish(Replace replace, mode_t mode) {
  if (::fchmod(file_.get(), mode) != 0 || ::fsync(file_.get()) != 0) return failed();
  const bool named = replace == Replace::kNothing ? rename_to_new(hidden_, path_) : ::rename(hidden_.c_str(), path_.c_str()) == 0;
  if (!named) return failed();
  hidden_.clear();
  const std::string folder = folder_of(path_);
  const Descriptor names(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!names.valid() || ::fsync(names.get()) != 0) return failed();
  return {};
}

Error NewFile::failed() const {
  if (errno == EEXIST) return {Code::kConflict, "cannot write " + path_ + ": there is something of that name already"};
  return {Code::kUnavailable, "cannot write " + path_ + ": " + std::strerror(errno)};
}

Result<void> write_new_file(std::string path, const SecretBytes& bytes, NewFile::Replace replace, mode_t mode) {
  TRY_ASSIGN(NewFile file, NewFile::create(std::move(path)));
  TRY(file.write(bytes.reveal()));
  return file.finish(replace, mode);
}

}  // namespace keyhold
