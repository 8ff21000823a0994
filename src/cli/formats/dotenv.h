#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/formats/secret_fields.h"

namespace keyhold::cli {

/// What a .env file says.
struct Dotenv {
  Fields fields;                      // Texts, in the order of the file; names are unique.
  std::vector<std::string> warnings;  // For people: lines and names, never values.
};

/// Reads a .env file in what its dialects have in common (docs/leaving_env.md). Nothing is interpolated: `$X` and `${X}` stay as they are, with
/// a warning. Where dialects contradict each other, what is kept is warned about or the line is refused.
///
/// errors   kInvalid with the line's number and never its text: no UTF-8, no "=" after a name, a quote that never closes, text after
///          one that does. kTooLarge: over kFieldsMax.
Result<Dotenv> parse_dotenv(std::string_view text);

/// Appends a line `name=value` that parse_dotenv() and shells read as this value.
///
/// errors   kInvalid: a name that .env has no form for, or a NUL byte in the value.
Result<void> append_dotenv(SecretBytes& out, std::string_view name, std::string_view value);

}  // namespace keyhold::cli
