#include "cli/secret_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/new_file.h"

namespace keyhold::cli {
namespace {

constexpr int kMakeAttemptsMax = 10;  // Each is lost only to another run that tidies up just then.

std::string name_prefix() { return "keyhold-run-" + std::to_string(::geteuid()) + "-"; }

bool is_in_memory(const std::string& path) {
  struct statfs system {};
  if (path.empty() || ::statfs(path.c_str(), &system) != 0) return false;
  return (system.f_type == TMPFS_MAGIC || system.f_type == static_cast<long>(RAMFS_MAGIC)) && ::access(path.c_str(), W_OK | X_OK) == 0;
}

std::optional<std::string> memory_folder(const client::Environment& environment) {
  const char* const runtime = environment("XDG_RUNTIME_DIR");
  for (const std::string& path : {std::string(runtime == nullptr ? "" : runtime), "/run/user/" + std::to_string(::geteuid()), std::string("/dev/shm")}) {
    if (is_in_memory(path)) return path;
  }
  return std::nullopt;
}

/// Removes the files of a folder but for those to keep.
template <typename Keeps>
void remove_files(int folder, Keeps keeps) {
  const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // closedir() closes it.
  DIR* const entries = own < 0 ? nullptr : ::fdopendir(own);
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries)) {
    if (!keeps(std::string_view(entry->d_name))) ::unlinkat(folder, entry->d_name, 0);
  }
  ::closedir(entries);
}

void remove_folder(const std::string& path, int folder) {
  remove_files(folder, [](std::string_view name) { return name == "." || name == ".."; });
  ::rmdir(path.c_str());
}

/// A folder of ours that nobody uses: opened and locked. Negative: it is in use, or not ours.
int take_over(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return -1;
  struct stat status {};
  if (::fstat(folder, &status) == 0 && status.st_uid == ::geteuid() && status.st_nlink > 0 && ::flock(folder, LOCK_EX | LOCK_NB) == 0) return folder;
  ::close(folder);
  return -1;
}

/// Removes what runs left that were killed together with their keepers.
void remove_abandoned(const std::string& where) {
  DIR* const entries = ::opendir(where.c_str());
  if (entries == nullptr) return;
  const std::string prefix = name_prefix();
  while (const dirent* entry = ::readdir(entries)) {
    if (!std::string_view(entry->d_name).starts_with(prefix)) continue;
    const std::string path = where + "/" + entry->d_name;
    const Descriptor folder(take_over(path));
    if (folder.get() >= 0) remove_folder(path, folder.get());
  }
  ::closedir(entries);
}

/// Waits until the other end of `alive` is closed, and removes the folder. Nothing else keeps it from ending.
[[noreturn]] void keep(const std::string& path, int folder, int alive) {
  ::setsid();
  ::prctl(PR_SET_NAME, "keyhold-keeper");
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  const auto low = static_cast<unsigned>(std::min(folder, alive)), high = static_cast<unsigned>(std::max(folder, alive));
  if (low > 0) ::close_range(0, low - 1, 0);
  if (high > low + 1) ::close_range(low + 1, high - 1, 0);
  ::close_range(high + 1, ~0U, 0);
  char byte = 0;
  while (::read(alive, &byte, 1) < 0 && errno == EINTR) {
  }
  remove_folder(path, folder);
  ::_exit(0);
}

Error failed(const std::string& what, int number) { return Error{Code::kInvalid, what + ": " + std::strerror(number)}; }

}  // namespace

Result<SecretFolder> SecretFolder::make(const client::Environment& environment) {
  const auto where = memory_folder(environment);
  if (!where) {
    return Error{Code::kInvalid, "there is no folder in memory (a tmpfs) to put secrets in: set XDG_RUNTIME_DIR to one, mount one at /dev/shm, or use -env"};
  }
  remove_abandoned(*where);
  std::string path;
  int lock = -1;
  for (int attempt = 0; lock < 0; ++attempt) {
    path = *where + "/" + name_prefix() + "XXXXXX";
    if (attempt == kMakeAttemptsMax || ::mkdtemp(path.data()) == nullptr) return failed("cannot make a folder in " + *where, errno);
    lock = take_over(path);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    const int number = errno;
    remove_folder(path, lock);
    ::close(lock);
    return failed("cannot make a pipe", number);
  }
  const pid_t keeper = ::fork();
  if (keeper == 0) {
    ::close(ends[1]);
    keep(path, lock, ends[0]);
  }
  const int number = errno;
  ::close(ends[0]);
  SecretFolder folder(std::move(path), lock, ends[1], keeper);
  if (keeper < 0) return failed("cannot start a process", number);
  return folder;
}

SecretFolder::SecretFolder(SecretFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)), alive_(std::exchange(other.alive_, -1)), keeper_(std::exchange(other.keeper_, -1)) {}

SecretFolder::~SecretFolder() {
  if (path_.empty()) return;
  remove_folder(path_, lock_);
  ::close(alive_);
  ::close(lock_);
  if (keeper_ > 0) ::waitpid(keeper_, nullptr, 0);
}

Result<void> SecretFolder::write(const std::vector<Variable>& variables) const {
  for (const Variable& variable : variables) TRY(write_new_file(file_of(variable), variable.value, NewFile::Replace::kWhatIsThere, 0400));
  remove_files(lock_, [&variables](std::string_view name) {
    return name == "." || name == ".." || std::any_of(variables.begin(), variables.end(), [name](const Variable& one) { return one.name == name; });
  });
  return {};
}

}  // namespace keyhold::cli
