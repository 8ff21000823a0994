#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace keyhold::http {

/// One thread's event loop on epoll. Each descriptor is registered once and edge-triggered: waiting for it again costs no
/// system call, unlike with Asio's (docs/architecture.md).
///
/// A turn tells watchers what became ready, then calls those that asked for it, then runs the tasks that were posted before,
/// then the tick if it is due. What these ask for and post comes in the next turn, so that none can keep the others waiting.
///
/// threads   post() and stop() from any; the rest before run(), or on the thread that is in it.
class EventLoop {
 public:
  using Task = std::function<void()>;

  /// Owns a descriptor and is told when it becomes ready. Dies before its loop does.
  class Watcher {
   public:
    virtual ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

   protected:
    /// Takes over a non-blocking descriptor; closes it at once when the kernel has no memory to watch it.
    Watcher(EventLoop& loop, int descriptor);
    int descriptor() const { return descriptor_; }  // -1 once closed.
    void close_descriptor();
    /// Has on_events(0) called in the next turn, after close_descriptor() as well.
    void call_again() { loop_.again_.push_back(this); }

   private:
    friend class EventLoop;
    /// `events` of epoll: what has become ready since the last call, whether or not that was used up. There may be nothing
    /// new. May destroy the watcher; none is called once it is destroyed.
    virtual void on_events(std::uint32_t events) = 0;

    EventLoop& loop_;
    int descriptor_;
  };

  /// errors   kUnavailable: no descriptors are left.
  static Result<std::unique_ptr<EventLoop>> make();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Turns until stop(), calling `tick` at the start and then every tick_ms, or as soon as a turn allows.
  void run(std::int64_t tick_ms, const Task& tick);
  void stop() {
    post([this] { stopped_ = true; });
  }

  /// Runs `task` in this turn, after what is ready, or in the next one. From the loop's own thread it costs neither a lock
  /// nor a system call; from others, a wake-up when the loop sleeps. Tasks left after stop() are destroyed with the loop.
  void post(Task task);

  /// When this turn began.
  MonotonicMillis now_ms() const { return now_ms_; }

 private:
  EventLoop(int epoll, int wake_up) : epoll_(epoll), wake_up_(wake_up) {}

  void wait(MonotonicMillis tick_at_ms);
  void tell_watchers();
  void run_tasks();
  void forget(const Watcher& watcher);

  static constexpr std::size_t kEventsMax = 256;  // A turn.

  const SystemClock clock_;
  const int epoll_;
  const int wake_up_;  // An eventfd. Never read: each write is an edge.
  bool stopped_ = false;
  MonotonicMillis now_ms_ = 0;

  // What the turn has still to call. Places of watchers that are gone hold nullptr.
  std::array<epoll_event, kEventsMax> ready_{};
  std::size_t ready_size_ = 0;
  std::vector<Watcher*> again_;    // For the next turn.
  std::vector<Watcher*> calling_;  // In this one.
  std::vector<Task> tasks_;
  std::vector<Task> running_;

  Mutex mutex_;
  std::vector<Task> arrived_ GUARDED_BY(mutex_);  // From other threads.
  bool asleep_ GUARDED_BY(mutex_) = false;        // Nobody has woken it yet.
};

}  // namespace keyhold::http
