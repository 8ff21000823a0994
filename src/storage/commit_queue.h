#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/mutex.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// A commit on its way. `outcome` is filled by the committer and handed to `done` at the end.
struct PendingCommit {
  Batch batch;
  CommitDone done;
  std::size_t bytes = 0;
  std::uint64_t generation = 0;  // Of the content that it was asked of.
  Outcome outcome;
};

/// What waits for the committer thread; bounded in commits and bytes (limits.h).
///
/// threads   push(), wake() and stop() any; take() one.
class CommitQueue {
 public:
  enum class Push { kQueued, kFull, kStopped };
  /// Takes `commit` over only when it answers kQueued.
  Push push(PendingCommit& commit);

  /// Makes the running or next take() return at once.
  void wake();
  /// Refuses pushes from now on; what is queued is still taken.
  void stop();

  enum class Take { kGroup, kNothing, kStopped };
  static constexpr std::int64_t kForever = -1;
  /// Moves all that is queued, up to the bounds of a group, to `group`. kNothing after a wake-up or timeout_ms; kStopped
  /// once it is stopped and empty.
  Take take(std::vector<PendingCommit>& group, std::int64_t timeout_ms);

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<PendingCommit> commits_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  bool woken_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace keyhold::storage
