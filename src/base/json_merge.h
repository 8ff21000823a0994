#pragma once

#include "base/json.h"
#include "base/secret_bytes.h"

namespace keyhold::json {

/// Appends `target` as changed by `patch` (RFC 7396). Both are objects.
///
/// Splices texts: what the patch does not touch stays as it is, white space, order, escapes and every digit of its numbers
/// included; what it brings is written as it was received, new members last. The result is within the depth of the deeper of
/// the two, and may have the nodes and bytes of both.
void append_merged(SecretBytes& out, const Value& target, const Value& patch);

}  // namespace keyhold::json
