#include "server/config/config.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <variant>

#include "base/hcl.h"
#include "base/scalar.h"
#include "base/secret_bytes.h"
#include "base/time_format.h"
#include "server/config/known_settings.h"

namespace keyhold::server {
namespace {

constexpr std::size_t kConfigBytesMax = hcl::Limits{}.text_bytes_max;

/// A setting of a stanza and the member of T that holds it. Signed integers are durations in seconds, unsigned ones bytes.
template <typename T>
struct Setting {
  std::string_view name;
  std::variant<std::string T::*, bool T::*, std::int64_t T::*, std::uint64_t T::*> member;
};

/// `listener "tcp"` under the names of the file.
struct ListenerStanza {
  std::string address = "127.0.0.1:8200";
  bool tls_disable = false;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;
  bool tls_require_and_verify_client_cert = false;
  bool tls_disable_client_certs = false;
};

/// `audit_journal` under the names of the file.
struct JournalStanza {
  std::string directory;
  std::uint64_t retain_bytes = 0;
  std::string when_full;
};

/// Room for some files of each thread, so that the oldest can be dropped.
constexpr std::uint64_t kRetainBytesMin = 16 * 1024 * 1024;

/// `audit "file" "NAME"`, in the form of OpenBao's declared devices.
struct DeviceStanza {
  std::string description;
  bool local = false;
};

using TopLevel = Setting<Config>;
constexpr std::array kTopLevelSettings{
    TopLevel{"api_addr", &Config::api_addr},
    TopLevel{"cluster_addr", &Config::cluster_addr},
    TopLevel{"cluster_name", &Config::cluster_name},
    TopLevel{"snapshot_directory", &Config::snapshot_directory},
    TopLevel{"ui", &Config::ui},
    TopLevel{"disable_mlock", &Config::disable_mlock},
    TopLevel{"default_lease_ttl", &Config::default_lease_ttl_s},
    TopLevel{"max_lease_ttl", &Config::max_lease_ttl_s},
};
using Listener = Setting<ListenerStanza>;
constexpr std::array kListenerSettings{
    Listener{"address", &ListenerStanza::address},
    Listener{"tls_disable", &ListenerStanza::tls_disable},
    Listener{"tls_cert_file", &ListenerStanza::tls_cert_file},
    Listener{"tls_key_file", &ListenerStanza::tls_key_file},
    Listener{"tls_client_ca_file", &ListenerStanza::tls_client_ca_file},
    Listener{"tls_require_and_verify_client_cert", &ListenerStanza::tls_require_and_verify_client_cert},
    Listener{"tls_disable_client_certs", &ListenerStanza::tls_disable_client_certs},
};
constexpr std::array kStorageSettings{
    Setting<StorageConfig>{"path", &StorageConfig::path},
    Setting<StorageConfig>{"node_id", &StorageConfig::node_id},
};
using Seal = Setting<SealConfig>;
constexpr std::array kStaticSettings{
    Seal{"current_key_id", &SealConfig::current_key_id},
    Seal{"current_key", &SealConfig::current_key},
    Seal{"previous_key_id", &SealConfig::previous_key_id},
    Seal{"previous_key", &SealConfig::previous_key},
    Seal{"disabled", &SealConfig::disabled},
};
constexpr std::array kTransitSettings{
    Seal{"address", &SealConfig::address},
    Seal{"token", &SealConfig::token},
    Seal{"key_name", &SealConfig::key_name},
    Seal{"mount_path", &SealConfig::mount_path},
    Seal{"tls_ca_cert", &SealConfig::tls_ca_cert},
    Seal{"disabled", &SealConfig::disabled},
};
constexpr std::array kPkcs11Settings{
    Seal{"lib", &SealConfig::lib},
    Seal{"module_paths", &SealConfig::module_paths},
    Seal{"slot", &SealConfig::slot},
    Seal{"token_label", &SealConfig::token_label},
    Seal{"pin", &SealConfig::pin},
    Seal{"key_label", &SealConfig::key_label},
    Seal{"key_id", &SealConfig::key_id},
    Seal{"previous_key_label", &SealConfig::previous_key_label},
    Seal{"previous_key_id", &SealConfig::previous_key_id},
    Seal{"mechanism", &SealConfig::mechanism},
    Seal{"generate_key", &SealConfig::generate_key},
    Seal{"disabled", &SealConfig::disabled},
};
struct SealType {
  std::string_view name;
  SealConfig::Kind kind;
  std::span<const Seal> settings;
};
constexpr std::array kSealTypes{
    SealType{"static", SealConfig::Kind::kStatic, kStaticSettings},
    SealType{"transit", SealConfig::Kind::kTransit, kTransitSettings},
    SealType{"pkcs11", SealConfig::Kind::kPkcs11, kPkcs11Settings},
};
constexpr std::array kJournalSettings{
    Setting<JournalStanza>{"directory", &JournalStanza::directory},
    Setting<JournalStanza>{"retain_bytes", &JournalStanza::retain_bytes},
    Setting<JournalStanza>{"when_full", &JournalStanza::when_full},
};
constexpr std::array kDeviceSettings{
    Setting<DeviceStanza>{"description", &DeviceStanza::description},
    Setting<DeviceStanza>{"local", &DeviceStanza::local},
};

/// As Go's ParseBool, which Vault applies to strings and numbers alike.
std::optional<bool> bool_of(const hcl::Value& value) {
  if (value.kind == hcl::Kind::kList || value.kind == hcl::Kind::kObject) return std::nullopt;
  return parse_boolean(value.text);
}

std::optional<JournalConfig::WhenFull> when_full_of(std::string_view name) {
  if (name == "refuse") return JournalConfig::WhenFull::kRefuse;
  if (name == "drop-forwarded") return JournalConfig::WhenFull::kDropForwarded;
  if (name == "drop") return JournalConfig::WhenFull::kDrop;
  return std::nullopt;
}

Result<SandboxMode> parse_sandbox_mode(std::string_view name) {
  if (name == "on") return SandboxMode::kOn;
  if (name == "log") return SandboxMode::kLog;
  if (name == "off") return SandboxMode::kOff;
  return Error{Code::kInvalid, "on, log or off"};
}

class ConfigReader {
 public:
  explicit ConfigReader(std::string_view file_name) : file_name_(file_name) {}

  Result<LoadedConfig> read(std::string_view text) {
    hcl::Failure failure;
    const auto body = hcl::parse(text, {}, &failure);
    if (!body.ok()) return error(failure.at, failure.reason);
    for (const hcl::Item& item : body->items) TRY(read_item(item));
    TRY(finish());
    return std::move(loaded_);
  }

  Result<StorageMigration> read_storage_migration(std::string_view text) {
    hcl::Failure failure;
    const auto body = hcl::parse(text, {}, &failure);
    if (!body.ok()) return error(failure.at, failure.reason);
    StorageMigration migration;
    struct Stanza {
      std::string_view name;
      StorageConfig& storage;
    };
    for (const Stanza& stanza : {Stanza{"storage_source", migration.source}, Stanza{"storage_destination", migration.destination}}) {
      for (const hcl::Item& item : body->items) {
        if (item.key != stanza.name) continue;
        TRY(for_each_block(item, 1, [&](const hcl::Block& block) { return read_migrated_store(block, stanza.name, stanza.storage); }));
      }
      if (stanza.storage.path.empty()) return file_error("no " + std::string(stanza.name) + " stanza");
    }
    if (std::filesystem::weakly_canonical(migration.source.path) == std::filesystem::weakly_canonical(migration.destination.path)) {
      return file_error("storage_source and storage_destination are the same");
    }
    return migration;
  }

 private:
  std::string located(hcl::Position at, std::string_view reason) const {
    return file_name_ + ":" + std::to_string(at.line) + ": " + std::string(reason);
  }
  Error error(hcl::Position at, std::string_view reason) const { return {Code::kInvalid, located(at, reason)}; }
  Error file_error(std::string_view reason) const { return {Code::kInvalid, file_name_ + ": " + std::string(reason)}; }
  void warn(hcl::Position at, std::string_view reason) { loaded_.warnings.push_back(located(at, reason)); }
  void warn_ignored(const hcl::Item& item, std::string_view where, std::span<const std::string_view> known_names) {
    const std::string what = known::contains(known_names, item.key) ? item.key + " has no effect" : "an unknown setting is ignored";
    warn(item.at, std::string(where) + what);
  }

  Result<void> read_item(const hcl::Item& item) {
    if (item.key == "listener") return for_each_block(item, 1, &ConfigReader::read_listener);
    if (item.key == "storage" || item.key == "backend") return for_each_block(item, 1, &ConfigReader::read_storage);
    if (item.key == "seal") return for_each_block(item, 1, &ConfigReader::read_seal);
    if (item.key == "audit_journal") return for_each_block(item, 0, &ConfigReader::read_audit_journal);
    if (item.key == "audit") return for_each_block(item, 2, &ConfigReader::read_audit_device);
    if (item.key == "plugin_directory") TRY(assign(item, plugin_directory_));
    if (item.key == "log_level") return read_named(item, parse_log_level, loaded_.config.log_level);
    if (item.key == "log_format") return read_named(item, parse_log_format, loaded_.config.log_format);
    if (item.key == "sandbox") return read_named(item, parse_sandbox_mode, loaded_.config.sandbox);
    TRY_ASSIGN(const bool taken, take<Config>(kTopLevelSettings, item, loaded_.config));
    if (taken && item.key == "max_lease_ttl") max_lease_ttl_at_ = item.at;
    if (taken && item.key == "default_lease_ttl") default_lease_ttl_at_ = item.at;
    if (!taken) warn_ignored(item, "", known::kTopLevel);
    return {};
  }

  template <typename ReadBlock>
  Result<void> for_each_block(const hcl::Item& item, std::size_t labels, const ReadBlock& read_block) {
    hcl::Failure failure;
    const auto blocks = hcl::blocks_of(item, labels, &failure);
    if (!blocks.ok()) return error(failure.at, failure.reason);
    for (const hcl::Block& block : *blocks) TRY(read_block(block));
    return {};
  }
  Result<void> for_each_block(const hcl::Item& item, std::size_t labels, Result<void> (ConfigReader::*read_block)(const hcl::Block&)) {
    return for_each_block(item, labels, [this, read_block](const hcl::Block& block) { return (this->*read_block)(block); });
  }

  /// Reads `item` into its member. False when it is none of `settings`.
  template <typename T>
  Result<bool> take(std::span<const Setting<T>> settings, const hcl::Item& item, T& into) {
    for (const Setting<T>& setting : settings) {
      if (setting.name != item.key) continue;
      TRY(std::visit([&](auto member) { return assign(item, into.*member); }, setting.member));
      return true;
    }
    return false;
  }
  template <typename T>
  Result<void> take_all(std::span<const Setting<T>> settings, const hcl::Block& block, T& into, std::string_view where,
                        std::span<const std::string_view> known_names) {
    for (const hcl::Item& item : block.body->items) {
      TRY_ASSIGN(const bool taken, take<T>(settings, item, into));
      if (!taken) warn_ignored(item, where, known_names);
    }
    return {};
  }

  Result<void> assign(const hcl::Item& item, std::string& into) const {
    if (item.value.kind != hcl::Kind::kString) return error(item.value.at, item.key + " is a string");
    into = item.value.text;
    return {};
  }
  Result<void> assign(const hcl::Item& item, bool& into) const {
    const auto value = bool_of(item.value);
    if (!value) return error(item.value.at, item.key + " is true or false");
    into = *value;
    return {};
  }
  Result<void> assign(const hcl::Item& item, std::int64_t& into_s) const {
    const bool scalar = item.value.kind == hcl::Kind::kString || item.value.kind == hcl::Kind::kNumber;
    const auto duration_s = parse_duration_s(scalar ? item.value.text : "");
    if (!duration_s.ok()) return error(item.value.at, item.key + " is a duration (\"768h\") or seconds");
    into_s = *duration_s;
    return {};
  }

  Result<void> assign(const hcl::Item& item, std::uint64_t& into_bytes) const {
    const bool scalar = item.value.kind == hcl::Kind::kString || item.value.kind == hcl::Kind::kNumber;
    const auto bytes = parse_bytes(scalar ? item.value.text : "");
    if (!bytes.ok()) return error(item.value.at, item.key + " is a number of bytes (\"10GiB\")");
    into_bytes = *bytes;
    return {};
  }

  /// A setting that is one of a few words.
  template <typename T>
  Result<void> read_named(const hcl::Item& item, Result<T> (*parse)(std::string_view), T& into) const {
    std::string name;
    TRY(assign(item, name));
    auto parsed = parse(name);
    if (!parsed.ok()) return error(item.value.at, item.key + " is " + parsed.error().message);
    into = std::move(parsed).value();
    return {};
  }

  Result<void> read_listener(const hcl::Block& block) {
    if (block.labels.front().text != "tcp") {
      warn(block.at, "listener: only tcp is served, this one is not");
      return {};
    }
    ListenerStanza stanza;
    TRY(take_all<ListenerStanza>(kListenerSettings, block, stanza, "listener: ", known::kListener));
    const hcl::Position at = block.at;
    auto address = parse_address(stanza.address);
    if (!address.ok()) return error(at_of(block, "address"), "listener: " + address.error().message);
    ListenerConfig listener;
    listener.address = std::move(address).value();
    listener.tls = !stanza.tls_disable;
    if (listener.tls) {
      if (stanza.tls_cert_file.empty() || stanza.tls_key_file.empty()) {
        return error(at, "listener: tls_cert_file and tls_key_file are missing (or tls_disable = true)");
      }
      if (stanza.tls_require_and_verify_client_cert && stanza.tls_disable_client_certs) {
        return error(at, "listener: client certificates are both required and disabled");
      }
      if (stanza.tls_require_and_verify_client_cert && stanza.tls_client_ca_file.empty()) {
        return error(at, "listener: tls_require_and_verify_client_cert needs tls_client_ca_file");
      }
      if (stanza.tls_disable_client_certs) stanza.tls_client_ca_file.clear();
      TRY(check_readable(block, "tls_cert_file", stanza.tls_cert_file));
      TRY(check_readable(block, "tls_key_file", stanza.tls_key_file));
      if (!stanza.tls_client_ca_file.empty()) TRY(check_readable(block, "tls_client_ca_file", stanza.tls_client_ca_file));
      listener.tls_certificate_path = std::move(stanza.tls_cert_file);
      listener.tls_private_key_path = std::move(stanza.tls_key_file);
      listener.tls_client_ca_path = std::move(stanza.tls_client_ca_file);
      listener.require_client_certificate = stanza.tls_require_and_verify_client_cert;
    }
    loaded_.config.listeners.push_back(std::move(listener));
    return {};
  }

  Result<void> read_storage(const hcl::Block& block) {
    if (has_storage_) return error(block.at, "storage is given twice");
    has_storage_ = true;
    return read_store(block, "storage", loaded_.config.storage);
  }

  Result<void> read_store(const hcl::Block& block, std::string_view name, StorageConfig& storage) {
    const std::string stanza(name);
    storage.type = block.labels.front().text;
    if (storage.type == "inmem") {
      storage.kind = StorageConfig::Kind::kMemory;
    } else if (storage.type != "raft" && storage.type != "file") {
      return error(block.at, stanza + " is \"raft\", \"file\" (both the embedded store) or \"inmem\"");
    }
    TRY(take_all<StorageConfig>(kStorageSettings, block, storage, stanza + ": ", known::kStorage));
    if (storage.kind == StorageConfig::Kind::kEmbedded && storage.path.empty()) return error(block.at, stanza + ": path is missing");
    return {};
  }

  Result<void> read_migrated_store(const hcl::Block& block, std::string_view name, StorageConfig& storage) {
    if (!storage.path.empty()) return error(block.at, std::string(name) + " is given twice");
    TRY(read_store(block, name, storage));
    if (storage.kind == StorageConfig::Kind::kMemory) return error(block.at, std::string(name) + ": what is in memory cannot be copied");
    return {};
  }

  Result<void> read_seal(const hcl::Block& block) {
    const std::string& name = block.labels.front().text;
    if (name == "shamir") return {};
    const auto type = std::ranges::find(kSealTypes, name, &SealType::name);
    if (type == kSealTypes.end()) {
      warn(block.at, "seal has no effect");
      return {};
    }
    SealConfig seal;
    seal.kind = type->kind;
    TRY(take_all<SealConfig>(type->settings, block, seal, "seal: ", known::kSeal));
    // Without a key there is nothing to go back from.
    if (seal.disabled && seal.current_key.empty() && seal.token.empty() && seal.lib.empty()) return {};
    if (const auto fault = fault_of(seal)) return error(fault->setting.empty() ? block.at : at_of(block, fault->setting), "seal: " + fault->reason);
    SealConfig& place = seal.disabled ? loaded_.config.former_seal : loaded_.config.seal;
    if (place.kind != SealConfig::Kind::kShares) return error(block.at, "seal is given twice");
    place = std::move(seal);
    if (loaded_.config.seal.kind == loaded_.config.former_seal.kind) {
      return error(block.at, "seal: two of one type: a key before is named in the stanza of the next, another place for keys is reached by way of shares");
    }
    return {};
  }

  Result<void> read_audit_journal(const hcl::Block& block) {
    if (!loaded_.config.journal.directory.empty()) return error(block.at, "audit_journal is given twice");
    JournalStanza stanza;
    TRY(take_all<JournalStanza>(kJournalSettings, block, stanza, "audit_journal: ", {}));
    if (stanza.directory.empty()) return error(block.at, "audit_journal: directory is missing");
    const bool bounded = block.body->find("retain_bytes") != nullptr;
    if (bounded != (block.body->find("when_full") != nullptr)) {
      return error(block.at, "audit_journal: retain_bytes and when_full go together");
    }
    JournalConfig& journal = loaded_.config.journal;
    if (bounded) {
      const auto when_full = when_full_of(stanza.when_full);
      if (!when_full) return error(at_of(block, "when_full"), "when_full is refuse, drop-forwarded or drop");
      if (stanza.retain_bytes < kRetainBytesMin) return error(at_of(block, "retain_bytes"), "retain_bytes is 16 MiB at least");
      journal.retain_bytes = stanza.retain_bytes;
      journal.when_full = *when_full;
    }
    journal_at_ = block.at;
    journal.directory = std::move(stanza.directory);
    return {};
  }

  Result<void> read_audit_device(const hcl::Block& block) {
    DeviceStanza stanza;
    std::map<std::string, std::string> options;
    for (const hcl::Item& item : block.body->items) {
      if (item.key == "options") {
        TRY(read_options(item, options));
        continue;
      }
      TRY_ASSIGN(const bool taken, take<DeviceStanza>(kDeviceSettings, item, stanza));
      if (!taken) warn_ignored(item, "audit: ", {});
    }
    auto device = core::audit::Device::make(block.labels[0].text, block.labels[1].text, std::move(options));
    if (!device.ok()) return error(block.at, "audit: " + device.error().message);
    for (const core::audit::Device& other : loaded_.config.audit_devices) {
      if (other.name == device->name) return error(block.at, "audit: two devices of one name");
      if (other.file_path == device->file_path) return error(block.at, "audit: two devices with one file");
    }
    device->description = std::move(stanza.description);
    device->local = stanza.local;
    loaded_.config.audit_devices.push_back(std::move(device).value());
    device_at_.push_back(block.at);
    return {};
  }

  Result<void> read_options(const hcl::Item& item, std::map<std::string, std::string>& options) const {
    hcl::Failure failure;
    const auto blocks = hcl::blocks_of(item, 0, &failure);
    if (!blocks.ok()) return error(failure.at, failure.reason);
    for (const hcl::Block& block : *blocks) {
      for (const hcl::Item& option : block.body->items) {
        const hcl::Kind kind = option.value.kind;
        if (kind == hcl::Kind::kList || kind == hcl::Kind::kObject) return error(option.at, "audit: an option is a string");
        if (!options.emplace(option.key, option.value.text).second) return error(option.at, "audit: an option given twice");
      }
    }
    return {};
  }

  Result<void> check_readable(const hcl::Block& block, std::string_view name, const std::string& path) const {
    const auto reason = unreadable(path);
    if (!reason) return {};
    return error(at_of(block, name), "listener: " + std::string(name) + " cannot be read: " + *reason);
  }

  static hcl::Position at_of(const hcl::Block& block, std::string_view name) {
    const hcl::Item* item = block.body->find(name);
    return item == nullptr ? block.at : item->at;
  }

  /// What only the whole file can tell.
  Result<void> finish() {
    Config& config = loaded_.config;
    if (!has_storage_) return file_error("no storage stanza");
    if (config.listeners.empty()) return file_error("no listener \"tcp\" stanza");
    if (config.default_lease_ttl_s > config.max_lease_ttl_s) {
      return error(default_lease_ttl_at_.value_or(max_lease_ttl_at_.value_or(hcl::Position{})),
                   "default_lease_ttl is longer than max_lease_ttl");
    }
    if (config.journal.directory.empty()) {
      if (config.storage.kind == StorageConfig::Kind::kMemory) {
        return file_error("storage \"inmem\" needs an audit_journal with a directory");
      }
      config.journal.directory = config.storage.path + (config.storage.path.ends_with('/') ? "audit" : "/audit");
    }
    if (config.snapshot_directory.empty() && config.storage.kind == StorageConfig::Kind::kEmbedded) {
      config.snapshot_directory = config.storage.path + (config.storage.path.ends_with('/') ? "snapshots" : "/snapshots");
    }
    if (config.journal.when_full == JournalConfig::WhenFull::kDropForwarded && config.audit_devices.empty()) {
      return error(journal_at_, "audit_journal: when_full \"drop-forwarded\" needs an audit device");
    }
    // Not over our own files, nor where something would be run.
    const std::array closed{config.storage.path, config.journal.directory, config.snapshot_directory, plugin_directory_};
    for (std::size_t i = 0; i < config.audit_devices.size(); ++i) {
      if (core::audit::lies_within(config.audit_devices[i], closed)) {
        return error(device_at_[i], "audit: file_path lies in the folder of the store, the journal or plugins");
      }
    }
    return {};
  }

  const std::string file_name_;
  LoadedConfig loaded_;
  bool has_storage_ = false;
  std::string plugin_directory_;
  hcl::Position journal_at_;
  std::vector<hcl::Position> device_at_;
  std::optional<hcl::Position> default_lease_ttl_at_;
  std::optional<hcl::Position> max_lease_ttl_at_;
};

/// What a file holds, as far as it may be long. errors: kInvalid.
Result<SecretBytes> text_of(const std::string& path) {
  if (const auto reason = unreadable(path)) return Error{Code::kInvalid, path + ": " + *reason};
  std::ifstream file(path, std::ios::binary);
  SecretBytes text = SecretBytes::zeroed(kConfigBytesMax + 1);  // A seal stanza may hold credentials.
  file.read(text.writable().data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Error{Code::kInvalid, path + ": cannot be read"};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

Result<std::string> parse_log_level(std::string_view name) {
  if (name == "warning") return std::string("warn");
  if (name == "err") return std::string("error");
  for (const std::string_view known : {"trace", "debug", "info", "warn", "error"}) {
    if (name == known) return std::string(known);
  }
  return Error{Code::kInvalid, "trace, debug, info, warn or error"};
}

Result<LogFormat> parse_log_format(std::string_view name) {
  if (name == "standard") return LogFormat::kStandard;
  if (name == "json") return LogFormat::kJson;
  return Error{Code::kInvalid, "standard or json"};
}

Result<LoadedConfig> parse_config(std::string_view text, std::string_view file_name) {
  return ConfigReader(file_name).read(text);
}

Result<StorageMigration> parse_storage_migration(std::string_view text, std::string_view file_name) {
  return ConfigReader(file_name).read_storage_migration(text);
}

Result<LoadedConfig> load_config(const std::string& path) {
  TRY_ASSIGN(const SecretBytes text, text_of(path));
  return parse_config(text.reveal(), path);
}

Result<StorageMigration> load_storage_migration(const std::string& path) {
  TRY_ASSIGN(const SecretBytes text, text_of(path));
  return parse_storage_migration(text.reveal(), path);
}

}  // namespace keyhold::server
