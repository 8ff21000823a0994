#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace keyhold::client {

/// "https://host:8200/some/path", taken apart.
struct Url {
  std::string scheme;  // "https" or "http".
  std::string host;    // As written: an IPv6 address keeps its brackets.
  std::uint16_t port = 0;
  std::string target;  // Path and query, "" or from its '/' on.

  /// errors   kInvalid: another scheme, no host, a user or a fragment, a port that is none, white space or control characters.
  static Result<Url> parse(std::string_view text);

  std::string port_text() const { return std::to_string(port); }
  std::string authority() const { return host + ":" + port_text(); }
  std::string origin() const { return scheme + "://" + authority(); }
  /// localhost, 127.0.0.0/8 and ::1 by their texts.
  bool is_this_machine() const;
};

/// Escapes all but letters, digits, "-._~" and "/".
std::string escape_path(std::string_view path);

using Query = std::vector<std::pair<std::string, std::string>>;

/// "" or "?a=b&c=d".
std::string query_text(const Query& query);

}  // namespace keyhold::client
