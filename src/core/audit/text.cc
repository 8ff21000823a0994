#include "core/audit/text.h"

#include <array>
#include <charconv>

namespace keyhold::core::audit {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

void append_hex(std::string& out, std::string_view bytes) {
  std::array<char, 128> digits;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, digits.size() / 2);
    std::size_t size = 0;
    for (const char byte : part) {
      const auto value = static_cast<unsigned char>(byte);
      digits[size++] = kHexDigits[value >> 4];
      digits[size++] = kHexDigits[value & 15];
    }
    out.append(digits.data(), size);
    bytes.remove_prefix(part.size());
  }
}

std::optional<crypto::Digest> digest_from_hex(std::string_view text) {
  crypto::Digest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return digest;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace keyhold::core::audit
