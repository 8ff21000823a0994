#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/formats/secret_fields.h"
#include "cli/kv_path.h"
#include "cli/session.h"

/// Which secrets a program gets, and under which names.
namespace keyhold::cli {

/// One -secret: "[NAME=]PATH[#FIELD]".
struct SecretChoice {
  std::string name{};   // With a field the variable's name, else what stands before each.
  std::string path{};
  std::string field{};  // "" chooses all.
};

/// errors   kInvalid: no path, or no field after "#".
Result<SecretChoice> parse_choice(std::string_view text);

/// A program's variable and its value.
struct Variable {
  std::string name;
  SecretBytes value;
  std::string origin;  // "secret/app#password".
};

/// The name of a variable for a field: upper case, "_" for all but letters and digits, and before a digit in front. "db-password" is DB_PASSWORD.
std::string variable_name(std::string_view field);

/// Adds the variables that a choice makes of a secret's fields.
///
/// errors   kInvalid: two would have one name; the field is not there; the name is one that would change how programs run (PATH, LD_…).
Result<void> add_variables(std::vector<Variable>& variables, const SecretChoice& choice, const Fields& fields);

/// The secrets of a run: reads them, and sees whether they have changed since.
///
/// lifetime  The command's.
/// threads   One at a time.
class ChosenSecrets {
 public:
  /// Asks which engines they are of. errors: of the server.
  static Result<ChosenSecrets> find(Session& session, std::vector<SecretChoice> choices);

  /// All variables, of what is current. errors: of the server; of add_variables().
  Result<std::vector<Variable>> read(Session& session);

  /// Whether a secret has another version than was read last. Metadata tell, where the token may read them; else the secret itself does.
  Result<bool> changed(Session& session);

 private:
  struct Seen {
    std::int64_t version = 0;  // Of an engine of version 2.
    SecretBytes content{};     // Of version 1.
  };
  struct Chosen {
    SecretChoice choice;
    MountedPath path;
    Seen seen{};  // As read last.
    bool reads_metadata = true;
  };

  explicit ChosenSecrets(std::vector<Chosen> chosen) : chosen_(std::move(chosen)) {}

  static Result<bool> has_changed(Session& session, Chosen& chosen);

  std::vector<Chosen> chosen_;
};

}  // namespace keyhold::cli
