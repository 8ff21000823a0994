#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "core/seal/barrier.h"
#include "core/transaction.h"
#include "storage/storage.h"

namespace keyhold::core {

/// A thread that does a round of work when woken, and every so often.
///
/// threads   Any; start() and stop() one at a time.
class BackgroundThread {
 public:
  ~BackgroundThread() { stop(); }

  void start(std::function<void()> round, std::int64_t every_ms);
  void stop();  // Waits for the round in hand, which ends early if it asks stopping().
  void wake();
  bool stopping();

 private:
  void loop(const std::function<void()>& round, std::int64_t every_ms);

  std::thread thread_;
  Mutex mutex_;
  CondVar changed_;
  bool work_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

/// Commits what background work put into `tx`, while `conditions` hold too. errors: kConflict; kUnavailable, unknown outcomes
/// included: such work looks anew at what is there.
Result<void> commit_in_background(storage::Storage& store, const Barrier& barrier, const Transaction& tx,
                                  const std::vector<storage::Condition>& conditions);

}  // namespace keyhold::core
