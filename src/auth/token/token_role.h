#pragma once

#include <memory>
#include <string_view>

#include "core/call.h"
#include "core/records.pb.h"
#include "core/token_ttl.h"

namespace keyhold::auth {

/// The role of this name, or nullptr.
Result<std::shared_ptr<const core::records::TokenRole>> find_role(const core::Call& call, std::string_view name);

}  // namespace keyhold::auth
