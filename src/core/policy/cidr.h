#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold::core {

/// An IPv4 or IPv6 address. An IPv4 address in IPv6's clothes (::ffff:192.0.2.1) is the IPv4 address.
struct IpAddress {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // Of IPv4 the first 4.

  /// errors: kInvalid.
  static Result<IpAddress> parse(std::string_view text);
};

/// The addresses that share a prefix: "10.0.0.0/8", "2001:db8::/32", or a single one without a length.
class CidrBlock {
 public:
  /// errors: kInvalid.
  static Result<CidrBlock> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  bool is_v6() const { return network_.is_v6; }
  int prefix_bits() const { return prefix_bits_; }

 private:
  IpAddress network_;
  int prefix_bits_ = 0;
};

/// From where something may be used; empty = from everywhere.
class CidrList {
 public:
  /// errors: kInvalid.
  static Result<CidrList> parse(std::span<const std::string> texts);

  bool empty() const { return blocks_.empty(); }
  /// `peer` is an address as the network layer writes it; anything else is nowhere.
  bool allows(std::string_view peer) const;

 private:
  std::vector<CidrBlock> blocks_;
};

}  // namespace keyhold::core
