#pragma once

#include <cstddef>
#include <string_view>

namespace keyhold::utf8 {

/// The bytes (1 to 4) of the well-formed UTF-8 sequence that `text` starts with (Unicode, table 3-7: no overlong
/// forms, no surrogates, at most U+10FFFF), or 0.
inline std::size_t sequence_bytes(std::string_view text) {
  const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const auto tail = [&](std::size_t index) { return (byte(index) & 0xC0) == 0x80; };
  if (text.empty()) return 0;
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (text.size() < 2 || !tail(1)) return 0;
  if (lead < 0xE0) return 2;
  if (text.size() < 3 || !tail(2)) return 0;
  if (lead < 0xF0) {
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (text.size() < 4 || !tail(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return 4;
}

/// How many characters well-formed text has: what AWS's bounds count.
inline std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// The scalar value of one well-formed sequence, as sequence_bytes() measured it.
inline char32_t decode(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return lead;
  char32_t point = lead & (0x7F >> sequence.size());
  for (const char tail : sequence.substr(1)) point = point << 6 | (static_cast<unsigned char>(tail) & 0x3F);
  return point;
}

/// Writes `point`, a scalar value (at most U+10FFFF, no surrogate), to `out` (room for 4) and returns its bytes.
inline std::size_t encode(char32_t point, char* out) {
  if (point < 0x80) {
    out[0] = static_cast<char>(point);
    return 1;
  }
  if (point < 0x800) {
    out[0] = static_cast<char>(0xC0 | point >> 6);
    out[1] = static_cast<char>(0x80 | (point & 0x3F));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = static_cast<char>(0xE0 | point >> 12);
    out[1] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out[2] = static_cast<char>(0x80 | (point & 0x3F));
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | point >> 18);
  out[1] = static_cast<char>(0x80 | (point >> 12 & 0x3F));
  out[2] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
  out[3] = static_cast<char>(0x80 | (point & 0x3F));
  return 4;
}

}  // namespace keyhold::utf8
