#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "core/route.h"

namespace keyhold::core {

/// Threads with one bounded queue. Threads start with the first tasks.
///
/// threads   Any.
class WorkPool {
 public:
  WorkPool(std::size_t threads_max, std::size_t queue_max) : threads_max_(threads_max), queue_max_(queue_max) {}
  ~WorkPool() { shut_down(); }

  /// errors: kUnavailable at once when the queue is full.
  Result<void> submit(std::function<void()> task);

  /// Refuses new tasks, runs what is queued, then joins.
  void shut_down();

 private:
  void work();

  const std::size_t threads_max_;
  const std::size_t queue_max_;
  Mutex mutex_;
  CondVar ready_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

/// A pool for each cost that does not run on the I/O thread.
class WorkPools {
 public:
  WorkPools();
  WorkPool& of(Cost cost);
  void shut_down();

 private:
  WorkPool disk_;
  WorkPool cpu_;
  WorkPool remote_;
  WorkPool stream_;
};

}  // namespace keyhold::core
