#include "http/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

namespace keyhold::http {
namespace {

constexpr std::uint32_t kInterest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

thread_local const EventLoop* running_here = nullptr;

bool add(int epoll, int descriptor, void* watcher) {
  epoll_event event{.events = kInterest, .data = {.ptr = watcher}};
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

EventLoop::Watcher::Watcher(EventLoop& loop, int descriptor) : loop_(loop), descriptor_(descriptor) {
  if (add(loop_.epoll_, descriptor_, this)) return;
  ::close(descriptor_);
  descriptor_ = -1;
}

EventLoop::Watcher::~Watcher() {
  close_descriptor();
  loop_.forget(*this);
}

void EventLoop::Watcher::close_descriptor() {
  if (descriptor_ < 0) return;
  // Not left to close(): a child process that was forked just now may hold the socket, and with it the registration.
  ::epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, descriptor_, nullptr);
  ::close(std::exchange(descriptor_, -1));
}

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int wake_up = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int error = errno;
  std::unique_ptr<EventLoop> loop(new EventLoop(epoll, wake_up));
  if (epoll < 0 || wake_up < 0 || !add(epoll, wake_up, nullptr)) {
    return Error{Code::kUnavailable, "cannot make an event loop: " + std::generic_category().message(error)};
  }
  return loop;
}

EventLoop::~EventLoop() {
  if (wake_up_ >= 0) ::close(wake_up_);
  if (epoll_ >= 0) ::close(epoll_);
}

void EventLoop::run(std::int64_t tick_ms, const Task& tick) {
  running_here = this;
  MonotonicMillis tick_at_ms = now_ms_ = clock_.monotonic_ms();
  while (!stopped_) {
    if (now_ms_ >= tick_at_ms) {
      tick();
      tick_at_ms = now_ms_ + tick_ms;
    }
    wait(tick_at_ms);
    tell_watchers();
    run_tasks();
  }
  running_here = nullptr;
}

void EventLoop::post(Task task) {
  if (running_here == this) return tasks_.push_back(std::move(task));
  bool asleep = false;
  {
    MutexLock lock(mutex_);
    arrived_.push_back(std::move(task));
    asleep = std::exchange(asleep_, false);
  }
  if (asleep) ::eventfd_write(wake_up_, 1);
}

/// Sleeps unless there is something to do, and gathers what there is.
void EventLoop::wait(MonotonicMillis tick_at_ms) {
  bool idle = tasks_.empty() && again_.empty();
  {
    MutexLock lock(mutex_);
    idle = idle && arrived_.empty();
    asleep_ = idle;
  }
  const int timeout_ms = idle ? static_cast<int>(tick_at_ms - now_ms_) : 0;
  const int ready = ::epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), timeout_ms);
  ready_size_ = static_cast<std::size_t>(std::max(ready, 0));  // It fails by a signal only.
  now_ms_ = clock_.monotonic_ms();

  MutexLock lock(mutex_);
  asleep_ = false;
  tasks_.insert(tasks_.end(), std::make_move_iterator(arrived_.begin()), std::make_move_iterator(arrived_.end()));
  arrived_.clear();
}

void EventLoop::tell_watchers() {
  calling_.swap(again_);
  for (std::size_t i = 0; i < ready_size_; ++i) {
    auto* const watcher = static_cast<Watcher*>(ready_[i].data.ptr);
    if (watcher != nullptr) watcher->on_events(ready_[i].events);  // nullptr: gone, or the wake-up.
  }
  ready_size_ = 0;
  for (std::size_t i = 0; i < calling_.size(); ++i) {
    if (calling_[i] != nullptr) calling_[i]->on_events(0);
  }
  calling_.clear();
}

void EventLoop::run_tasks() {
  running_.swap(tasks_);
  for (Task& task : running_) std::exchange(task, nullptr)();
  running_.clear();
}

void EventLoop::forget(const Watcher& watcher) {
  for (std::size_t i = 0; i < ready_size_; ++i) {
    if (ready_[i].data.ptr == &watcher) ready_[i].data.ptr = nullptr;
  }
  std::replace(again_.begin(), again_.end(), const_cast<Watcher*>(&watcher), static_cast<Watcher*>(nullptr));
  std::replace(calling_.begin(), calling_.end(), const_cast<Watcher*>(&watcher), static_cast<Watcher*>(nullptr));
}

}  // namespace keyhold::http
