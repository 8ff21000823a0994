#pragma once

#include <array>
#include <limits>
#include <span>
#include <string_view>

#include "base/flags.h"
#include "base/result.h"

namespace keyhold::cli {

class Session;

/// Under which heading the short help lists it.
enum class Group : std::uint8_t { kSecrets, kAccess, kOperation, kServer, kOther };

/// Whether a command talks to a server, and whether it says who it is.
enum class Talks : std::uint8_t { kNot, kUnknown, kWithToken };

inline constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

/// One command: a row of a table.
struct Command {
  std::string_view name;       // "kv get".
  Group group = Group::kOther;
  std::string_view arguments{};  // For help: "PATH".
  std::string_view help{};     // The first line is a summary of its own.
  std::string_view example{};  // Lines as they are typed, or "".
  std::span<const Flag> flags{};
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
  Talks talks = Talks::kWithToken;
  /// returns   The exit code. errors: see exit_code_of().
  Result<int> (*run)(Session& session) = nullptr;
  /// In place of `run`, for commands of other parts of the program: prints by itself what there is to say. returns: the exit code.
  int (*run_local)(const Arguments& arguments) = nullptr;
  int misused = 1;  // The exit code when the words after its name are wrong.
};

// The tables, one a file.
std::span<const Command> data_commands();
std::span<const Command> kv_commands();
std::span<const Command> kv_metadata_commands();
std::span<const Command> import_commands();
std::span<const Command> export_commands();
std::span<const Command> run_commands();
std::span<const Command> seal_commands();
std::span<const Command> snapshot_commands();
std::span<const Command> key_commands();
std::span<const Command> login_commands();
std::span<const Command> mount_commands();
std::span<const Command> auth_commands();
std::span<const Command> audit_commands();
std::span<const Command> token_commands();
std::span<const Command> policy_commands();
std::span<const Command> lease_commands();
std::span<const Command> rotation_commands();
std::span<const Command> access_key_commands();
std::span<const Command> other_commands();

/// Flags of every command that talks to a server.
std::span<const Flag> connection_flags();
/// Flags of every command that prints what a server answers.
std::span<const Flag> output_flags();

}  // namespace keyhold::cli
