#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "core/call.h"

/// How tokens look to clients.
namespace keyhold::auth {

/// The `auth` object of an answer that gives out or renews a token.
struct AuthAnswer {
  const core::records::Token& record;
  std::string_view token;  // Empty where the caller does not have it.
  std::int64_t lease_s = 0;
  std::int64_t num_uses = 0;
};
void append_auth(json::Writer& writer, const AuthAnswer& answer);

/// What a lookup tells of a token. `token` is shown as its id.
Result<core::Reply> lookup_answer(const core::Call& call, const core::TokenState& state, std::string_view token);

}  // namespace keyhold::auth
