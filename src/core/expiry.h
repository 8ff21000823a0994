#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/background.h"
#include "core/worker_parts.h"

namespace keyhold::core {

/// Deletes tokens whose time has come, and does what secrets are due for (core/secret_due.h). Tokens could not be used any more before:
/// this frees what they take and starts the jobs that follow.
///
/// All is in the store, ordered by time: a round reads the entries from a mark on that are due, and leaves the mark behind
/// them. A renewal does not touch the index; an entry that is met too early is filed anew under the time its token now has.
/// One node works at a time, by leadership. While the time is not trusted nothing is deleted.
///
/// threads   Any.
class ExpiryWorker {
 public:
  explicit ExpiryWorker(WorkerParts parts) : parts_(std::move(parts)) {}

  void start();
  void stop() { thread_.stop(); }  // Waits for the batch in hand.

  /// One round, on the caller's thread.
  Result<void> run();

 private:
  void round();
  void watch_clock();
  Result<void> work_from(UnixMillis from_ms, storage::Leadership& leadership);
  Result<void> expire(const std::vector<std::string>& entries, const storage::Condition& fence);
  Result<void> mark(UnixMillis seen_ms, UnixMillis expired_ms, const storage::Condition& fence);

  const WorkerParts parts_;
  MonotonicMillis warned_ms_ = 0;  // Of the thread.
  bool warned_ = false;
  BackgroundThread thread_;
};

/// Lets the next round look through the whole index, not only from its mark on.
Result<void> expire_from_the_beginning(Transaction& tx);

}  // namespace keyhold::core
