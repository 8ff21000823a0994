#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::core {

/// The path of a request below its API's prefix, as it is checked, routed and stored: "secret/data/prod/db".
///
/// Decodes %XX once and refuses what could mean two things (CVE-2026-3605 and its kin): empty, "." and ".."
/// segments, an encoded slash, percent sign, backslash or NUL, control characters, invalid UTF-8, a leading slash, more than
/// limits::kRequestPathBytesMax bytes. One trailing slash is kept: it is for the route to accept or refuse.
///
/// errors   kInvalid, with the reason and never the path.
Result<std::string> canonical_path(std::string_view encoded);

/// Decodes one name or value of application/x-www-form-urlencoded: %XX once, '+' is a space. errors: kInvalid: a broken escape, invalid
/// UTF-8.
Result<SecretBytes> decode_form_component(std::string_view encoded);

/// The same of a query that holds no secret, where control characters are refused as in paths.
Result<std::string> decode_query_component(std::string_view encoded);

}  // namespace keyhold::core
