#pragma once

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace keyhold {

using UnixMillis = std::int64_t;      // Milliseconds since 1970-01-01T00:00:00Z.
using MonotonicMillis = std::int64_t;  // Milliseconds since some fixed point; never goes back.

inline constexpr std::int64_t kDayMs = 86'400'000;

/// Time, passed to everything that needs it so that tests can hold it.
///
/// threads   Any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis now_ms() const = 0;
  virtual MonotonicMillis monotonic_ms() const = 0;
  /// Counts while the machine sleeps, too, which monotonic_ms() need not.
  virtual MonotonicMillis boot_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixMillis now_ms() const override { return since_epoch<std::chrono::system_clock>(); }
  MonotonicMillis monotonic_ms() const override { return since_epoch<std::chrono::steady_clock>(); }
  MonotonicMillis boot_ms() const override {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * 1'000 + time.tv_nsec / 1'000'000;
  }

 private:
  template <typename Source>
  static std::int64_t since_epoch() {
    using std::chrono::duration_cast;
    return duration_cast<std::chrono::milliseconds>(Source::now().time_since_epoch()).count();
  }
};

/// A clock that moves only when told to.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(UnixMillis start_ms = 1'700'000'000'000) : now_ms_(start_ms) {}
  UnixMillis now_ms() const override { return now_ms_.load(); }
  MonotonicMillis monotonic_ms() const override { return monotonic_ms_.load(); }
  MonotonicMillis boot_ms() const override { return monotonic_ms_.load(); }

  /// All clocks move on together.
  void advance_ms(std::int64_t by_ms) {
    now_ms_ += by_ms;
    monotonic_ms_ += by_ms;
  }
  /// Only the wall clock jumps, as when an operator or NTP sets it.
  void step_wall_ms(std::int64_t by_ms) { now_ms_ += by_ms; }

 private:
  std::atomic<UnixMillis> now_ms_;
  std::atomic<MonotonicMillis> monotonic_ms_{1'000};
};

}  // namespace keyhold
