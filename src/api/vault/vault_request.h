#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/request.h"
#include "http/server.h"

namespace keyhold::api {

/// Turns an HTTP request into Vault's meaning of it.
///
/// errors   kNotFound: not below /v1/, or below a path that belongs to another API. kUnsupported: the method. kMediaType.
///          kInvalid: an odd path or query (core/path.h), a header that asks for what is not offered, a body where none may be.
Result<core::Request> parse_vault_request(http::Request& request);

}  // namespace keyhold::api
