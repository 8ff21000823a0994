#pragma once

#include <string_view>

#include "base/secret_bytes.h"

namespace keyhold::cli {

enum class Style : std::uint8_t { kPlain, kBold, kGood, kWarning, kBad };

/// Appends `text` as a terminal may show it: control characters but for newline and tab, characters that reverse the direction of text, and
/// what is no UTF-8 become escapes (\u001b, \xff), since a server's strings must not move the cursor.
void append_visible(SecretBytes& out, std::string_view text);

/// Standard output or error: gathers what is printed in memory that is wiped, and writes it at flush().
///
/// lifetime  The command's.
/// threads   One.
class Output {
 public:
  /// `is_terminal`: escape what is printed. `colour`: print colours.
  Output(int descriptor, bool is_terminal, bool colour) : descriptor_(descriptor), is_terminal_(is_terminal), colour_(colour) {}

  bool is_terminal() const { return is_terminal_; }
  void print(std::string_view text, Style style = Style::kPlain);
  void line(std::string_view text, Style style = Style::kPlain) {
    print(text, style);
    print("\n");
  }
  /// A value for scripts: nothing is added to it, but on a terminal a newline.
  void value(std::string_view text) {
    print(text);
    if (is_terminal_) print("\n");
  }

  /// errors: false when something could not be written now or before, with errno of that; later output is dropped.
  bool flush();
  int error() const { return error_; }

 private:
  int descriptor_;
  bool is_terminal_;
  bool colour_;
  int error_ = 0;
  SecretBytes pending_;
};

}  // namespace keyhold::cli
