// A block and an address, parted by a NUL byte: containment agrees with comparing bit by bit, and a block holds its own address.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/policy/cidr.h"

namespace {

using namespace keyhold::core;

bool bit(const IpAddress& address, int number) {
  return (address.bytes[static_cast<std::size_t>(number / 8)] >> (7 - number % 8) & 1) != 0;
}

/// Whether the first bits agree, as many as stand after the slash.
bool holds(const IpAddress& network, const std::string& block, const IpAddress& address) {
  if (network.is_v6 != address.is_v6) return false;
  const std::size_t slash = block.find('/');
  const int bits = slash == std::string::npos ? network.is_v6 ? 128 : 32 : std::atoi(block.c_str() + slash + 1);
  for (int number = 0; number < bits; ++number) {
    if (bit(network, number) != bit(address, number)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string text(input.substr(0, end));
  const std::string peer(input.substr(std::min(end + 1, input.size())));

  const auto block = CidrBlock::parse(text);
  const auto list = CidrList::parse(std::array{text});
  CHECK(block.ok() == list.ok());
  if (!block.ok()) {
    CHECK(block.error().message.find_first_of("0123456789") == std::string::npos);  // Nothing of the value.
    return 0;
  }
  const std::string own = text.substr(0, text.find('/'));
  const auto network = IpAddress::parse(own);
  CHECK(network.ok() && block->contains(*network) && list->allows(own));
  const auto address = IpAddress::parse(peer);
  CHECK(list->allows(peer) == (address.ok() && holds(*network, text, *address)));
  return 0;
}
