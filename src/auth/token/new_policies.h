#pragma once

#include <string>
#include <vector>

#include "core/call.h"
#include "core/records.pb.h"

namespace keyhold::auth {

/// The policies that a new token gets, in order of their names. Names are compared in their normal form, in which the
/// field's type reads them (CVE-2025-5999, CVE-2025-64761).
///
/// role    Through which it is made; may be nullptr.
/// sudo    Whether the caller may give policies that it does not have.
/// errors  kInvalid: more than the caller, or the role, may give.
/// source  Vault API, auth/token/create.
Result<std::vector<std::string>> new_policies(const core::Call& call, const core::records::TokenRole* role, bool sudo);

/// Each once, in order.
std::vector<std::string> in_order(std::vector<std::string> names);

/// '*' stands for any text.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace keyhold::auth
