#pragma once

#include <vector>

#include "base/secret_bytes.h"
#include "core/field_values.h"
#include "core/request.h"
#include "core/route.h"

namespace keyhold::core {

/// What a client should know of what it sent and the route made nothing of: names that no field has, and fields given beside their
/// values in the path. Names alone, of which no more than a bounded part is told;
/// a name may be a secret that was put in the wrong place. Nothing of a route whose whole body is content.
///
/// source   Vault's framework: its warnings of "unrecognized" and "replaced" parameters; of a write what stands in the body counts,
///          of anything else what stands in the query.
std::vector<SecretBytes> field_warnings(const RouteInfo& route, const Request& request, const FieldValues& fields);

}  // namespace keyhold::core
