#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "base/version.h"
#include "core/audit/verify_command.h"
#include "server/server_command.h"

namespace {

using Arguments = std::span<const std::string_view>;

int version_command(Arguments) {
  fmt::print("Keyhold v{}\n", keyhold::kVersion);
  return 0;
}

int audit_command(Arguments arguments) {
  if (arguments.empty() || arguments.front() != "verify") {
    fmt::print(stderr, "usage: keyhold audit verify FILE|DIRECTORY [--public-key HEX]\n");
    return 2;
  }
  return keyhold::core::audit::audit_verify_command(arguments.subspan(1), std::cout, std::cerr);
}

struct Command {
  std::string_view name;
  int (*run)(Arguments);
  std::string_view help;
};
constexpr std::array kCommands{
    Command{"server", keyhold::server::server_command, "Run a server: -dev to try it, -config FILE for real"},
    Command{"audit", audit_command, "verify FILE|DIRECTORY: check an audit journal offline"},
    Command{"certificates", keyhold::server::certificates_command, "Make a private CA and a server certificate"},
    Command{"routes", keyhold::server::routes_command, "List every route of the API"},
    Command{"version", version_command, "Print the version"},
};

void print_help(std::FILE* out) {
  fmt::print(out, "Keyhold keeps the secrets of applications.\n\nUsage: keyhold COMMAND [arguments]\n\n");
  for (const Command& command : kCommands) fmt::print(out, "  {:<14}{}\n", command.name, command.help);
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string_view> arguments(words + std::min(count, 1), words + count);
  if (arguments.empty()) {
    print_help(stdout);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (command.name == arguments.front()) return command.run(Arguments(arguments).subspan(1));
  }
  if (arguments.front() == "help" || arguments.front() == "-h" || arguments.front() == "--help") {
    print_help(stdout);
    return 0;
  }
  fmt::print(stderr, "keyhold: unknown command. `keyhold help` lists them.\n");
  return 2;
}
