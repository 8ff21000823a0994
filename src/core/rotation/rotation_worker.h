#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "core/background.h"
#include "core/rotation/rotator.h"
#include "core/work_pool.h"
#include "core/worker_parts.h"

namespace keyhold::core {

/// Does the steps of rotations that are in hand (core/rotation/rotation.h): before each its intent is in the store, and after it what came
/// of it is put there under the leader's fence. Killed in between, the step is done again by whoever comes next.
///
/// A few runs go on at a time, so that a rotator that hangs does not hold the others up. While the time is not trusted none begins.
///
/// threads   Any; start() and stop() one at a time.
class RotationWorker final : public storage::Watcher {
 public:
  /// An empty `post`: no rotator can be called by HTTP.
  RotationWorker(WorkerParts parts, rotation::Poster post) : parts_(std::move(parts)), http_(std::move(post)) {}
  ~RotationWorker() override { stop(); }

  void start();
  void stop();  // Waits for the steps in hand, which end early.

  void on_changes(std::span<const storage::Change> changes, storage::Version at) override;
  void on_reset(storage::Version at) override;

 private:
  using Leader = std::unique_ptr<storage::Leadership>;
  /// A run's entry of the index.
  struct Place {
    std::string key;
    keys::MountId mount = 0;
    std::string secret_id;
  };

  void round();
  Result<void> look();
  /// Does all steps of one run, unless another node does.
  Result<void> perform(const Place& place);
  /// Does its next step. returns   Whether there is more to do now.
  Result<bool> perform_step(const Place& place, const storage::Condition& fence);
  Result<void> do_step(const Place& place, const rotation::Head& head, const storage::Condition& fence);
  Result<std::string> secret_id_of(Transaction& tx, const Place& place, const rotation::Head& head);
  /// Changes the head in a commit with the fence, again after a conflict. errors: of `change`.
  using Change = std::function<Result<void>(Transaction& tx, rotation::Head& head)>;
  Result<void> change(const Place& place, const storage::Condition& fence, const Change& change);
  rotation::Rotator* rotator_of(const records::Rotator& rotator);

  const WorkerParts parts_;
  rotation::RandomRotator random_;
  rotation::HttpRotator http_;
  std::unique_ptr<storage::Watch> watch_;
  std::unique_ptr<WorkPool> pool_;
  BackgroundThread thread_;
  Mutex mutex_;
  std::set<std::string> performing_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
