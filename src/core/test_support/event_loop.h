#pragma once

#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace keyhold::core::test {

/// An I/O thread in small: runs what is posted, in order.
///
/// threads   post() from any; stop() from one.
class EventLoop {
 public:
  EventLoop() : thread_([this] { run(); }) {}
  ~EventLoop() { stop(); }

  void post(std::function<void()> task);
  /// Ends the thread. What has not run by then is destroyed without being run, as an HTTP worker does.
  void stop();

 private:
  void run();

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace keyhold::core::test
