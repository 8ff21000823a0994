#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace keyhold::core {

/// One object, or none, that many threads use all the time and that is replaced or destroyed now and then.
///
/// A pin costs two uncontended atomic additions (about 20 ns): readers count themselves in a cache line of the
/// processor they run on, where a shared_mutex or an atomic shared_ptr would have them all write one line. replace()
/// returns once nobody uses the former object, which is destroyed by then.
///
/// threads   Any. A thread that holds a pin must not call pin() or replace().
template <typename T>
class ReadMostly {
 public:
  ReadMostly() = default;
  ~ReadMostly() { replace(nullptr); }
  ReadMostly(const ReadMostly&) = delete;
  ReadMostly& operator=(const ReadMostly&) = delete;

  /// Keeps the object where it is for a scope.
  class Pin {
   public:
    ~Pin() {
      if (users_ != nullptr) users_->fetch_sub(1, std::memory_order_release);
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

    explicit operator bool() const { return object_ != nullptr; }
    const T& operator*() const { return *object_; }
    const T* operator->() const { return object_; }

   private:
    friend class ReadMostly;
    Pin(const T* object, std::atomic<std::uint32_t>* users) : object_(object), users_(users) {}
    const T* object_;
    std::atomic<std::uint32_t>* users_;
  };

  /// Waits while replace() runs.
  Pin pin() const {
    for (;;) {
      std::atomic<std::uint32_t>& users = stripe();
      // Both sequentially consistent, as are the exchange and the loads in replace(): either the writer sees this user,
      // or this user sees that the object is gone.
      users.fetch_add(1, std::memory_order_seq_cst);
      const T* object = object_.load(std::memory_order_seq_cst);
      if (object != replacing()) return Pin(object, &users);
      users.fetch_sub(1, std::memory_order_release);
      object_.wait(replacing(), std::memory_order_relaxed);
    }
  }

  /// Whether there is an object. May be out of date at once.
  bool empty() const { return object_.load(std::memory_order_relaxed) == nullptr; }

  void replace(std::unique_ptr<const T> next) EXCLUDES(writers_) {
    const MutexLock lock(writers_);
    const std::unique_ptr<const T> former(object_.exchange(replacing(), std::memory_order_seq_cst));
    for (const Stripe& stripe : stripes_) {
      while (stripe.users.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    }
    object_.store(next.release(), std::memory_order_seq_cst);
    object_.notify_all();
  }

 private:
  static constexpr std::size_t kStripes = 64;  // A power of two; processors beyond it share.
  struct alignas(64) Stripe {
    std::atomic<std::uint32_t> users{0};
  };

  /// Stands for an object while readers have to wait. Never dereferenced.
  static const T* replacing() { return reinterpret_cast<const T*>(std::uintptr_t{1}); }

  std::atomic<std::uint32_t>& stripe() const {
    return stripes_[static_cast<std::size_t>(sched_getcpu()) % kStripes].users;
  }

  std::atomic<const T*> object_{nullptr};
  mutable std::array<Stripe, kStripes> stripes_;
  Mutex writers_;
};

}  // namespace keyhold::core
