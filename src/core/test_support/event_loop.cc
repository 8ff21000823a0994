#include "core/test_support/event_loop.h"

namespace keyhold::core::test {

void EventLoop::post(std::function<void()> task) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  tasks_.push_back(std::move(task));
  changed_.notify_one();
}

void EventLoop::stop() {
  std::deque<std::function<void()>> rest;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    rest.swap(tasks_);
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EventLoop::run() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      while (tasks_.empty() && !stopped_) changed_.wait(mutex_);
      if (stopped_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace keyhold::core::test
