#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "core/keys.h"
#include "core/policy/capability.h"
#include "core/request.h"

namespace keyhold::core {

/// A number that one thread counts up and any may read: no bus lock, and nothing that threads share.
class Counter {
 public:
  void add(std::uint64_t amount) { value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What the threads that answer requests have counted together.
struct RequestTotals {
  static constexpr std::array<std::int64_t, 12> kBoundsUs{50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 50'000, 250'000, 1'000'000, 10'000'000};
  static constexpr std::size_t kBuckets = kBoundsUs.size() + 1;  // The last has no bound.

  struct OfApi {
    std::map<std::string_view, std::uint64_t> outcomes;  // By the word that the journal has for them.
    std::array<std::uint64_t, kBuckets> buckets{};
    std::uint64_t count = 0;
    std::uint64_t sum_us = 0;
  };
  struct OfRoute {
    std::uint64_t count = 0;
    std::uint64_t sum_us = 0;
  };
  std::map<Api, OfApi> apis;
  std::map<std::pair<keys::MountId, std::string_view>, OfRoute> routes;  // By mount and capability used.
  std::int64_t in_flight = 0;
};

/// What one thread that answers requests counts.
///
/// threads   begun() and answered() from that thread; add_to() from any.
class RequestMetrics {
 public:
  void begun() { begun_.add(1); }
  /// `error`: its code, or nothing. `mount` and `used` of what was authorised; 0 and kDeny: nothing was.
  void answered(Api api, std::optional<Code> error, bool found, keys::MountId mount, Capability used, std::int64_t took_us);

  void add_to(RequestTotals& totals) const EXCLUDES(mutex_);

 private:
  static constexpr std::size_t kApis = 3;
  static constexpr std::size_t kOutcomes = 16;     // Codes, and two kinds of success.
  static constexpr std::size_t kCapabilities = 6;  // Those that have a word for routes.
  static constexpr std::size_t kMountsMax = 1000;  // Of more, requests are counted by API alone.

  struct OfApi {
    std::array<Counter, kOutcomes> outcomes;
    std::array<Counter, RequestTotals::kBuckets> buckets;
    Counter sum_us;
  };
  struct OfRoute {
    Counter count;
    Counter sum_us;
  };
  using OfMount = std::array<OfRoute, kCapabilities>;

  OfMount* of_mount(keys::MountId mount) EXCLUDES(mutex_);

  Counter begun_;
  std::array<OfApi, kApis> apis_;
  mutable Mutex mutex_;  // Taken by the owner to add a mount, by others to read them.
  std::map<keys::MountId, std::unique_ptr<OfMount>> mounts_;  // Changed by the owner under the lock.
};

}  // namespace keyhold::core
