#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/audit/forward/device.h"
#include "core/audit/journal.h"
#include "server/config/seal_config.h"

/// The configuration file of `keyhold server`: Vault's stanzas, in HCL or JSON.
namespace keyhold::server {

/// Where to listen.
struct Address {
  std::string host;  // An IP address, without brackets.
  std::uint16_t port = 0;
};

/// Reads "127.0.0.1:8200", "[::1]:8200", "localhost:8200" and ":8200" (all IPv4 addresses). Port 0 is any free one.
/// errors   kInvalid: another form, or a name instead of an address.
Result<Address> parse_address(std::string_view text);

/// Reads "1073741824", "512MiB", "10GB" and the like: KiB, MiB, GiB, TiB by 1024, KB, MB, GB, TB by 1000.
/// errors   kInvalid.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// `listener "tcp"`.
struct ListenerConfig {
  Address address{"127.0.0.1", 8200};
  bool tls = true;
  std::string tls_certificate_path;  // PEM chain, leaf first. With tls.
  std::string tls_private_key_path;
  std::string tls_client_ca_path;  // Empty = no client certificates are asked for.
  bool require_client_certificate = false;
};

/// `storage "raft"` and `storage "file"` (the embedded store at a path), or `storage "inmem"`.
struct StorageConfig {
  enum class Kind : std::uint8_t { kEmbedded, kMemory };
  Kind kind = Kind::kEmbedded;
  std::string type = "raft";  // As written.
  std::string path;  // Of the embedded store's directory.
  std::string node_id;
};

/// `audit_journal`.
struct JournalConfig {
  std::string directory;  // "<storage path>/audit" when not given.
  std::uint64_t retain_bytes = 0;
  using WhenFull = core::audit::JournalOptions::WhenFull;
  WhenFull when_full = WhenFull::kRefuse;  // Given whenever retain_bytes is.
};

/// `sandbox`: whether the server confines itself to what it needs, at start and for good (docs/hardening.md).
enum class SandboxMode : std::uint8_t {
  kOff,
  kLog,  // Nothing is denied; the kernel logs system calls that would be.
  kOn,
};

/// `log_format`: lines for people, or a JSON object a line.
enum class LogFormat : std::uint8_t { kStandard, kJson };

/// The one spelling of a log level: "trace", "debug", "info", "warn" or "error". errors: kInvalid, saying which there are.
Result<std::string> parse_log_level(std::string_view name);
/// "standard" or "json". errors: as parse_log_level().
Result<LogFormat> parse_log_format(std::string_view name);

struct Config {
  std::vector<ListenerConfig> listeners;  // At least one.
  StorageConfig storage;
  SealConfig seal;         // By what the server unseals itself.
  SealConfig former_seal;  // What a store that is to be changed over may still be unsealed by; kShares = none.
  JournalConfig journal;
  std::string snapshot_directory;  // "<storage path>/snapshots" when not given; empty for a store in memory.
  std::vector<core::audit::Device> audit_devices;  // `audit "file" "NAME"`.
  std::string api_addr;
  std::string cluster_addr;
  std::string cluster_name;
  bool ui = false;
  bool disable_mlock = false;
  std::string log_level;  // As parse_log_level() gives it; empty when not given.
  LogFormat log_format = LogFormat::kStandard;
  SandboxMode sandbox = SandboxMode::kOn;
  std::int64_t default_lease_ttl_s = 768 * 3600;  // Vault's defaults.
  std::int64_t max_lease_ttl_s = 768 * 3600;
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> warnings;  // "FILE:LINE: reason": what is accepted without effect.
};

/// The file of `keyhold operator migrate`, with Vault's stanzas: from which store to which.
struct StorageMigration {
  StorageConfig source;       // `storage_source`.
  StorageConfig destination;  // `storage_destination`.
};
/// errors   kInvalid, "FILE:LINE: reason": a stanza that is missing or given twice, or no embedded store; two that are one.
Result<StorageMigration> parse_storage_migration(std::string_view text, std::string_view file_name);

/// Parses a configuration and checks that the files it names can be read.
///
/// What Vault knows and Keyhold does not use, and what neither knows, is a warning: a Vault configuration starts as it is.
/// errors   kInvalid, "FILE:LINE: reason": not HCL or JSON, a value of the wrong type or form, no listener, no or unknown
///          storage, an audit device that may not write where it wants to, TLS without its files or with unreadable ones, a setting given twice.
Result<LoadedConfig> parse_config(std::string_view text, std::string_view file_name);

/// Reads and parses a file.
/// errors   Those of parse_config, and "FILE: reason" when it cannot be read.
Result<LoadedConfig> load_config(const std::string& path);
Result<StorageMigration> load_storage_migration(const std::string& path);

}  // namespace keyhold::server
