#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

/// Text forms of bytes. All of them run without tables or branches on the content, so that keys and secrets may pass;
/// the forms over SecretBytes keep them out of std::string. Decoding is strict and canonical: what it accepts encodes
/// back to the same text (but for the case of hexadecimal digits).
namespace keyhold {

/// Lower case.
std::string hex_encode(std::string_view bytes);
void append_hex(SecretBytes& out, std::string_view bytes);

/// Either case. errors: kInvalid: odd length or another character.
Result<std::string> hex_decode(std::string_view text);
Result<SecretBytes> hex_decode_secret(std::string_view text);

enum class Base64 : std::uint8_t {
  kStandard,  // RFC 4648 §4, padded.
  kUrlSafe,   // RFC 4648 §5, without padding, as in JWS (RFC 7515).
};

std::string base64_encode(std::string_view bytes, Base64 form = Base64::kStandard);
void append_base64(SecretBytes& out, std::string_view bytes, Base64 form = Base64::kStandard);

/// errors: kInvalid: another character (white space too), padding missing or, in kUrlSafe, present, unused bits set.
Result<std::string> base64_decode(std::string_view text, Base64 form = Base64::kStandard);
Result<SecretBytes> base64_decode_secret(std::string_view text, Base64 form = Base64::kStandard);

bool valid_utf8(std::string_view text);

// Integers in keys and records, most significant byte first. `at` has room for 4 or 8 bytes.

inline void put_big_endian32(char* at, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(value >> shift);
}
inline void put_big_endian64(char* at, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) *at++ = static_cast<char>(value >> shift);
}
inline std::uint32_t get_big_endian32(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
  return value;
}
inline std::uint64_t get_big_endian64(const char* at) {
  return std::uint64_t{get_big_endian32(at)} << 32 | get_big_endian32(at + 4);
}

}  // namespace keyhold
