#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/flags.h"
#include "base/json.h"
#include "base/result.h"
#include "client/api.h"
#include "client/token_file.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/table.h"

namespace keyhold::cli {

class Catalogue;

enum class Format : std::uint8_t { kTable, kJson, kYaml, kRaw };

inline constexpr int kExitDone = 0, kExitLocal = 1, kExitRemote = 2;

/// 0 when there was nothing to do but to show the request, 2 when the server refused or did not answer, else 1.
int exit_code_of(const Error& error);

/// What a command works with: its arguments, the server, and where it prints.
///
/// lifetime  One command's.
/// threads   One.
class Session {
 public:
  Session(const Catalogue& catalogue, const Command& command, const Arguments& arguments, const client::Environment& environment,
          Output& out, Output& err, std::size_t terminal_width, mode_t inherited_umask);

  /// Reads environment and flags. To be called first. errors: kInvalid.
  Result<void> open();

  const Catalogue& catalogue() const { return catalogue_; }
  const Arguments& arguments() const { return arguments_; }
  std::string_view argument(std::size_t index) const { return arguments_.positional(index); }
  std::string_view flag(std::string_view name) const { return arguments_.value(name); }
  Format format() const { return format_; }
  Output& out() { return out_; }
  Output& err() { return err_; }
  const client::Environment& environment() const { return environment_; }
  const client::TokenFile& token_file() const { return token_file_; }
  /// The umask that the command line was started with: for programs that it starts.
  mode_t inherited_umask() const { return inherited_umask_; }

  // Asking the server.

  /// The request that the command is for: its token, wrapping and headers are filled in. With -output-curl-string and -output-policy it is
  /// printed instead, and an Error comes back whose exit code is 0.
  Result<client::ApiAnswer> call(client::ApiRequest request);
  /// The same, but any answer is returned, whatever its status.
  Result<client::ApiAnswer> send(client::ApiRequest request);
  /// A request that prepares the one that the command is for: always sent, never wrapped.
  Result<client::ApiAnswer> look(client::ApiRequest request);
  /// As look(), but any answer is returned, whatever its status.
  Result<client::ApiAnswer> peek(client::ApiRequest request);
  /// The Error of an answer of send() or peek().
  Error refusal(client::ApiRequest request, const client::ApiAnswer& answer) const;
  /// The token that requests have: of the environment, else of the file. errors: as TokenFile::read().
  Result<SecretBytes> token() const;
  void use_token(SecretBytes token) { token_ = std::move(token); }

  // Secrets that people give.

  /// An argument's value, or with "-" or without one: a line of standard input, or a hidden answer on a terminal.
  Result<SecretBytes> secret_argument(std::string_view given, std::string_view question) const;
  /// A JSON object of the arguments from `first` on: key_values.h.
  Result<SecretBytes> object_argument(std::size_t first) const;

  // Printing.

  /// Whether -field asks for one value alone.
  bool wants_field() const { return arguments_.has("field"); }
  /// An answer in Vault's envelope, in the format asked for; with -field one member of its data or one of the envelope.
  Result<int> print_answer(const client::ApiAnswer& answer);
  /// -field of this object. errors: kInvalid: it is not there.
  Result<int> print_field(const json::Value& object);
  /// In JSON or YAML; `value` is printed as it is.
  Result<int> print_value(const json::Value& value);
  /// The same with the members of the outermost object in order of their names.
  Result<int> print_sorted(const json::Value& object);
  Result<int> print_json(const SecretBytes& json);
  /// The `keys` of an answer about what is below `path`. errors: kNotFound: there are none.
  Result<int> print_keys(const client::ApiAnswer& answer, std::string_view path);
  /// Rows "Key, Value" of an object.
  void print_rows(const json::Value& object);
  void print_table(const Table& table) { table.print(out_, terminal_width_); }
  /// "Success! …", in the table format alone.
  Result<int> success(std::string_view text);
  /// The same without the word.
  Result<int> line(std::string_view text);
  void print_warnings(const client::ApiAnswer& answer);

 private:
  enum class Show : std::uint8_t { kNothing, kCurl, kPolicy };

  Result<void> apply_flags(client::Settings& settings);
  Result<void> prepare(client::ApiRequest& request);
  Result<void> show(const client::ApiRequest& request);
  void add_auth_rows(Table& table, const json::Value& auth) const;

  const Catalogue& catalogue_;
  const Command& command_;
  const Arguments& arguments_;
  const client::Environment& environment_;
  Output& out_;
  Output& err_;
  std::size_t terminal_width_;
  mode_t inherited_umask_;
  Format format_ = Format::kTable;
  Show show_ = Show::kNothing;
  std::string wrap_ttl_;
  std::vector<std::pair<std::string, std::string>> headers_;
  client::TokenFile token_file_;
  SecretBytes token_;       // Of the environment or the command.
  SecretBytes sent_token_;  // What the last request had.
  std::unique_ptr<client::Api> api_;
};

/// Without spaces around and slashes at the ends, as Vault's client takes paths.
std::string clean_path(std::string_view path);
/// The same with one slash at the end.
std::string folder_path(std::string_view path);

/// Error for "there is nothing at this path": exit code 2.
Error no_value_at(std::string_view path);

/// Error for an answer that is none of Keyhold's or Vault's: exit code 2.
Error foreign_answer();

/// Error of the command's arguments: exit code 1.
Error usage_error(std::string text);

}  // namespace keyhold::cli
