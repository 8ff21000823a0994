#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace keyhold::core {

/// The time by which tokens and leases end: the wall clock, but never before a moment that this store has already seen.
///
/// Somebody who sets the wall clock must not be able to revive what has ended or to destroy what has not. So the wall
/// clock is watched against the clock that counts since boot: when they part by more than a minute, it is not trusted until
/// they meet again or the node is unsealed anew, which is how an operator confirms a correction. Meanwhile time goes on by
/// the boot clock.
///
/// threads   Any.
class LeaseClock final : public Clock {
 public:
  static constexpr std::int64_t kDriftMaxMs = 60'000;

  struct Moment {
    UnixMillis now_ms = 0;
    bool trusted = true;  // false: nothing may be used or ended by this time.
  };

  explicit LeaseClock(const Clock& source);

  /// Takes the wall clock as right from here on, but time as no earlier than `seen_ms`.
  void start(UnixMillis seen_ms);

  Moment moment() const;
  UnixMillis now_ms() const override { return moment().now_ms; }
  MonotonicMillis monotonic_ms() const override { return source_.monotonic_ms(); }
  MonotonicMillis boot_ms() const override { return source_.boot_ms(); }

 private:
  /// The clocks cannot have parted by more than this while each moves on by less: a held wall clock is noticed by the other.
  static constexpr std::int64_t kCheckEveryMs = 1'000;
  /// Slow corrections of the wall clock are honest: only what happens within this time counts as parting.
  static constexpr std::int64_t kReanchorMs = 3'600'000;

  Moment check(UnixMillis wall_ms) const;
  UnixMillis never_back(UnixMillis now_ms) const;

  const Clock& source_;
  mutable std::atomic<UnixMillis> seen_ms_{0};
  mutable std::atomic<UnixMillis> checked_wall_ms_{0};
  mutable std::atomic<MonotonicMillis> checked_boot_ms_{0};
  mutable std::atomic<bool> trusted_{true};
  mutable Mutex mutex_;
  mutable UnixMillis anchor_wall_ms_ GUARDED_BY(mutex_) = 0;
  mutable MonotonicMillis anchor_boot_ms_ GUARDED_BY(mutex_) = 0;
};

}  // namespace keyhold::core
