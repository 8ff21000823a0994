#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "cli/cli.h"
#include "core/audit/verify_command.h"
#include "server/server_command.h"

namespace {

using Arguments = std::span<const std::string_view>;
using keyhold::cli::Group;
using keyhold::cli::LocalCommand;

int audit_verify(Arguments arguments) { return keyhold::core::audit::audit_verify_command(arguments, std::cout, std::cerr); }

/// What works on this machine's files or is the server itself, beside the commands that ask a server.
constexpr std::array kLocalCommands{
    LocalCommand{"server", Group::kServer, "Run a server: -dev to try it, -config FILE for real", keyhold::server::server_command},
    LocalCommand{"operator diagnose", Group::kOperation, "Check a configuration and the machine before a start: -config=FILE", keyhold::server::diagnose_command},
    LocalCommand{"operator migrate", Group::kOperation, "Copy a store whose server is stopped to a new folder: -config=FILE", keyhold::server::migrate_command},
    LocalCommand{"audit verify", Group::kOperation, "Check an audit journal offline: FILE|DIRECTORY [--public-key HEX]", audit_verify},
    LocalCommand{"operator snapshot inspect", Group::kOperation, "Check a snapshot offline, and tell what it is: [-public-key HEX] FILE",
                 keyhold::server::snapshot_inspect_command},
    LocalCommand{"operator snapshot restore-offline", Group::kOperation, "Restore into a store whose server is stopped: -config FILE SNAPSHOT",
                 keyhold::server::snapshot_restore_command},
    LocalCommand{"certificates", Group::kServer, "Make a private CA and a server certificate", keyhold::server::certificates_command},
    LocalCommand{"routes", Group::kServer, "List every route of the API", keyhold::server::routes_command},
};

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string_view> arguments(words + std::min(count, 1), words + count);
  return keyhold::cli::run(arguments, kLocalCommands);
}
