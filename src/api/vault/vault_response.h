#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/request.h"
#include "http/server.h"

namespace keyhold::api {

/// Vault's envelope and status for an answer. `query` is the request's: sys/health takes its codes from there.
http::Response render_vault_answer(core::Answer& answer,
                                   const std::vector<std::pair<std::string, std::string>>& query);

/// `{"errors":[…]}`; without a message the list is empty.
http::Response render_vault_error(int status, std::string_view message);

int vault_status(Code code);

}  // namespace keyhold::api
