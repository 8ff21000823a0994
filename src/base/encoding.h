#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
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

/// 16 bytes in the form of a UUID (RFC 9562), whatever they are.
std::string format_uuid(std::string_view bytes);

enum class Base64 : std::uint8_t {
  kStandard,  // RFC 4648 §4, padded.
  kUrlSafe,   // RFC 4648 §5, without padding, as in JWS (RFC 7515).
};

std::string base64_encode(std::string_view bytes, Base64 form = Base64::kStandard);
void append_base64(SecretBytes& out, std::string_view bytes, Base64 form = Base64::kStandard);

/// errors: kInvalid: another character (white space too), padding missing or, in kUrlSafe, present, unused bits set.
Result<std::string> base64_decode(std::string_view text, Base64 form = Base64::kStandard);
Result<SecretBytes> base64_decode_secret(std::string_view text, Base64 form = Base64::kStandard);

/// The byte that the escape at the front of `text` ("%41…") stands for; nullopt: there is none.
std::optional<char> percent_escaped_byte(std::string_view text);
inline constexpr std::size_t kPercentEscapeBytes = 3;

bool valid_utf8(std::string_view text);

// Integers in keys and records, most significant byte first. `at` has room for 4 or 8 bytes.

static_assert(std::endian::native == std::endian::little);

inline void put_big_endian32(char* at, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}
inline void put_big_endian64(char* at, std::uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof value);
}
inline std::uint32_t get_big_endian32(const char* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
inline std::uint64_t get_big_endian64(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}

}  // namespace keyhold
