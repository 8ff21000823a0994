#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace keyhold::core {
namespace records {
class Mount;
}

/// What a life time is where nothing else is said, and at most: Vault's, 768 h.
inline constexpr std::int64_t kSystemDefaultTtlS = 32 * 24 * 3600;
inline constexpr std::int64_t kSystemMaxTtlS = 32 * 24 * 3600;

/// What a mount says about the life of what it gives out.
struct TtlBounds {
  std::int64_t default_s = 0;
  std::int64_t max_s = 0;
};

/// A mount's own, or the system's where it has none.
TtlBounds ttl_bounds(const records::Mount& mount);

/// What is asked for, and what was promised when the thing was made. 0 = not given.
struct TtlWish {
  std::int64_t ttl_s = 0;
  std::int64_t period_s = 0;        // Each renewal gives this anew, and the mount's maximum does not end it.
  std::int64_t explicit_max_s = 0;  // Counted from `made_ms`.
  UnixMillis made_ms = 0;
};

struct GrantedTtl {
  UnixMillis expires_ms = 0;  // After now: what has a life time never comes out as without one.
  std::vector<std::string> warnings;

  std::int64_t left_s(UnixMillis now_ms) const { return (expires_ms - now_ms) / 1000; }
};

/// How long something may live from `now_ms` on: what was asked for, else its mount's default, within all maxima.
///
/// errors   kInvalid: its maximum has passed.
/// source   Vault, CalculateTTL.
Result<GrantedTtl> grant_ttl(const TtlWish& wish, const TtlBounds& bounds, UnixMillis now_ms);

}  // namespace keyhold::core
