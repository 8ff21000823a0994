#include "core/path.h"

#include "base/encoding.h"
#include "base/limits.h"

namespace keyhold::core {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error odd(const char* what) { return Error{Code::kInvalid, std::string("the path contains ") + what}; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Result<char> decode_escape(std::string_view encoded, std::size_t at) {
  const int high = at + 2 < encoded.size() ? hex_digit(encoded[at + 1]) : -1;
  const int low = at + 2 < encoded.size() ? hex_digit(encoded[at + 2]) : -1;
  if (high < 0 || low < 0) return odd("a broken percent escape");
  return static_cast<char>(high * 16 + low);
}

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
      TRY_ASSIGN(c, decode_escape(encoded, i));
      i += 2;
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

Result<std::string> decode_query_component(std::string_view encoded) {
  std::string text;
  text.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      TRY_ASSIGN(c, decode_escape(encoded, i));
      i += 2;
    }
    if (is_control(c)) return Error{Code::kInvalid, "the query contains a control character"};
    text.push_back(c);
  }
  if (!valid_utf8(text)) return Error{Code::kInvalid, "the query contains invalid UTF-8"};
  return text;
}

}  // namespace keyhold::core
