#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::cli {

bool is_terminal(int descriptor);

/// Columns of the terminal on standard output; 0 when there is none, or its width is not known.
std::size_t terminal_width();

/// Asks on the terminal and reads one line without showing it. Ctrl-C and other signals that end or stop the program set the terminal back first.
///
/// errors   kInvalid: there is no terminal, or nothing was typed.
Result<SecretBytes> prompt_hidden(std::string_view question);

/// All of standard input. errors: kTooLarge over limits::kClientInputBytesMax, kInternal.
Result<SecretBytes> read_standard_input();

/// One secret from standard input, without the newline at its end. errors: as above, and kInvalid when there is nothing.
Result<SecretBytes> read_secret_line();

/// All of a file. errors: kInvalid: it cannot be read. kTooLarge.
Result<SecretBytes> read_file(std::string_view path);

}  // namespace keyhold::cli
