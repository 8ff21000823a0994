#include <arpa/inet.h>

#include <charconv>

#include "server/config/config.h"

namespace keyhold::server {
namespace {

bool is_address(int family, const std::string& host) {
  unsigned char parsed[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), parsed) == 1;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Error{Code::kInvalid, "an address needs a port"};
  Address address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
    return Error{Code::kInvalid, "an address's port is a number up to 65535"};
  }
  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    address.host = host.substr(1, host.size() - 2);
    if (!is_address(AF_INET6, address.host)) return Error{Code::kInvalid, "not an IPv6 address"};
    return address;
  }
  address.host = host.empty() ? "0.0.0.0" : host == "localhost" ? "127.0.0.1" : host;
  if (!is_address(AF_INET, address.host)) {
    return Error{Code::kInvalid, "not an IP address (names are not resolved; IPv6 needs brackets)"};
  }
  return address;
}

}  // namespace keyhold::server
