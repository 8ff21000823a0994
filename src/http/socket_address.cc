#include "http/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <cstring>

namespace keyhold::http {

std::optional<SocketAddress> SocketAddress::parse(const std::string& host, std::uint16_t port) {
  SocketAddress address;
  if (::inet_pton(AF_INET, host.c_str(), &address.ipv4().sin_addr) == 1) {
    address.ipv4().sin_family = AF_INET;
    address.ipv4().sin_port = htons(port);
    return address;
  }
  // Unlike inet_pton() it knows "fe80::1%eth0".
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  address.ipv6().sin6_port = htons(port);
  return address;
}

SocketAddress SocketAddress::of(int descriptor) {
  SocketAddress address;
  socklen_t size = kSizeMax;
  ::getsockname(descriptor, address.data(), &size);
  return address;
}

std::string SocketAddress::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const in6_addr& six = ipv6().sin6_addr;
  if (!is_ipv6()) {
    ::inet_ntop(AF_INET, &ipv4().sin_addr, text.data(), text.size());
  } else if (IN6_IS_ADDR_V4MAPPED(&six)) {
    ::inet_ntop(AF_INET, &six.s6_addr[12], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &six, text.data(), text.size());
  }
  return text.data();
}

std::uint16_t SocketAddress::port() const { return ntohs(is_ipv6() ? ipv6().sin6_port : ipv4().sin_port); }

}  // namespace keyhold::http
