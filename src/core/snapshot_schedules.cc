#include "core/snapshot_schedules.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/new_file.h"
#include "base/time_format.h"
#include "core/keys.h"
#include "core/store_snapshots.h"

namespace keyhold::core {
namespace snapshot_schedules {
namespace {

constexpr std::size_t kPathBytesMax = 255;
constexpr std::string_view kEnding = ".snap";

bool plain(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_';
}

std::string folder_of(const std::string& directory, const records::SnapshotSchedule& schedule) {
  return schedule.folder().empty() ? directory : directory + "/" + schedule.folder();
}

/// "keyhold-snapshot-20261128T225906.123Z.snap": names sort by time.
std::string file_name(const records::SnapshotSchedule& schedule, UnixMillis now) {
  std::string time(std::string_view(format_rfc3339(now)));
  std::erase_if(time, [](char byte) { return byte == '-' || byte == ':'; });
  return schedule.file_prefix() + "-" + time + std::string(kEnding);
}

Error system_error(const char* what) { return {Code::kUnavailable, std::string(what) + ": " + std::strerror(errno)}; }

}  // namespace

Result<void> check_file(std::string_view path) {
  char before = '/';
  bool valid = !path.empty() && path.size() <= kPathBytesMax && path.back() != '/';
  for (const char byte : path) {
    valid = valid && (plain(byte) || (before != '/' && (byte == '/' || byte == '.')));
    before = byte;
  }
  if (valid) return {};
  return Error{Code::kInvalid, "a file or folder of the snapshot directory is named by letters, digits, '-', '_' and dots that begin no name, at most 255"};
}

Result<std::vector<std::string>> files_of(const std::string& directory, const records::SnapshotSchedule& schedule) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(directory, schedule), failed)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(schedule.file_prefix() + "-") && name.ends_with(kEnding)) names.push_back(std::move(name));
  }
  if (failed && failed != std::errc::no_such_file_or_directory) return Error{Code::kUnavailable, "the snapshot directory cannot be read"};
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace snapshot_schedules

namespace {

namespace schedules = snapshot_schedules;

constexpr std::int64_t kRoundMs = 30'000;
constexpr mode_t kDirectoryMode = 0700;

bool due(const records::SnapshotSchedule& schedule, UnixMillis now) {
  return now - schedule.last_begun_ms() >= schedule.interval_s() * 1000;
}

}  // namespace

void SnapshotWorker::start() {
  if (!directory_.empty()) thread_.start([this] { round(); }, kRoundMs);
}

void SnapshotWorker::stop() { thread_.stop(); }

void SnapshotWorker::round() {
  const auto done = run();
  if (!done.ok() && done.code() != Code::kConflict && !thread_.stopping()) parts_.warn("snapshots: " + done.error().message);
}

Result<void> SnapshotWorker::run() {
  const std::string prefix = keys::snapshot_schedule();
  storage::ListOptions options;
  options.prefix = prefix;
  options.limit = schedules::kSchedulesMax;
  TRY_ASSIGN(const storage::Page page, parts_.store.list(options));
  Result<void> first;
  for (const auto& item : page.items) {
    if (thread_.stopping()) return {};
    auto done = run_one(item.key);
    if (!done.ok() && first.ok()) first = std::move(done);
  }
  return first;
}

Result<void> SnapshotWorker::run_one(const std::string& key) {
  const LeaseClock::Moment moment = parts_.clock.moment();
  if (!moment.trusted) return {};
  records::SnapshotSchedule schedule;
  {
    Transaction tx = parts_.transaction();
    TRY_ASSIGN(const auto stored, tx.load<records::SnapshotSchedule>(key));
    if (stored == nullptr || !due(*stored, moment.now_ms)) return {};
    schedule = *stored;
    schedule.set_last_begun_ms(moment.now_ms);
    tx.put(key, encode_record(schedule));
    // Whoever writes this makes it.
    TRY(commit_in_background(parts_.store, parts_.barrier, tx, {}));
  }
  Deed deed;
  deed.operation = "read";
  deed.path = "sys/storage/raft/snapshot";
  deed.fields = {{"schedule", schedule.name()}};
  TRY_ASSIGN(const auto intents, parts_.records.begin({&deed, 1}));
  const auto made = make(schedule);
  const Result<void> outcome = made.ok() ? Result<void>() : made.error();
  TRY(parts_.records.end(intents.front(), outcome));

  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto stored, tx.load<records::SnapshotSchedule>(key));
  if (stored == nullptr) return outcome;
  records::SnapshotSchedule after = *stored;
  after.set_last_error(made.ok() ? "" : made.error().message);
  if (made.ok()) {
    after.set_last_done_ms(parts_.clock.now_ms());
    after.set_last_file(made->file);
    after.set_last_bytes(static_cast<std::int64_t>(made->bytes));
  }
  tx.put(key, encode_record(after));
  TRY(commit_in_background(parts_.store, parts_.barrier, tx, {}));
  if (made.ok()) TRY(remove_old(schedule));
  return outcome;
}

Result<SnapshotWorker::Made> SnapshotWorker::make(const records::SnapshotSchedule& schedule) {
  const std::string folder = schedules::folder_of(directory_, schedule);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);  // By the umask for nobody else.
  if (failed) return Error{Code::kUnavailable, "the snapshot directory cannot be made: " + failed.message()};
  static_cast<void>(::chmod(folder.c_str(), kDirectoryMode));
  const std::string name = schedules::file_name(schedule, schedule.last_begun_ms());
  TRY_ASSIGN(NewFile file, NewFile::create(folder + "/" + name));
  TRY_ASSIGN(const auto written, store_snapshots::save(parts_.store, parts_.barrier, seals_.status(), parts_.clock.now_ms(), parts_.rng,
                                                       [&file](std::string_view bytes) { return file.write(bytes); }));
  TRY(file.finish(NewFile::Replace::kNothing));
  return Made{schedule.folder().empty() ? name : schedule.folder() + "/" + name, written.bytes};
}

Result<void> SnapshotWorker::remove_old(const records::SnapshotSchedule& schedule) {
  TRY_ASSIGN(auto names, schedules::files_of(directory_, schedule));
  for (std::size_t i = 0; names.size() - i > schedule.retain(); ++i) {
    const std::string path = schedules::folder_of(directory_, schedule) + "/" + names[i];
    if (::unlink(path.c_str()) != 0) return schedules::system_error("an old snapshot cannot be removed");
  }
  return {};
}

}  // namespace keyhold::core
