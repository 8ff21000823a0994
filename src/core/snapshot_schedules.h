#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/background.h"
#include "core/records.pb.h"
#include "core/seal/seal_manager.h"
#include "core/transaction.h"
#include "core/worker_parts.h"

/// Snapshots in a directory of the server, made by hand of whoever puts files there and by schedules.
namespace keyhold::core::snapshot_schedules {

inline constexpr std::int64_t kIntervalMinS = 60;
inline constexpr std::uint32_t kRetainMax = 10'000;
inline constexpr std::size_t kSchedulesMax = 100;

/// A relative path of plain names: letters, digits, '-', '_' and dots that do not begin a name. errors: kInvalid.
Result<void> check_file(std::string_view path);

/// The files that a schedule made, by name: the oldest first. errors: kUnavailable.
Result<std::vector<std::string>> files_of(const std::string& directory, const records::SnapshotSchedule& schedule);

}  // namespace keyhold::core::snapshot_schedules

namespace keyhold::core {

/// Makes snapshots when it is time, of which one node makes each, and removes those that are more than are to be kept.
///
/// A file has its name only once it is whole and on disk.
/// threads   Any; start() and stop() one at a time.
class SnapshotWorker {
 public:
  /// `directory`: made when first used; "" = no schedule is run.
  SnapshotWorker(WorkerParts parts, const SealManager& seals, std::string directory)
      : parts_(std::move(parts)), seals_(seals), directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  void start();
  void stop();  // Waits for the file in hand.
  void wake() { thread_.wake(); }

 private:
  struct Made {
    std::string file;
    std::uint64_t bytes = 0;
  };
  void round();
  Result<void> run();
  Result<void> run_one(const std::string& key);
  Result<Made> make(const records::SnapshotSchedule& schedule);
  Result<void> remove_old(const records::SnapshotSchedule& schedule);

  const WorkerParts parts_;
  const SealManager& seals_;
  const std::string directory_;
  BackgroundThread thread_;
};

}  // namespace keyhold::core
