#include "core/audit/forward/tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "core/audit/recovery.h"
#include "core/audit/text.h"

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::size_t kChainDigits = 64;
constexpr std::size_t kChainEndBytes = kChainDigits + 3;  // A line ends with the digits and `"}` and a newline.

}  // namespace

Result<bool> StreamTail::open_file(std::uint64_t first_sequence) {
  const std::string path = directory_ + "/" + FileName{.stream = stream_, .first_sequence = first_sequence}.text();
  file_ = Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  buffer_.clear();
  begin_ = 0;
  if (!file_.valid() && errno == ENOENT) return false;
  struct stat status{};
  if (!file_.valid() || ::fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return system_error("a file of the audit journal cannot be opened");
  }
  return true;
}

/// Whether the line that ends at the position has the chain value noted there.
Result<bool> StreamTail::follows_chain(const Position& position) const {
  if (position.offset == 0) return true;
  std::array<char, kChainEndBytes> end;
  if (position.offset < end.size()) return false;
  const ssize_t got = ::pread(file_.get(), end.data(), end.size(), static_cast<off_t>(position.offset - end.size()));
  if (got < 0) return system_error("a file of the audit journal cannot be read");
  const std::string_view text(end.data(), static_cast<std::size_t>(got));
  return text.size() == end.size() && text.ends_with("\"}\n") &&
         digest_from_hex(text.substr(0, kChainDigits)) == position.chain;
}

/// The first file of the stream that begins after this sequence number.
Result<std::optional<std::uint64_t>> StreamTail::file_after(std::uint64_t sequence) const {
  TRY_ASSIGN(const JournalListing listing, list_journal_files(directory_));
  const auto next = std::find_if(listing.files.begin(), listing.files.end(), [&](const FileName& name) {
    return name.stream == stream_ && name.first_sequence > sequence;
  });
  return next == listing.files.end() ? std::nullopt : std::optional(next->first_sequence);
}

Result<StreamTail::Sought> StreamTail::seek(const Position& position) {
  next_.reset();
  position_ = position;
  file_ = Descriptor();
  if (position.file == 0) {
    if (position.sequence == 0) return Sought::kFound;
    // What was gone then does not come back, except in another journal.
    TRY_ASSIGN(const auto oldest, file_after(0));
    return oldest && *oldest > position.sequence ? Sought::kFound : Sought::kNotThere;
  }
  TRY_ASSIGN(const bool there, open_file(position.file));
  if (there) {
    TRY_ASSIGN(const bool follows, follows_chain(position));
    return follows ? Sought::kFound : Sought::kNotThere;
  }
  // Removed since. Whatever is older was read before it; if nothing newer is there, it is not our journal.
  TRY_ASSIGN(const auto newer, file_after(position.file));
  return newer ? Sought::kFound : Sought::kNotThere;
}

void StreamTail::seek_oldest() {
  next_.reset();
  position_ = {};
  file_ = Descriptor();
  const auto oldest = file_after(0);
  if (oldest.ok() && *oldest) position_.sequence = **oldest - 1;
}

Result<bool> StreamTail::next_file() {
  TRY_ASSIGN(const auto next, file_after(position_.file));
  if (!next) return false;
  TRY_ASSIGN(const bool opened, open_file(*next));
  if (!opened) return false;  // Removed at this moment.
  if (*next > position_.sequence + 1) lines_missed_ += *next - position_.sequence - 1;
  position_.file = *next;
  position_.offset = 0;
  return true;
}

Result<std::size_t> StreamTail::fill(std::uint64_t limit) {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::uint64_t read_to = position_.offset + buffer_.size();
  if (read_to >= limit) return std::size_t{0};
  const std::size_t size = buffer_.size();
  const std::size_t wanted = std::min<std::uint64_t>(kChunkBytes, limit - read_to);
  buffer_.resize(size + wanted);
  ssize_t got = 0;
  do {
    got = ::pread(file_.get(), buffer_.data() + size, wanted, static_cast<off_t>(read_to));
  } while (got < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return system_error("a file of the audit journal cannot be read");
  return static_cast<std::size_t>(got);
}

Result<std::optional<StreamTail::Next>> StreamTail::peek() {
  if (next_) return next_;
  SyncedEnd end = journal_.synced_end(stream_);
  std::size_t searched = begin_;
  while (true) {
    const std::size_t newline = file_.valid() ? buffer_.find('\n', searched) : std::string::npos;
    if (newline != std::string::npos) {
      const auto text = std::string_view(buffer_).substr(begin_, newline - begin_);
      next_ = Next{.begin = position_, .text = text, .line = parse_line(text), .bytes = text.size() + 1};
      return next_;
    }
    if (buffer_.size() - begin_ > kLineBytesMax) {
      // No line is so long: a damaged piece, as it is.
      const auto text = std::string_view(buffer_).substr(begin_);
      next_ = Next{.begin = position_, .text = text, .line = {}, .bytes = text.size()};
      return next_;
    }
    if (file_.valid()) {
      const bool current = end.file == position_.file;
      searched = buffer_.size() - begin_;
      TRY_ASSIGN(const std::size_t got, fill(current ? end.bytes : std::numeric_limits<std::uint64_t>::max()));
      if (got > 0) continue;
      if (current) return std::optional<Next>();
    }
    // The file has ended; what is left of it is a torn line.
    TRY_ASSIGN(const bool more, next_file());
    if (!more) return std::optional<Next>();
    end = journal_.synced_end(stream_);  // Newer than the file: it may be the current one.
    searched = 0;
  }
}

void StreamTail::advance() {
  position_.offset += next_->bytes;
  if (next_->line) {
    position_.sequence = next_->line->sequence;
    position_.chain = next_->line->chain;
  }
  begin_ += next_->bytes;
  next_.reset();
}

}  // namespace keyhold::core::audit
