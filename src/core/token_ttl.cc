#include "core/token_ttl.h"

#include <algorithm>

#include "base/time_format.h"
#include "core/records.pb.h"

namespace keyhold::core {
namespace {

std::string capped(std::string_view what, std::string_view what_again, std::int64_t wanted_s, std::int64_t max_s) {
  return std::string(what) + " of \"" + format_duration_s(wanted_s) + "\" exceeded the effective max_ttl of \"" +
         format_duration_s(max_s) + "\"; " + std::string(what_again) + " value is capped accordingly";
}

}  // namespace

TtlBounds ttl_bounds(const records::Mount& mount) {
  const std::int64_t max_s = mount.max_lease_ttl_s() != 0 ? mount.max_lease_ttl_s() : kSystemMaxTtlS;
  const std::int64_t default_s = mount.default_lease_ttl_s() != 0 ? mount.default_lease_ttl_s() : kSystemDefaultTtlS;
  return {std::min(default_s, max_s), max_s};
}

Result<GrantedTtl> grant_ttl(const TtlWish& wish, const TtlBounds& bounds, UnixMillis now_ms) {
  GrantedTtl granted;
  const bool explicit_max = wish.explicit_max_s > 0;
  const std::int64_t max_s = explicit_max ? std::min(wish.explicit_max_s, bounds.max_s) : bounds.max_s;
  const bool periodic = wish.period_s > 0;
  std::int64_t ttl_s = 0;
  if (periodic) {
    ttl_s = std::min(wish.period_s, max_s);
    if (ttl_s < wish.period_s) granted.warnings.push_back(capped("period", "period", wish.period_s, max_s));
  } else {
    ttl_s = wish.ttl_s > 0 ? wish.ttl_s : bounds.default_s;
  }
  // The mount's maximum counts from the beginning, but for what is periodic: that is its point.
  UnixMillis last_ms = now_ms + max_s * 1000;
  if (!periodic) last_ms = wish.made_ms + max_s * 1000;
  if (periodic && explicit_max) last_ms = wish.made_ms + wish.explicit_max_s * 1000;
  if (last_ms <= now_ms) return Error{Code::kInvalid, "past the max TTL, cannot renew"};
  const std::int64_t left_ms = last_ms - now_ms;
  if (ttl_s * 1000 > left_ms) granted.warnings.push_back(capped("TTL", "TTL", ttl_s, left_ms / 1000));
  granted.expires_ms = now_ms + std::min(ttl_s * 1000, left_ms);
  return granted;
}

}  // namespace keyhold::core
