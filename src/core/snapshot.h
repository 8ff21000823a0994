#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/mutex.h"

namespace keyhold::core {

/// An immutable value that is replaced whole. Readers keep a Reader each (one per thread), which costs one atomic
/// load until the value changes.
///
/// threads   Any; a Reader belongs to one.
template <typename T>
class Snapshot {
 public:
  using Pointer = std::shared_ptr<const T>;

  void publish(Pointer value) {
    MutexLock lock(mutex_);
    value_ = std::move(value);
    generation_.fetch_add(1, std::memory_order_release);
  }

  Pointer load() const {
    MutexLock lock(mutex_);
    return value_;
  }

  class Reader {
   public:
    explicit Reader(const Snapshot& source) : source_(source) {}

    /// The current value; may be null before the first publish().
    const Pointer& get() {
      const std::uint64_t generation = source_.generation_.load(std::memory_order_acquire);
      if (generation != generation_) {
        value_ = source_.load();
        generation_ = generation;
      }
      return value_;
    }

   private:
    const Snapshot& source_;
    std::uint64_t generation_ = 0;
    Pointer value_;
  };

 private:
  mutable Mutex mutex_;
  std::atomic<std::uint64_t> generation_{0};
  Pointer value_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
