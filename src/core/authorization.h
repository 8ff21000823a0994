#pragma once

#include <string_view>

#include "base/result.h"
#include "core/field_values.h"
#include "core/policy/compiled_policies.h"
#include "core/policy/iam_policy.h"
#include "core/request.h"
#include "core/route.h"

namespace keyhold::core {

/// Whether the holder of `policies` may call a route. To be asked before its handler runs.
///
/// The one rule that applies to `path` must grant `needed` (the route's capability, or create in the place of update) and, where
/// the route says so, sudo beside it; and what it says of parameters, wrapping and pages must hold. What counts as parameters is
/// what the handler could read: the body of a write, the query of a read. In a list, a bound on pages becomes the field "limit".
///
/// `decision` is what IAM's policies say of it: an Allow grants what no rule does, without bounds; a Deny forbids it.
///
/// errors   kDenied, saying nothing about why.
Result<void> authorize(const CompiledPolicies& policies, iam::Decision decision, const RouteInfo& route, Capability needed,
                       std::string_view path, const Request& request, FieldValues& fields);

}  // namespace keyhold::core
