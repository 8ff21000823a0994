#pragma once

#include <cstdint>
#include <string>

#include "base/secret_bytes.h"
#include "client/api.h"

namespace keyhold::cli {

enum class CurlToken : std::uint8_t { kLeftOut, kByCommand };

/// A curl command that sends the request. It holds the body that was given, and in place of the token the command that prints it.
SecretBytes curl_text(const client::Api& api, const client::ApiRequest& request, CurlToken token);

/// The least policy that allows the request.
std::string policy_text(const client::ApiRequest& request);

}  // namespace keyhold::cli
