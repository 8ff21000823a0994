#include "core/lease_clock.h"

#include <algorithm>
#include <cstdlib>

namespace keyhold::core {

LeaseClock::LeaseClock(const Clock& source) : source_(source) { start(0); }

void LeaseClock::start(UnixMillis seen_ms) {
  MutexLock lock(mutex_);
  anchor_wall_ms_ = source_.now_ms();
  anchor_boot_ms_ = source_.boot_ms();
  checked_wall_ms_ = anchor_wall_ms_;
  checked_boot_ms_ = anchor_boot_ms_;
  trusted_ = true;
  never_back(std::max(seen_ms, anchor_wall_ms_));
}

LeaseClock::Moment LeaseClock::moment() const {
  const UnixMillis wall_ms = source_.now_ms();
  const auto soon = [](std::int64_t since_ms) { return since_ms >= 0 && since_ms < kCheckEveryMs; };
  if (soon(wall_ms - checked_wall_ms_.load(std::memory_order_relaxed)) &&
      soon(source_.boot_ms() - checked_boot_ms_.load(std::memory_order_relaxed)) && trusted_.load(std::memory_order_relaxed)) {
    return {never_back(wall_ms), true};
  }
  return check(wall_ms);
}

LeaseClock::Moment LeaseClock::check(UnixMillis wall_ms) const {
  MutexLock lock(mutex_);
  const MonotonicMillis boot_ms = source_.boot_ms();
  const UnixMillis expected_ms = anchor_wall_ms_ + (boot_ms - anchor_boot_ms_);
  const bool trusted = std::abs(wall_ms - expected_ms) <= kDriftMaxMs;
  trusted_ = trusted;
  if (!trusted) return {never_back(expected_ms), false};
  checked_wall_ms_ = wall_ms;
  checked_boot_ms_ = boot_ms;
  if (boot_ms - anchor_boot_ms_ >= kReanchorMs) {
    anchor_wall_ms_ = wall_ms;
    anchor_boot_ms_ = boot_ms;
  }
  return {never_back(wall_ms), true};
}

UnixMillis LeaseClock::never_back(UnixMillis now_ms) const {
  UnixMillis seen_ms = seen_ms_.load(std::memory_order_relaxed);
  while (now_ms > seen_ms && !seen_ms_.compare_exchange_weak(seen_ms, now_ms, std::memory_order_relaxed)) {
  }
  return std::max(now_ms, seen_ms);
}

}  // namespace keyhold::core
