#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/mutex.h"

namespace keyhold::crypto {

/// The calling thread's number, counted from 0 in the order of first calls.
inline std::size_t thread_number() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

/// A keyed context for each thread, owned by the key: they hold copies of it outside the locked arena, so
/// they must end (and OpenSSL wipe them) with it and not with their thread. Threads beyond kSlots share.
///
/// threads   Any.
template <typename Context>
class ThreadSlots {
 public:
  /// Calls `work` with this thread's context, which `make` creates at first.
  template <typename Make, typename Work>
  auto with(Make&& make, Work&& work) {
    Slot& slot = slots_[thread_number() % kSlots];
    const MutexLock lock(slot.mutex);
    if (!slot.context) slot.context = std::make_unique<Context>(make());
    return work(*slot.context);
  }

 private:
  static constexpr std::size_t kSlots = 16;
  static constexpr std::size_t kCacheLineBytes = 64;

  struct alignas(kCacheLineBytes) Slot {
    Mutex mutex;
    std::unique_ptr<Context> context GUARDED_BY(mutex);
  };
  std::array<Slot, kSlots> slots_;
};

}  // namespace keyhold::crypto
