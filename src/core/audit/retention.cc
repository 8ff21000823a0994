#include "core/audit/retention.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/audit/dropped.h"
#include "core/audit/line_reader.h"
#include "core/audit/recovery.h"

namespace keyhold::core::audit {
namespace {

constexpr std::int64_t kMeasureMs = 10'000;   // Files may be taken away by hand.
constexpr std::int64_t kMeasureFullMs = 500;  // Who waits for that is refused meanwhile.

/// What the file that begins with this line says of the one before.
Result<Genesis::Previous> end_before(const std::string& path) {
  TRY_ASSIGN(LineReader reader, LineReader::open(path));
  TRY_ASSIGN(const auto text, reader.next());
  const auto line = text ? parse_line(*text) : std::nullopt;
  const auto genesis = line ? Genesis::parse(line->members) : std::nullopt;
  if (!genesis || !genesis->previous) return Error{Code::kCorrupt, "the file after it does not say how it ended"};
  return *genesis->previous;
}

}  // namespace

void Retention::set_forwarded(std::function<std::uint64_t(int)> forwarded_below) {
  MutexLock lock(mutex_);
  forwarded_below_ = std::move(forwarded_below);
}

bool Retention::forwarded(const ClosedFile& file) {
  MutexLock lock(mutex_);
  return forwarded_below_ && forwarded_below_(file.name.stream) >= file.next.first_sequence;
}

Result<std::map<int, Retention::ClosedFile>> Retention::measure(const Descriptor& directory) {
  const std::uint64_t written_before = context_.written_bytes;
  TRY_ASSIGN(const JournalListing listing, list_journal_files(options_.directory));
  std::map<int, ClosedFile> oldest;
  std::uint64_t total = 0;
  const FileName* before = nullptr;
  for (const FileName& name : listing.files) {
    struct stat status{};
    if (::fstatat(directory.get(), name.text().c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const auto bytes = static_cast<std::uint64_t>(status.st_size);
    total += bytes;
    const auto known = oldest.find(name.stream);
    if (known == oldest.end()) {
      oldest[name.stream] = {.name = name,
                             .next = {},
                             .bytes = bytes,
                             .changed_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
    } else if (before->stream == name.stream && known->second.next.first_sequence == 0) {
      known->second.next = name;
    }
    before = &name;
  }
  std::erase_if(oldest, [](const auto& entry) { return entry.second.next.first_sequence == 0; });
  // What was written meanwhile may be counted twice, never missed.
  context_.total_bytes = total + (context_.written_bytes - written_before);
  return oldest;
}

MonotonicMillis Retention::tidy(const Descriptor& directory, const Streams& streams) {
  if (options_.retain_bytes == 0) return std::numeric_limits<MonotonicMillis>::max();
  // Some room, so that requests are not refused while files are dropped.
  const std::uint64_t low = options_.when_full == JournalOptions::WhenFull::kRefuse
                                ? options_.retain_bytes
                                : options_.retain_bytes - options_.retain_bytes / 8;
  const bool full = context_.total_bytes > low || context_.full;
  const MonotonicMillis now_ms = context_.clock.monotonic_ms();
  const MonotonicMillis due_ms = measured_ms_ + (full ? kMeasureFullMs : kMeasureMs);
  const bool drops = full && options_.when_full != JournalOptions::WhenFull::kRefuse;
  if (measured_ && now_ms < due_ms && !drops) return due_ms;
  measured_ = true;
  measured_ms_ = now_ms;
  while (true) {
    auto oldest = measure(directory);
    if (!oldest.ok()) {
      tell(oldest.error().message);
      break;
    }
    // Told anew only after there was some room.
    if (context_.total_bytes <= options_.retain_bytes - options_.retain_bytes / 16) context_.full = false;
    if (context_.total_bytes <= low) {
      told_.clear();
      break;
    }
    std::optional<ClosedFile> chosen;
    for (const auto& [stream, file] : *oldest) {
      if (options_.when_full == JournalOptions::WhenFull::kDropForwarded && !forwarded(file)) continue;
      if (!chosen || file.changed_ns < chosen->changed_ns) chosen = file;
    }
    if (options_.when_full == JournalOptions::WhenFull::kRefuse || !chosen) break;
    if (auto dropped = drop(directory, streams, *chosen); !dropped.ok()) {
      if (dropped.code() != Code::kSealed) tell("its oldest file cannot be dropped: " + dropped.error().message);
      break;
    }
  }
  return now_ms + (context_.total_bytes > low ? kMeasureFullMs : kMeasureMs);
}

Result<void> Retention::drop(const Descriptor& directory, const Streams& streams, const ClosedFile& file) {
  const std::string name = file.name.text();
  TRY_ASSIGN(const Genesis::Previous end, end_before(options_.directory + "/" + file.next.text()));
  if (end.file != name) return Error{Code::kCorrupt, "the file after it goes on from another"};
  const Dropped dropped{.file = end, .bytes = file.bytes, .forwarded = forwarded(file)};
  TRY(streams[static_cast<std::size_t>(file.name.stream)]->note_dropped(dropped.members()));
  if (::unlinkat(directory.get(), name.c_str(), 0) != 0 || ::fsync(directory.get()) != 0) {
    return system_error("it cannot be removed");
  }
  ++context_.files_dropped;
  if (!dropped.forwarded) ++context_.files_dropped_unforwarded;
  return {};
}

void Retention::tell(const std::string& line) {
  if (told_ == line || !options_.warn) return;
  told_ = line;
  options_.warn("audit journal: " + line);
}

}  // namespace keyhold::core::audit
