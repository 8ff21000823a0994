#include "cli/request_text.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace keyhold::cli {
namespace {

/// In single quotes, which nothing but themselves ends.
void append_quoted(SecretBytes& out, std::string_view text) {
  out.push_back('\'');
  for (const char c : text) {
    if (c == '\'') {
      out.append("'\"'\"'");
    } else {
      out.push_back(c);
    }
  }
  out.push_back('\'');
}

/// A request that asks for `sudo` beside the operation, as the server's tables have it: tests/cli compares them.
struct Privileged {
  std::string_view path;     // With a slash at its end: all that is below.
  std::string_view methods;  // "" is all.
};
constexpr std::array kPrivileged{Privileged{"auth/token/accessors", ""},
                                 Privileged{"auth/token/accessors/", ""},
                                 Privileged{"auth/token/revoke-orphan", ""},
                                 Privileged{"sys/auth/", ""},
                                 Privileged{"sys/generate-root-token/attempt", "PUT DELETE"},
                                 Privileged{"sys/leases/lookup/", "LIST"},
                                 Privileged{"sys/leases/revoke-force/", ""},
                                 Privileged{"sys/leases/revoke-prefix/", ""},
                                 Privileged{"sys/rekey/init", "PUT DELETE"},
                                 Privileged{"sys/rekey/verify", "DELETE"},
                                 Privileged{"sys/rekey-recovery-key/init", "PUT DELETE"},
                                 Privileged{"sys/rekey-recovery-key/verify", "DELETE"},
                                 Privileged{"sys/remount", ""},
                                 Privileged{"sys/revoke-force/", ""},
                                 Privileged{"sys/revoke-prefix/", ""},
                                 Privileged{"sys/rotate", ""},
                                 Privileged{"sys/rotate/config", ""},
                                 Privileged{"sys/rotate/keyring", ""},
                                 Privileged{"sys/rotate/keyring/config", ""},
                                 Privileged{"sys/rotate/recovery/init", "PUT DELETE"},
                                 Privileged{"sys/rotate/recovery/verify", "DELETE"},
                                 Privileged{"sys/rotate/root/init", "PUT DELETE"},
                                 Privileged{"sys/rotate/root/verify", "DELETE"},
                                 Privileged{"sys/seal", ""},
                                 Privileged{"sys/storage/raft/snapshot", "POST PUT"},
                                 Privileged{"sys/storage/raft/snapshot-auto/", ""},
                                 Privileged{"sys/storage/raft/snapshot-force", ""},
                                 Privileged{"sys/storage/raft/snapshot-recover", ""}};

bool asks_for_sudo(const client::ApiRequest& request) {
  return std::any_of(kPrivileged.begin(), kPrivileged.end(), [&request](const Privileged& known) {
    const bool at = known.path.ends_with('/') ? request.path.starts_with(known.path) : request.path == known.path;
    return at && (known.methods.empty() || known.methods.find(request.method) != std::string_view::npos);
  });
}

std::string_view capabilities_of(std::string_view method) {
  if (method == "LIST") return "\"list\"";
  if (method == "SCAN") return "\"scan\"";
  if (method == "DELETE") return "\"delete\"";
  if (method == "PATCH") return "\"patch\"";
  if (method == "PUT" || method == "POST") return "\"create\", \"update\"";
  return "\"read\"";
}

}  // namespace

SecretBytes curl_text(const client::Api& api, const client::ApiRequest& request, CurlToken token) {
  SecretBytes out = SecretBytes::copy_of("curl ");
  const client::Settings& settings = api.settings();
  const auto option = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(name);
    out.push_back(' ');
    append_quoted(out, value);
    out.push_back(' ');
  };
  const bool read = request.method == "GET" || request.method == "LIST" || request.method == "SCAN";
  if (!read) {
    out.append("-X ");
    out.append(request.method);
    out.push_back(' ');
  }
  if (settings.http.verify == client::Verify::kNothing) out.append("--insecure ");
  option("--cacert", settings.ca_file);
  if (settings.ca_file.empty()) option("--capath", settings.ca_directory);
  option("--cert", settings.http.client_certificate_file);
  option("--key", settings.http.client_key_file);
  if (token == CurlToken::kByCommand) out.append("-H \"X-Vault-Token: $(keyhold print token)\" ");
  for (const auto& [name, value] : api.headers_of(request)) option("-H", name + ": " + value);
  if (request.body != nullptr) option("-d", request.body->reveal());
  const client::Url url = api.url_of(request);
  append_quoted(out, url.origin() + url.target);
  return out;
}

std::string policy_text(const client::ApiRequest& request) {
  std::string text = "path ";
  json::append_quoted(text, request.path);
  text.append(" {\n  capabilities = [").append(capabilities_of(request.method));
  if (asks_for_sudo(request)) text.append(", \"sudo\"");
  return text.append("]\n}\n");
}

}  // namespace keyhold::cli
