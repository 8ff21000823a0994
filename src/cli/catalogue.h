#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"

namespace keyhold::cli {

/// All commands there are, ours and those of other parts.
///
/// lifetime  The process's; points into constant tables.
/// threads   Any.
class Catalogue {
 public:
  explicit Catalogue(std::span<const Command> local);

  /// The command that the words begin with, by its longest name, or none. `words_used` is how many words its name has.
  struct Found {
    const Command* command = nullptr;
    std::size_t words_used = 0;
  };
  Found find(std::span<const std::string_view> words) const;

  /// The longest front of the words that is the beginning of commands' names: "kv metadata". "" when there is none.
  std::string family(std::span<const std::string_view> words) const;

  const std::vector<const Command*>& commands() const { return commands_; }

 private:
  std::vector<const Command*> commands_;
};

/// The flags that a command takes, its own first.
std::vector<std::span<const Flag>> flags_of(const Command& command);

void print_help(Output& out, const Catalogue& catalogue);
/// Of "kv", "kv metadata": the commands below it.
void print_family_help(Output& out, const Catalogue& catalogue, std::string_view family);
/// "Usage: keyhold kv get [flags] PATH".
std::string usage_of(const Command& command);
void print_command_help(Output& out, const Command& command);

/// A script for the named shell. nullopt: not one of bash, zsh and fish.
std::optional<std::string> completion_script(const Catalogue& catalogue, std::string_view shell);

}  // namespace keyhold::cli
