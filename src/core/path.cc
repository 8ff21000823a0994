#include "core/path.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"

namespace keyhold::core {
namespace {

Error odd(const char* what) { return Error{Code::kInvalid, std::string("the path contains ") + what}; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Result<void> check_segments(std::string_view path) {
  if (path.front() == '/') return odd("an empty segment");
  std::size_t start = 0;
  while (start < path.size()) {
    std::size_t end = path.find('/', start);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view segment = path.substr(start, end - start);
    if (segment.empty()) return odd("an empty segment");
    if (segment == "." || segment == "..") return odd("a relative segment");
    start = end + 1;
  }
  return {};
}

}  // namespace

Result<std::string> canonical_path(std::string_view encoded) {
  std::string path;
  path.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      const auto escaped = percent_escaped_byte(encoded.substr(i));
      if (!escaped) return odd("a broken percent escape");
      c = *escaped;
      i += kPercentEscapeBytes - 1;
      if (c == '/') return odd("an encoded slash");
      if (c == '%') return odd("an encoded percent sign");
    }
    if (c == '\\') return odd("a backslash");
    if (is_control(c)) return odd("a control character");
    path.push_back(c);
  }
  if (path.empty()) return Error{Code::kInvalid, "the path is empty"};
  if (path.size() > limits::kRequestPathBytesMax) return Error{Code::kInvalid, "the path is too long"};
  if (!valid_utf8(path)) return odd("invalid UTF-8");
  TRY(check_segments(path));
  return path;
}

Result<SecretBytes> decode_form_component(std::string_view encoded) {
  SecretBytes text;
  text.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i] == '+' ? ' ' : encoded[i];
    if (c == '%') {
      const auto escaped = percent_escaped_byte(encoded.substr(i));
      if (!escaped) return Error{Code::kInvalid, "the query contains a broken percent escape"};
      c = *escaped;
      i += kPercentEscapeBytes - 1;
    }
    text.push_back(c);
  }
  if (!valid_utf8(text.reveal())) return Error{Code::kInvalid, "the query contains invalid UTF-8"};
  return text;
}

Result<std::string> decode_query_component(std::string_view encoded) {
  TRY_ASSIGN(const SecretBytes decoded, decode_form_component(encoded));
  const std::string_view text = decoded.reveal();
  if (std::any_of(text.begin(), text.end(), is_control)) return Error{Code::kInvalid, "the query contains a control character"};
  return std::string(text);
}

}  // namespace keyhold::core
