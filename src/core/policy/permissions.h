#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/policy/capability.h"
#include "core/policy/parameter_rules.h"

namespace keyhold::core {

/// What a rule demands beside a capability. 0 = no bound.
struct Restrictions {
  ParameterRules parameters;
  std::int64_t min_wrapping_ttl_s = 0;
  std::int64_t max_wrapping_ttl_s = 0;
  std::int64_t pagination_limit = 0;  // OpenBao's: entries of one page of a list.

  bool empty() const {
    return parameters.empty() && min_wrapping_ttl_s == 0 && max_wrapping_ttl_s == 0 && pagination_limit == 0;
  }
  /// Whether an answer that lives in a wrapping token for so long may be given; nullopt = one that is not wrapped.
  bool admit_wrapping(std::optional<std::int64_t> ttl_s) const;
  /// Takes in another policy's for the same path: of each bound the lesser.
  void merge(const Restrictions& more);
};

/// What one path of one policy, or of several, gives. A copy shares.
struct Permissions {
  CapabilitySet capabilities;
  std::shared_ptr<const Restrictions> restrictions;  // nullptr = none.

  /// Takes in another policy's for the same path; a deny of either takes everything away.
  void merge(const Permissions& more);
};

}  // namespace keyhold::core
