#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"

/// Fixed-width integers in the records of the embedded stores.
namespace keyhold::storage {

inline constexpr std::size_t kUint64Bytes = 8;

inline std::string big_endian(std::uint64_t number) {
  std::string bytes(kUint64Bytes, '\0');
  put_big_endian64(bytes.data(), number);
  return bytes;
}

/// nullopt unless `bytes` is exactly one number.
inline std::optional<std::uint64_t> from_big_endian(std::string_view bytes) {
  if (bytes.size() != kUint64Bytes) return std::nullopt;
  return get_big_endian64(bytes.data());
}

}  // namespace keyhold::storage
