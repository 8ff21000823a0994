#include "core/audit/line_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "core/audit/line.h"

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;
// A live file may be seen in the middle of a write, or before its first, which the writer still has to begin.
constexpr std::chrono::milliseconds kWriteInFlight{1};
constexpr int kWaits = 1;
constexpr int kWaitsForFirst = 100;

}  // namespace

Result<LineReader> LineReader::open(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return Error{Code::kNotFound, "there is no such file"};
  struct stat status{};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return system_error("the file cannot be opened");
  if (!S_ISREG(status.st_mode)) return Error{Code::kUnavailable, "not a regular file"};
  return LineReader(std::move(file));
}

Result<std::size_t> LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kChunkBytes);
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), buffer_.data() + size, kChunkBytes);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return system_error("the file cannot be read");
  return static_cast<std::size_t>(got);
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t searched = begin_;
  int waits = 0;
  while (true) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      ++number_;
      const auto line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = end + 1;
      if (line.size() > kLineBytesMax) return Error{Code::kCorrupt, "longer than any line of a journal"};
      return std::optional(line);
    }
    if (buffer_.size() - begin_ > kLineBytesMax) {
      ++number_;
      return Error{Code::kCorrupt, "longer than any line of a journal"};
    }
    searched = buffer_.size() - begin_;
    TRY_ASSIGN(const std::size_t got, fill());
    if (got > 0) continue;
    const bool nothing_yet = buffer_.empty() && number_ == 0;
    const int waits_max = nothing_yet ? kWaitsForFirst : buffer_.empty() ? 0 : kWaits;
    if (waits++ < waits_max) {
      std::this_thread::sleep_for(kWriteInFlight);
      continue;
    }
    if (buffer_.empty()) return std::optional<std::string_view>();
    ++number_;
    return Error{Code::kCorrupt, "ends without a newline: a write was cut short, by a crash or by hand"};
  }
}

}  // namespace keyhold::core::audit
