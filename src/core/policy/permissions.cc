#include "core/policy/permissions.h"

#include <algorithm>

namespace keyhold::core {
namespace {

void lower(std::int64_t& bound, std::int64_t other) {
  if (other > 0) bound = bound == 0 ? other : std::min(bound, other);
}

}  // namespace

bool Restrictions::admit_wrapping(std::optional<std::int64_t> ttl_s) const {
  if (min_wrapping_ttl_s == 0 && max_wrapping_ttl_s == 0) return true;
  return ttl_s && *ttl_s >= min_wrapping_ttl_s && (max_wrapping_ttl_s == 0 || *ttl_s <= max_wrapping_ttl_s);
}

void Restrictions::merge(const Restrictions& more) {
  parameters.merge(more.parameters);
  lower(min_wrapping_ttl_s, more.min_wrapping_ttl_s);
  lower(max_wrapping_ttl_s, more.max_wrapping_ttl_s);
  lower(pagination_limit, more.pagination_limit);
}

void Permissions::merge(const Permissions& more) {
  capabilities.add(more.capabilities);
  if (capabilities.denies()) {
    restrictions.reset();
  } else if (restrictions == nullptr) {
    restrictions = more.restrictions;
  } else if (more.restrictions != nullptr) {
    auto merged = std::make_shared<Restrictions>(*restrictions);
    merged->merge(*more.restrictions);
    restrictions = std::move(merged);
  }
}

}  // namespace keyhold::core
