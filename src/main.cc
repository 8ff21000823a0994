#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "base/flags.h"
#include "cli/cli.h"
#include "core/audit/verify_command.h"
#include "server/server_command.h"

namespace {

using keyhold::Arguments;
using keyhold::cli::Command;
using keyhold::cli::Group;
using keyhold::cli::Talks;
namespace audit = keyhold::core::audit;
namespace server = keyhold::server;

constexpr int kMisused = 2;

int audit_verify(const Arguments& arguments) { return audit::audit_verify_command(arguments, std::cout, std::cerr); }

/// What works on this machine's files or is the server itself, beside the commands that ask a server.
constexpr std::array kLocalCommands{
    Command{.name = "server",
            .group = Group::kServer,
            .help = "Run a server: -dev to try it, -config=FILE for real\n\nUntil ctrl-C or SIGTERM. SIGHUP has it read certificates, files of audit devices and the log's level again.",
            .example = "keyhold server -dev\nkeyhold server -config=/etc/keyhold/keyhold.hcl",
            .flags = server::kServerFlags,
            .talks = Talks::kNot,
            .run_local = server::server_command,
            .misused = kMisused},
    Command{.name = "operator diagnose",
            .group = Group::kOperation,
            .help = "Check a configuration and the machine before a start\n\nThe exit code is 0 when all is well, 1 when a server would fail, 2 for warnings.",
            .example = "keyhold operator diagnose -config=/etc/keyhold/keyhold.hcl",
            .flags = server::kDiagnoseFlags,
            .talks = Talks::kNot,
            .run_local = server::diagnose_command},
    Command{.name = "operator migrate",
            .group = Group::kOperation,
            .help = "Copy a store to a new folder, with its server stopped\n\nAs it is: shares and tokens stay what they are. Run it as the server's user.",
            .example = "keyhold operator migrate -config=migrate.hcl",
            .flags = server::kMigrateFlags,
            .talks = Talks::kNot,
            .run_local = server::migrate_command,
            .misused = kMisused},
    Command{.name = "operator snapshot inspect",
            .group = Group::kOperation,
            .arguments = "FILE",
            .help = "Check a snapshot offline, and tell what it is",
            .example = "keyhold operator snapshot inspect monday.snap",
            .flags = server::kInspectFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .talks = Talks::kNot,
            .run_local = server::snapshot_inspect_command,
            .misused = kMisused},
    Command{.name = "operator snapshot restore-offline",
            .group = Group::kOperation,
            .arguments = "FILE",
            .help = "Restore into a store, with its server stopped\n\nAll or nothing; it brings its own keys: unseal with the shares of its time. Run it as the server's user.",
            .example = "keyhold operator snapshot restore-offline -config=/etc/keyhold/keyhold.hcl monday.snap",
            .flags = server::kRestoreFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .talks = Talks::kNot,
            .run_local = server::snapshot_restore_command,
            .misused = kMisused},
    Command{.name = "audit verify",
            .group = Group::kOperation,
            .arguments = "FILE|FOLDER",
            .help = "Check an audit journal offline\n\nIts numbers, hash chain, Merkle roots and signatures. The exit code is 0 when it is good, 1 when it was tampered with or is\n"
                    "damaged, 2 when that cannot be told.",
            .example = "keyhold audit verify /var/lib/keyhold/audit",
            .flags = audit::kVerifyFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .talks = Talks::kNot,
            .run_local = audit_verify,
            .misused = kMisused},
    Command{.name = "certificates",
            .group = Group::kServer,
            .arguments = "FOLDER HOST...",
            .help = "Make a private CA and a server certificate",
            .example = "keyhold certificates tls localhost 127.0.0.1",
            .arguments_min = 2,
            .arguments_max = keyhold::cli::kAnyNumber,
            .talks = Talks::kNot,
            .run_local = server::certificates_command,
            .misused = kMisused},
    Command{.name = "routes",
            .group = Group::kServer,
            .help = "List every route of the API",
            .example = "keyhold routes -json",
            .flags = server::kRoutesFlags,
            .talks = Talks::kNot,
            .run_local = server::routes_command,
            .misused = kMisused},
};

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string_view> given(words + std::min(count, 1), words + count);
  return keyhold::cli::run(given, kLocalCommands);
}
