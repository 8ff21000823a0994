#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace keyhold::http {

/// An IP address and a port, as the kernel takes them.
class SocketAddress {
 public:
  SocketAddress() = default;
  /// Nothing when `host` is a name, or neither form of address.
  static std::optional<SocketAddress> parse(const std::string& host, std::uint16_t port);
  /// Of this end of a socket.
  static SocketAddress of(int descriptor);

  /// "127.0.0.1" or "::1"; IPv4 also when it is written as IPv6.
  std::string host() const;
  std::uint16_t port() const;
  bool is_ipv6() const { return storage_.ss_family == AF_INET6; }

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
  /// Of what the kernel fills in.
  static constexpr socklen_t kSizeMax = sizeof(sockaddr_storage);
  socklen_t size() const { return is_ipv6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

 private:
  sockaddr_in& ipv4() { return reinterpret_cast<sockaddr_in&>(storage_); }
  sockaddr_in6& ipv6() { return reinterpret_cast<sockaddr_in6&>(storage_); }
  const sockaddr_in& ipv4() const { return reinterpret_cast<const sockaddr_in&>(storage_); }
  const sockaddr_in6& ipv6() const { return reinterpret_cast<const sockaddr_in6&>(storage_); }

  sockaddr_storage storage_{};
};

}  // namespace keyhold::http
