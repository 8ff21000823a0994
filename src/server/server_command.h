#pragma once

#include <span>
#include <string_view>

namespace keyhold::server {

/// `keyhold server -config FILE` and `keyhold server -dev …`: runs until SIGINT or SIGTERM. SIGHUP loads certificates, files of audit
/// devices and the log level again.
///
/// returns   0 after a clean stop, 1 when it could not start, 2 for wrong arguments.
int server_command(std::span<const std::string_view> arguments);

/// `keyhold operator diagnose -config=FILE`: checks a configuration and the machine, without a server.
///
/// returns   0 when all is well, 1 when a server would fail or the arguments are wrong, 2 for warnings.
int diagnose_command(std::span<const std::string_view> arguments);

/// `keyhold routes [--json]`: every route there is, from the tables.
int routes_command(std::span<const std::string_view> arguments);

/// `keyhold operator snapshot inspect FILE`: checks a snapshot, and says what it is. `… restore-offline -config FILE SNAPSHOT`: puts it in place
/// of a store that no server has open.
///
/// returns   0 done, 1 the file is not in order or the store cannot have it, 2 wrong arguments.
int snapshot_inspect_command(std::span<const std::string_view> arguments);
int snapshot_restore_command(std::span<const std::string_view> arguments);

/// `keyhold operator migrate -config FILE`: copies a store that no server has open to a new folder, as it is.
///
/// returns   0 done, 1 the stores are not in order, 2 wrong arguments.
int migrate_command(std::span<const std::string_view> arguments);

/// `keyhold certificates DIRECTORY HOST…`: a private CA (ca.pem) and a server certificate under it (server.pem,
/// server-key.pem), for trying things out.
int certificates_command(std::span<const std::string_view> arguments);

}  // namespace keyhold::server
