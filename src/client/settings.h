#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "client/http_call.h"

namespace keyhold::client {

/// Reads one variable of the environment; nullptr when it is not set.
using Environment = std::function<const char*(const char* name)>;

/// KEYHOLD_name, else VAULT_name, else "". One that is set to nothing counts as not set.
std::string_view variable(const Environment& environment, std::string_view name);

/// Where a client sends its requests, and as whom.
struct Settings {
  std::string address = "https://127.0.0.1:8200";
  std::string namespace_path{};
  std::string wrap_ttl{};  // As sent; "" does not wrap.
  SecretBytes token{};     // From the environment; empty when there is none.
  int retries_max = 2;
  HttpSettings http{};
  // Files to trust certificates from; read by load_authorities().
  std::string ca_file{};
  std::string ca_directory{};
};

/// What the environment says, Keyhold's variables before Vault's:
/// ADDR, TOKEN, NAMESPACE, WRAP_TTL, MAX_RETRIES, CLIENT_TIMEOUT, CACERT, CAPATH, CAPEM (as CACERT_BYTES), CLIENT_CERT, CLIENT_KEY,
/// TLS_SERVER_NAME, SKIP_VERIFY, PROXY_ADDR (or HTTP_PROXY of Vault's).
///
/// errors   kInvalid, which names the variable that cannot be understood.
Result<Settings> settings_from(const Environment& environment);

/// Fills http.ca_pem from ca_file, else from all files of ca_directory.
///
/// errors   kInvalid: a file cannot be read, or holds no certificate.
Result<void> load_authorities(Settings& settings);

}  // namespace keyhold::client
