#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Fixed-width integers in the records of the embedded stores.
namespace keyhold::storage {

inline constexpr std::size_t kUint64Bytes = 8;

inline void append_big_endian(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

inline std::string big_endian(std::uint64_t number) {
  std::string bytes;
  append_big_endian(bytes, number);
  return bytes;
}

/// nullopt unless `bytes` is exactly one number.
inline std::optional<std::uint64_t> from_big_endian(std::string_view bytes) {
  if (bytes.size() != kUint64Bytes) return std::nullopt;
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

}  // namespace keyhold::storage
