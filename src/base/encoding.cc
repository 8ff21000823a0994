#include "base/encoding.h"

#include <cstring>

#include "base/utf8.h"

namespace keyhold {
namespace {

/// All ones when low <= value <= high, else 0; for values well inside an int.
constexpr int within(int value, int low, int high) { return ((low - 1 - value) & (value - high - 1)) >> 8; }

constexpr int byte_at(std::string_view text, std::size_t index) { return static_cast<unsigned char>(text[index]); }

// --- Hexadecimal.

constexpr int hex_digit(int value) { return '0' + value + (within(value, 10, 15) & ('a' - '0' - 10)); }

/// The digit's value, or negative.
constexpr int hex_value(int digit) {
  return -1 + (within(digit, '0', '9') & (digit - '0' + 1)) + (within(digit, 'a', 'f') & (digit - 'a' + 11)) +
         (within(digit, 'A', 'F') & (digit - 'A' + 11));
}

void hex_write(std::string_view bytes, char* out) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    *out++ = static_cast<char>(hex_digit(byte_at(bytes, i) >> 4));
    *out++ = static_cast<char>(hex_digit(byte_at(bytes, i) & 15));
  }
}

/// Whether all of `text`, of even length, was hexadecimal.
bool hex_read(std::string_view text, char* out) {
  int seen = 0;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(byte_at(text, i));
    const int low = hex_value(byte_at(text, i + 1));
    seen |= high | low;
    *out++ = static_cast<char>((high & 15) << 4 | (low & 15));
  }
  return seen >= 0;
}

Error not_hex() { return {Code::kInvalid, "not hexadecimal"}; }

// --- Base64: groups of 3 bytes and 4 characters of 6 bits.

struct Alphabet {
  int plus;   // Character 62.
  int slash;  // Character 63.
  bool padded;
};

constexpr Alphabet alphabet_of(Base64 form) {
  switch (form) {
    case Base64::kStandard: return {'+', '/', true};
    case Base64::kUrlSafe: return {'-', '_', false};
  }
  return {};
}

/// The ranges of `value` differ from their characters by an amount each: the steps between these amounts are added up.
constexpr int base64_digit(int value, const Alphabet& alphabet) {
  const auto above = [value](int bound) { return (bound - value) >> 8; };  // All ones or 0.
  const int lower = 'a' - 26, digits = '0' - 52, plus = alphabet.plus - 62, slash = alphabet.slash - 63;
  return value + 'A' + (above(25) & (lower - 'A')) + (above(51) & (digits - lower)) + (above(61) & (plus - digits)) +
         (above(62) & (slash - plus));
}

/// The character's value, or negative.
constexpr int base64_value(int digit, const Alphabet& alphabet) {
  return -1 + (within(digit, 'A', 'Z') & (digit - 'A' + 1)) + (within(digit, 'a', 'z') & (digit - 'a' + 27)) +
         (within(digit, '0', '9') & (digit - '0' + 53)) + (within(digit, alphabet.plus, alphabet.plus) & 63) +
         (within(digit, alphabet.slash, alphabet.slash) & 64);
}

std::size_t base64_length(std::size_t bytes, const Alphabet& alphabet) {
  const std::size_t rest = bytes % 3;
  return bytes / 3 * 4 + (rest == 0 ? 0 : alphabet.padded ? 4 : rest + 1);
}

void base64_write(std::string_view bytes, const Alphabet& alphabet, char* out) {
  const auto put = [&](int value) { *out++ = static_cast<char>(base64_digit(value & 63, alphabet)); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const int group = byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    put(group >> 18);
    put(group >> 12);
    put(group >> 6);
    put(group);
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return;
  const int group = byte_at(bytes, i) << 16 | (rest == 2 ? byte_at(bytes, i + 1) << 8 : 0);
  put(group >> 18);
  put(group >> 12);
  if (rest == 2) put(group >> 6);
  if (alphabet.padded) std::memset(out, '=', 3 - rest);
}

/// Takes the padding off. False when it is not as the form demands, or no bytes encode to this length.
bool base64_unpad(std::string_view& text, const Alphabet& alphabet) {
  if (!alphabet.padded) return text.size() % 4 != 1;
  if (text.size() % 4 != 0) return false;
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return true;
}

/// `text` is without padding. Whether all of it was base64 and the unused bits are zero.
bool base64_read(std::string_view text, const Alphabet& alphabet, char* out) {
  int seen = 0;
  const auto get = [&](std::size_t index) {
    const int value = base64_value(byte_at(text, index), alphabet);
    seen |= value;
    return value & 63;
  };
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const int group = get(i) << 18 | get(i + 1) << 12 | get(i + 2) << 6 | get(i + 3);
    *out++ = static_cast<char>(group >> 16);
    *out++ = static_cast<char>(group >> 8);
    *out++ = static_cast<char>(group);
  }
  const std::size_t rest = text.size() - i;
  if (rest == 0) return seen >= 0;
  const int group = get(i) << 18 | get(i + 1) << 12 | (rest == 3 ? get(i + 2) << 6 : 0);
  *out++ = static_cast<char>(group >> 16);
  if (rest == 3) *out++ = static_cast<char>(group >> 8);
  const int unused = rest == 3 ? group & 0xff : group & 0xffff;
  return seen >= 0 && unused == 0;
}

Error not_base64() { return {Code::kInvalid, "not base64"}; }

char* data_of(std::string& bytes) { return bytes.data(); }
char* data_of(SecretBytes& bytes) { return bytes.writable().data(); }

/// Makes room for `size` bytes after those of `out`.
char* extend(SecretBytes& out, std::size_t size) {
  const std::size_t before = out.size();
  out.resize(before + size);
  return data_of(out) + before;
}

template <typename Bytes>
Result<Bytes> hex_decode_to(std::string_view text) {
  if (text.size() % 2 != 0) return not_hex();
  Bytes bytes;
  bytes.resize(text.size() / 2);
  if (!hex_read(text, data_of(bytes))) return not_hex();
  return bytes;
}

template <typename Bytes>
Result<Bytes> base64_decode_to(std::string_view text, Base64 form) {
  const Alphabet alphabet = alphabet_of(form);
  if (!base64_unpad(text, alphabet)) return not_base64();
  Bytes bytes;
  bytes.resize(text.size() / 4 * 3 + text.size() % 4 * 3 / 4);
  if (!base64_read(text, alphabet, data_of(bytes))) return not_base64();
  return bytes;
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
  std::string text(2 * bytes.size(), '\0');
  hex_write(bytes, text.data());
  return text;
}

std::string format_uuid(std::string_view bytes) {
  CHECK(bytes.size() == 16);
  std::string text = hex_encode(bytes);
  for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
  return text;
}

void append_hex(SecretBytes& out, std::string_view bytes) { hex_write(bytes, extend(out, 2 * bytes.size())); }

Result<std::string> hex_decode(std::string_view text) { return hex_decode_to<std::string>(text); }

Result<SecretBytes> hex_decode_secret(std::string_view text) { return hex_decode_to<SecretBytes>(text); }

std::string base64_encode(std::string_view bytes, Base64 form) {
  const Alphabet alphabet = alphabet_of(form);
  std::string text(base64_length(bytes.size(), alphabet), '\0');
  base64_write(bytes, alphabet, text.data());
  return text;
}

void append_base64(SecretBytes& out, std::string_view bytes, Base64 form) {
  const Alphabet alphabet = alphabet_of(form);
  base64_write(bytes, alphabet, extend(out, base64_length(bytes.size(), alphabet)));
}

Result<std::string> base64_decode(std::string_view text, Base64 form) {
  return base64_decode_to<std::string>(text, form);
}

Result<SecretBytes> base64_decode_secret(std::string_view text, Base64 form) {
  return base64_decode_to<SecretBytes>(text, form);
}

std::optional<char> percent_escaped_byte(std::string_view text) {
  if (text.size() < kPercentEscapeBytes || text[0] != '%') return std::nullopt;
  const int high = hex_value(byte_at(text, 1));
  const int low = hex_value(byte_at(text, 2));
  if ((high | low) < 0) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8::sequence_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace keyhold
