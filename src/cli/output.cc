#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/utf8.h"

namespace keyhold::cli {
namespace {

constexpr std::size_t kFlushBytes = 64 * 1024;
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kReset = "\033[0m";

std::string_view code_of(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\033[1m";
    case Style::kGood: return "\033[32m";
    case Style::kWarning: return "\033[33m";
    case Style::kBad: return "\033[31m";
  }
  return "";
}

/// C0 and C1 controls, and the marks that reorder text (Unicode, UAX #9).
bool moves_the_terminal(char32_t point) {
  if (point == '\n' || point == '\t') return false;
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

}  // namespace

void append_visible(SecretBytes& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8::sequence_bytes(text);
    if (bytes == 0) {
      const auto byte = static_cast<unsigned char>(text.front());
      out.append("\\x");
      out.push_back(kHexDigits[byte >> 4]);
      out.push_back(kHexDigits[byte & 15]);
      text.remove_prefix(1);
      continue;
    }
    const char32_t point = utf8::decode(text.substr(0, bytes));
    if (moves_the_terminal(point)) {
      out.append("\\u");
      for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHexDigits[point >> shift & 15]);
    } else {
      out.append(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
}

void Output::print(std::string_view text, Style style) {
  if (text.empty()) return;
  const bool styled = colour_ && style != Style::kPlain;
  if (styled) pending_.append(code_of(style));
  if (is_terminal_) {
    append_visible(pending_, text);
  } else {
    pending_.append(text);
  }
  if (styled) pending_.append(kReset);
  if (pending_.size() >= kFlushBytes) flush();
}

bool Output::flush() {
  std::string_view left = pending_.reveal();
  while (!left.empty() && error_ == 0) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd waiting{descriptor_, POLLOUT, 0};  // Somebody made it non-blocking.
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  pending_.clear();
  errno = error_;
  return error_ == 0;
}

}  // namespace keyhold::cli
