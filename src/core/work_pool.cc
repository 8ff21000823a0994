#include "core/work_pool.h"

#include <algorithm>

#include "base/limits.h"

namespace keyhold::core {

void WorkPool::shut_down() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  ready_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

Result<void> WorkPool::submit(std::function<void()> task) {
  MutexLock lock(mutex_);
  if (stopping_ || queue_.size() >= queue_max_) {
    return Error{Code::kUnavailable, "too much work is waiting: try again"};
  }
  queue_.push_back(std::move(task));
  if (idle_ < queue_.size() && threads_.size() < threads_max_) {
    threads_.emplace_back([this] { work(); });
  } else {
    ready_.notify_one();
  }
  return {};
}

void WorkPool::work() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) ready_.wait(mutex_);
      --idle_;
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

WorkPools::WorkPools()
    : disk_(limits::kDiskThreads, limits::kPoolQueueMax),
      cpu_(std::max(1u, std::thread::hardware_concurrency()), limits::kPoolQueueMax),
      remote_(limits::kRemoteThreads, limits::kPoolQueueMax),
      stream_(limits::kStreamThreads, limits::kStreamQueueMax) {}

void WorkPools::shut_down() {
  for (WorkPool* pool : {&disk_, &cpu_, &remote_, &stream_}) pool->shut_down();
}

WorkPool& WorkPools::of(Cost cost) {
  switch (cost) {
    case Cost::kCached:  // What missed the caches.
    case Cost::kDisk: return disk_;
    case Cost::kCpu: return cpu_;
    case Cost::kRemote: return remote_;
    case Cost::kStream: return stream_;
  }
  return disk_;
}

}  // namespace keyhold::core
