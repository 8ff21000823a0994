#include "client/url.h"

#include <algorithm>

#include "base/scalar.h"

namespace keyhold::client {
namespace {

constexpr std::int64_t kPortMax = 65'535;

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string escape(std::string_view text, bool keep_slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (unreserved(c) || (keep_slashes && c == '/')) {
      escaped.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return escaped;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const Error wrong{Code::kInvalid, "an address is like https://127.0.0.1:8200"};
  const auto printable = [](char c) { return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f; };
  if (!std::all_of(text.begin(), text.end(), printable) || text.find('#') != std::string_view::npos) return wrong;
  Url url;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return wrong;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "https" && url.scheme != "http") return wrong;
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  url.target = text.substr(end);
  if (url.target.starts_with('?')) url.target.insert(0, "/");
  text = text.substr(0, end);
  if (text.find('@') != std::string_view::npos) return wrong;
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) return wrong;
  const std::size_t port_at = text.find(':', bracket);
  url.host = text.substr(0, port_at);
  if (url.host.empty() || (bracket != 0 && url.host.size() != bracket + 1)) return wrong;
  url.port = url.scheme == "https" ? 443 : 80;
  if (port_at != std::string_view::npos) {
    const auto port = parse_integer(text.substr(port_at + 1));
    if (!port || *port < 1 || *port > kPortMax) return wrong;
    url.port = static_cast<std::uint16_t>(*port);
  }
  return url;
}

bool Url::is_this_machine() const { return host == "localhost" || host.starts_with("127.") || host == "[::1]"; }

std::string escape_path(std::string_view path) { return escape(path, true); }

std::string query_text(const Query& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text.append(text.empty() ? "?" : "&").append(escape(name, false)).append("=").append(escape(value, false));
  }
  return text;
}

}  // namespace keyhold::client
