#include "http/head_check.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/limits.h"

namespace keyhold::http {
namespace {

constexpr std::size_t kMethodBytesMax = 32;

enum CharacterClass : std::uint8_t { kToken = 1, kTarget = 2, kValue = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  for (int c = 0; c < 256; ++c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alphanumeric || (c < 128 && kTokenMarks.find(static_cast<char>(c)) != std::string_view::npos)) classes[c] |= kToken;
    if (c > ' ' && c < 127 && c != '#') classes[c] |= kTarget;
    if (c == '\t' || (c >= ' ' && c != 127)) classes[c] |= kValue;
  }
  return classes;
}
constexpr auto kClasses = make_classes();

/// Bytes at the front of `text` that are of this class.
std::size_t span_of(CharacterClass wanted, std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && (kClasses[static_cast<unsigned char>(text[size])] & wanted) != 0) ++size;
  return size;
}

/// Removes `size` bytes and then `mark` from the front of `text`; false when `mark` is not there.
bool skip(std::string_view& text, std::size_t size, std::string_view mark) {
  text.remove_prefix(size);
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(mark.size());
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<Refusal> check_request_line(std::string_view& rest) {
  const std::size_t method_bytes = span_of(kToken, rest);
  if (method_bytes > kMethodBytesMax) return Refusal{501, "the method is not known"};
  if (method_bytes == 0 || !skip(rest, method_bytes, " ")) return Refusal{400, "the request line is malformed"};

  if (!rest.starts_with('/')) return Refusal{400, "the request target is not in origin form"};
  const std::size_t target_bytes = span_of(kTarget, rest);
  if (target_bytes > limits::kHttpTargetBytesMax) return Refusal{414, "the request target is too long"};
  if (!skip(rest, target_bytes, " ")) return Refusal{400, "the request target is malformed"};

  constexpr std::string_view kVersion = "HTTP/1.1\r\n";
  const std::string_view version = rest.substr(0, kVersion.size());
  if (version == kVersion || version == "HTTP/1.0\r\n") {
    rest.remove_prefix(kVersion.size());
    return std::nullopt;
  }
  const bool other_version = version.size() == kVersion.size() && version.starts_with("HTTP/") && is_digit(version[5]) &&
                             version[6] == '.' && is_digit(version[7]) && version.ends_with("\r\n");
  if (other_version) return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are served"};
  return Refusal{400, "the request line is malformed"};
}

}  // namespace

std::size_t head_size(std::string_view bytes, std::size_t from) {
  // An end of line is two bytes and the empty line four: what was seen may have ended inside of either.
  while (from < bytes.size()) {
    const std::size_t feed = bytes.find('\n', from);
    if (feed == std::string_view::npos) return 0;
    if (feed == 0 || bytes[feed - 1] != '\r') return feed + 1;
    if (feed == 1 || bytes[feed - 2] == '\n') return feed + 1;
    from = feed + 1;
  }
  return 0;
}

std::optional<Refusal> check_head(std::string_view head) {
  std::string_view rest = head;
  if (auto refusal = check_request_line(rest)) return refusal;
  for (std::size_t count = 0; !rest.starts_with('\r'); ++count) {
    if (count == limits::kHttpHeaderCountMax) return Refusal{431, "there are too many headers"};
    const std::size_t name_bytes = span_of(kToken, rest);
    // Also refuses folded lines and white space before the colon.
    if (name_bytes == 0 || !skip(rest, name_bytes, ":")) return Refusal{400, "a header name is malformed"};
    if (!skip(rest, span_of(kValue, rest), "\r\n")) return Refusal{400, "a header value is malformed"};
  }
  if (rest != "\r\n") return Refusal{400, "the end of the headers is malformed"};
  return std::nullopt;
}

}  // namespace keyhold::http
