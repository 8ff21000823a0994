#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/call.h"

namespace keyhold::core {

/// What is stored under keys that begin with `prefix`, as the request's transaction sees it: the rest of each key, in order.
///
/// errors   as Transaction::list().
Result<std::vector<std::string>> names_below(Call& call, std::string_view prefix);

/// A list's answer: the names as "keys", or not found when there are none.
Reply listed(const std::vector<std::string>& names);

}  // namespace keyhold::core
