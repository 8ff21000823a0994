#include "core/policy/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace keyhold::core {
namespace {

constexpr int kV4Bits = 32;
constexpr int kV6Bits = 128;
constexpr std::size_t kMappedPrefixBytes = 12;  // Of ::ffff:0:0/96.

Error invalid() { return {Code::kInvalid, "not an IP address or a CIDR block"}; }

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress address;
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return invalid();
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) return invalid();
  address.is_v6 = true;
  constexpr std::array<std::uint8_t, kMappedPrefixBytes> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) {
    std::copy(address.bytes.begin() + kMappedPrefixBytes, address.bytes.end(), address.bytes.begin());
    std::fill(address.bytes.begin() + 4, address.bytes.end(), 0);
    address.is_v6 = false;
  }
  return address;
}

Result<CidrBlock> CidrBlock::parse(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  CidrBlock block;
  TRY_ASSIGN(block.network_, IpAddress::parse(text.substr(0, slash)));
  const int bits = block.network_.is_v6 ? kV6Bits : kV4Bits;
  block.prefix_bits_ = bits;
  if (slash == text.size()) return block;
  const std::string_view length = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), block.prefix_bits_);
  const bool whole = error == std::errc() && end == length.data() + length.size();
  if (!whole || block.prefix_bits_ < 0 || block.prefix_bits_ > bits) return invalid();
  return block;
}

bool CidrBlock::contains(const IpAddress& address) const {
  if (address.is_v6 != network_.is_v6) return false;
  const auto whole_bytes = static_cast<std::size_t>(prefix_bits_ / 8);
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(whole_bytes), network_.bytes.begin())) {
    return false;
  }
  const int rest_bits = prefix_bits_ % 8;
  if (rest_bits == 0) return true;
  const int mask = 0xff << (8 - rest_bits) & 0xff;
  return ((address.bytes[whole_bytes] ^ network_.bytes[whole_bytes]) & mask) == 0;
}

Result<CidrList> CidrList::parse(std::span<const std::string> texts) {
  CidrList list;
  for (const std::string& text : texts) {
    TRY_ASSIGN(const CidrBlock block, CidrBlock::parse(text));
    list.blocks_.push_back(block);
  }
  return list;
}

bool CidrList::allows(std::string_view peer) const {
  if (empty()) return true;
  const auto address = IpAddress::parse(peer);
  if (!address.ok()) return false;
  return std::any_of(blocks_.begin(), blocks_.end(), [&](const CidrBlock& block) { return block.contains(*address); });
}

}  // namespace keyhold::core
