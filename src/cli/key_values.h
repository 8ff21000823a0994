#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::cli {

/// Where values of arguments come from, for tests to replace.
struct ValueSources {
  std::function<Result<SecretBytes>(std::string_view path)> file;
  /// Standard input as it is or, on a terminal, a hidden answer to a question about the key.
  std::function<Result<SecretBytes>(std::string_view key)> input;
};

/// A JSON object from arguments in Vault's grammar: `key=value`; `key=@file` and `key=-` for the contents of a file or of standard input;
/// `key=\@text` for a text that begins with "@"; `@file` and `-` for the members of a JSON object. A key that comes again makes a list.
/// Values of arguments are strings.
///
/// errors   kInvalid: an argument of another form, no JSON, a content that is not UTF-8, standard input named twice.
Result<SecretBytes> object_from(std::span<const std::string_view> arguments, const ValueSources& sources);

}  // namespace keyhold::cli
