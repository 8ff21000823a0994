#include "core/audit/recovery.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace keyhold::core::audit {
namespace {

// Some sync intervals of a stream at full speed, and more than one longest line.
constexpr std::size_t kRecoveryBytes = 4 * kLineBytesMax;

constexpr std::string_view kDamaged = ".damaged";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::pread(fd, bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("an audit journal file cannot be read");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

/// The whole lines of a file's end.
struct Scan {
  std::optional<Line> last;  // The last well-formed one; views into the text scanned.
  std::size_t torn_bytes = 0;
  bool any_newline = false;
  bool damaged = false;
};

Scan scan_end(std::string_view text, bool from_start) {
  Scan scan;
  bool know_previous = false;
  if (!from_start) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  while (true) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    scan.any_newline = true;
    const auto line = parse_line(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!line) {
      scan.damaged = true;
      know_previous = false;
      continue;
    }
    if (know_previous && (line->sequence != scan.last->sequence + 1 || !line->follows(scan.last->chain))) {
      scan.damaged = true;
    }
    scan.last = line;
    know_previous = true;
  }
  scan.torn_bytes = text.size();
  return scan;
}

std::string journal_of(int fd) {
  const auto head = read_at(fd, 0, 4096);
  if (!head.ok()) return "";
  const auto line = parse_line(std::string_view(*head).substr(0, head->find('\n')));
  if (!line) return "";
  const auto genesis = Genesis::parse(line->members);
  return genesis ? genesis->journal : "";
}

Result<void> set_aside(const Descriptor& directory, const std::string& name, bool any_newline) {
  const std::string aside = name + std::string(kDamaged);
  const int done = any_newline ? ::renameat(directory.get(), name.c_str(), directory.get(), aside.c_str())
                               : ::unlinkat(directory.get(), name.c_str(), 0);
  if (done != 0 || ::fsync(directory.get()) != 0) {
    return system_error("a damaged audit journal file cannot be set aside");
  }
  return {};
}

}  // namespace

Result<JournalListing> list_journal_files(const std::string& directory) {
  const std::unique_ptr<DIR, CloseDirectory> listing(::opendir(directory.c_str()));
  if (!listing) {
    if (errno == ENOENT) return Error{Code::kNotFound, "there is no such directory"};
    return system_error("the audit journal's directory cannot be read");
  }
  JournalListing found;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    std::string_view name = entry->d_name;
    if (const auto file = FileName::parse(name)) {
      found.files.push_back(*file);
    } else if (name.ends_with(kDamaged) && FileName::parse(name.substr(0, name.size() - kDamaged.size()))) {
      found.damaged.emplace_back(name);
    }
    errno = 0;
  }
  if (errno != 0) return system_error("the audit journal's directory cannot be read");
  std::sort(found.files.begin(), found.files.end());
  std::sort(found.damaged.begin(), found.damaged.end());
  return found;
}

Result<std::optional<StreamEnd>> recover_stream(const Descriptor& directory, std::vector<FileName> files) {
  bool set_one_aside = false;
  for (; !files.empty(); files.pop_back()) {
    const std::string name = files.back().text();
    const Descriptor file(
        ::openat(directory.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status{};
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      return system_error("an audit journal file cannot be opened");
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const std::uint64_t offset = size - std::min<std::uint64_t>(size, kRecoveryBytes);
    TRY_ASSIGN(const std::string text, read_at(file.get(), offset, size - offset));
    const Scan scan = scan_end(text, offset == 0);
    if (!scan.last) {
      TRY(set_aside(directory, name, scan.any_newline || offset > 0));
      set_one_aside = set_one_aside || scan.any_newline || offset > 0;
      continue;
    }
    if (scan.torn_bytes > 0 && ::ftruncate(file.get(), static_cast<off_t>(size - scan.torn_bytes)) != 0) {
      return system_error("a torn line of the audit journal cannot be cut off");
    }
    // The next file refers to this one's end, which may so far be only in memory.
    if (::fdatasync(file.get()) != 0) return system_error("an audit journal file cannot be synced");
    return std::optional(StreamEnd{
        .journal = journal_of(file.get()),
        .previous = {.file = name, .sequence = scan.last->sequence, .chain = scan.last->chain},
        .torn_bytes = scan.torn_bytes,
        .begin = scan.damaged || set_one_aside ? Begin::kDamage : Begin::kRestart,
    });
  }
  return std::optional<StreamEnd>();
}

}  // namespace keyhold::core::audit
