#pragma once

#include <array>

#include "base/flags.h"

/// What the command line does on this machine's files, or as the server itself. Each prints what there is to say.
namespace keyhold::server {

inline constexpr std::array kServerFlags{
    Flag{.name = "config", .value_name = "FILE", .help = "Configuration in HCL or JSON: keyhold.hcl(5)"},
    Flag{.name = "dev", .help = "Run in memory, initialised and unsealed, to try things out", .takes = Flag::Takes::kNothing},
    Flag{.name = "dev-root-token-id", .value_name = "TOKEN", .help = "Its root token"},
    Flag{.name = "dev-access-key-id", .value_name = "ID", .help = "Its access key, for AWS's API"},
    Flag{.name = "dev-secret-access-key", .value_name = "SECRET", .help = "That key's secret, which other users of the machine may see"},
    Flag{.name = "dev-listen-address", .value_name = "HOST:PORT", .help = "Where it listens; port 0 = any free one"},
    Flag{.name = "dev-tls", .help = "It serves TLS, with a private CA", .takes = Flag::Takes::kNothing},
    Flag{.name = "dev-tls-cert-dir", .value_name = "FOLDER", .help = "Where it writes its CA and certificate"},
    Flag{.name = "dev-no-store-token", .help = "Accepted for Vault's sake: a token is never stored", .takes = Flag::Takes::kNothing},
    Flag{.name = "log-level", .value_name = "LEVEL", .help = "trace, debug, info, warn or error"},
    Flag{.name = "log-format", .value_name = "FORMAT", .help = "standard or json"},
};
/// `keyhold server -config FILE` and `keyhold server -dev …`: runs until SIGINT or SIGTERM. SIGHUP loads certificates, files of audit
/// devices and the log level again.
///
/// returns   0 after a clean stop, 1 when it could not start, 2 for wrong arguments.
int server_command(const Arguments& arguments);

inline constexpr std::array kDiagnoseFlags{
    Flag{.name = "config", .value_name = "FILE", .help = "The configuration to check"},
    Flag{.name = "format", .value_name = "FORMAT", .help = "table, as if not given, or json"},
};
/// `keyhold operator diagnose -config=FILE`: checks a configuration and the machine, without a server.
///
/// returns   0 when all is well, 1 when a server would fail or the arguments are wrong, 2 for warnings.
int diagnose_command(const Arguments& arguments);

inline constexpr std::array kRoutesFlags{Flag{.name = "json", .help = "As JSON, with the fields", .takes = Flag::Takes::kNothing}};
/// `keyhold routes [-json]`: every route there is, from the tables.
int routes_command(const Arguments& arguments);

inline constexpr Flag kPublicKeyFlag{.name = "public-key", .value_name = "HEX", .help = "Whose signature it must have: what `keyhold audit verify` tells of the store's journal"};
inline constexpr std::array kInspectFlags{kPublicKeyFlag};
inline constexpr std::array kRestoreFlags{
    Flag{.name = "config", .value_name = "FILE", .help = "The server's configuration, which names the store"},
    kPublicKeyFlag,
    Flag{.name = "force", .help = "Over a store that has something in it", .takes = Flag::Takes::kNothing},
};
/// `keyhold operator snapshot inspect FILE`: checks a snapshot, and says what it is. `… restore-offline -config FILE SNAPSHOT`: puts it in place
/// of a store that no server has open.
///
/// returns   0 done, 1 the file is not in order or the store cannot have it, 2 wrong arguments.
int snapshot_inspect_command(const Arguments& arguments);
int snapshot_restore_command(const Arguments& arguments);

inline constexpr std::array kMigrateFlags{
    Flag{.name = "config", .value_name = "FILE", .help = "With a storage_source and a storage_destination stanza, as Vault's"},
};
/// `keyhold operator migrate -config FILE`: copies a store that no server has open to a new folder, as it is.
///
/// returns   0 done, 1 the stores are not in order, 2 wrong arguments.
int migrate_command(const Arguments& arguments);

/// `keyhold certificates DIRECTORY HOST…`: a private CA (ca.pem) and a server certificate under it (server.pem,
/// server-key.pem), for trying things out.
int certificates_command(const Arguments& arguments);

}  // namespace keyhold::server
