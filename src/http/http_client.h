#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::http {

/// A request to another server, and what bounds it. Views live during the call.
struct ClientRequest {
  std::string_view url;  // "https://…", or "http://…" on this machine.
  std::string_view body; // Posted.
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string_view ca_pem{};            // Certificates to trust in place of the system's; empty = the system's.
  std::int64_t timeout_ms = 30'000;     // For all of it.
  SecretBytes* answer = nullptr;        // Where the answer's body goes; null: it is thrown away.
  std::function<bool()> stopping{};     // Asked every now and then; true gives up.
};

/// Posts and waits. Of the answer's body it reads a bounded part. Verifies certificates and their names, follows no
/// redirection, and takes no proxy from the environment.
///
/// returns   The status.
/// errors    kUnavailable, with a text that says what is wrong and holds nothing of either side's. A header that is not one line is one.
/// threads   Any.
Result<int> post(const ClientRequest& request);

}  // namespace keyhold::http
