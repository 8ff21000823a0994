#include "server/server_command.h"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <array>

#include "base/process_hardening.h"
#include "server/config/config.h"
#include "server/dev_mode.h"
#include "server/file_modes.h"
#include "server/flags.h"
#include "server/keyhold_server.h"
#include "server/operator_log.h"
#include "server/sandbox.h"
#include "server/service_manager.h"

namespace keyhold::server {
namespace {

using Takes = FlagSpec::Takes;
constexpr std::array kFlags{
    FlagSpec{"config", Takes::kValue, "FILE: configuration in HCL or JSON"},
    FlagSpec{"dev", Takes::kNothing, "Run in memory, initialised and unsealed, to try things out"},
    FlagSpec{"dev-root-token-id", Takes::kValue, "TOKEN: the root token of dev mode"},
    FlagSpec{"dev-access-key-id", Takes::kValue, "ID: the access key of dev mode, for AWS's API"},
    FlagSpec{"dev-secret-access-key", Takes::kValue, "SECRET: its secret, which other users of the machine may see"},
    FlagSpec{"dev-listen-address", Takes::kValue, "HOST:PORT of dev mode; port 0 = any free one"},
    FlagSpec{"dev-tls", Takes::kNothing, "Serve TLS in dev mode, with a private CA"},
    FlagSpec{"dev-tls-cert-dir", Takes::kValue, "DIRECTORY: where dev mode writes its CA and certificate"},
    FlagSpec{"dev-no-store-token", Takes::kNothing, "Accepted; a token is never stored"},
    FlagSpec{"log-level", Takes::kValue, "trace, debug, info, warn or error"},
    FlagSpec{"log-format", Takes::kValue, "standard or json"},
};

/// The signals that the main thread waits for, blocked in every thread before any starts.
sigset_t block_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void warn_all(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
}

/// What is read again at SIGHUP. Everything else of a configuration holds from start to end.
class Reloader {
 public:
  Reloader(KeyholdServer& server, const Flags& flags) : server_(server), flags_(flags) {}

  void reload() {
    const Result<void> level = reload_log_level();
    const Result<void> files = server_.reload();
    if (!level.ok()) spdlog::error("the log level is kept as it was: {}", level.error().message);
    if (files.ok()) {
      spdlog::info("certificates and files of audit devices opened again");
    } else {
      spdlog::error("certificates and files of audit devices kept as they were: {}", files.error().message);
    }
  }

 private:
  Result<void> reload_log_level() {
    Config config;
    if (flags_.has("config")) {
      TRY_ASSIGN(LoadedConfig loaded, load_config(std::string(flags_.value("config"))));
      config = std::move(loaded.config);
    }
    TRY_ASSIGN(const LogSettings settings, log_settings(flags_, config));
    set_up_log(settings);
    return {};
  }

  KeyholdServer& server_;
  const Flags& flags_;
};

void run_until_stopped(Reloader reloader, const sigset_t& signals) {
  for (;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number != SIGHUP) return;
    reloader.reload();
  }
}

/// Confines a server that has opened and bound what it needs, tells who waits for it, and runs it.
Result<void> run(KeyholdServer& server, const Flags& flags, SandboxMode sandbox, const ServiceManager& manager, const sigset_t& signals) {
  TRY_ASSIGN(const auto unconfined, confine_system_calls(sandbox));
  warn_all(unconfined);
  manager.ready();
  run_until_stopped(Reloader(server, flags), signals);
  manager.stopping();
  return {};
}

Result<void> run_dev(const Flags& flags, const ServiceManager& manager, const sigset_t& signals) {
  TRY_ASSIGN(const auto dev, DevServer::start(flags));
  return run(dev->server(), flags, SandboxMode::kOn, manager, signals);
}

Settings settings_of(const Config& config) {
  Settings settings;
  settings.store =
      config.storage.kind == StorageConfig::Kind::kMemory ? Settings::Store::kMemory : Settings::Store::kEmbedded;
  settings.store_path = config.storage.path;
  settings.journal.directory = config.journal.directory;
  settings.facts = {config.storage.type, config.cluster_name, config.storage.path};
  settings.snapshot_directory = config.snapshot_directory;
  settings.journal.retain_bytes = config.journal.retain_bytes;
  settings.journal.when_full = config.journal.when_full;
  settings.seal = config.seal;
  settings.former_seal = config.former_seal;
  settings.audit_devices = config.audit_devices;
  for (const ListenerConfig& listener : config.listeners) {
    http::ListenerOptions options;
    options.host = listener.address.host;
    options.port = listener.address.port;
    options.tls = listener.tls;
    options.tls_files = {listener.tls_certificate_path, listener.tls_private_key_path, listener.tls_client_ca_path,
                         listener.require_client_certificate};
    settings.listeners.push_back(std::move(options));
  }
  return settings;
}

void print_addresses(const Settings& settings, const KeyholdServer& server) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    fmt::print("api address: {}\n", listener_url(settings.listeners[i], server.port(static_cast<int>(i))));
  }
  std::fflush(stdout);
}

Result<void> run_configured(const Flags& flags, const Config& config, const ServiceManager& manager, const sigset_t& signals) {
  const std::string config_path(flags.value("config"));
  TRY_ASSIGN(const auto open_files, check_file_modes(config, config_path));
  warn_all(open_files);
  if (config.sandbox == SandboxMode::kOn) {
    make_own_folders(config);
    TRY_ASSIGN(const auto unconfined, confine_files(paths_of(config, config_path)));
    warn_all(unconfined);
  } else {
    spdlog::warn("the sandbox is {}: see docs/hardening.md", config.sandbox == SandboxMode::kLog ? "only logging" : "off");
  }
  const Settings settings = settings_of(config);
  TRY_ASSIGN(const auto server, KeyholdServer::start(settings));
  print_addresses(settings, *server);
  return run(*server, flags, config.sandbox, manager, signals);
}

/// `log` is how the log is set up, on an error too.
Result<void> start(const Flags& flags, LogSettings& log) {
  const sigset_t signals = block_signals();
  const ServiceManager manager;
  const std::vector<std::string> left_open = harden_process();
  if (flags.has("dev")) {
    warn_all(left_open);
    return run_dev(flags, manager, signals);
  }
  TRY_ASSIGN(const LoadedConfig loaded, load_config(std::string(flags.value("config"))));
  TRY_ASSIGN(log, log_settings(flags, loaded.config));
  set_up_log(log);
  warn_all(left_open);
  warn_all(loaded.warnings);
  return run_configured(flags, loaded.config, manager, signals);
}

void tell_failure(const Error& error, LogFormat format) {
  if (format == LogFormat::kJson) {
    spdlog::critical("{}", error.message);
  } else {
    fmt::print(stderr, "keyhold server: {}\n", error.message);
  }
}

}  // namespace

int server_command(std::span<const std::string_view> arguments) {
  const auto flags = Flags::parse(kFlags, arguments);
  const bool one_mode = flags.ok() && flags->has("dev") != flags->has("config");
  if (!one_mode) {
    const std::string reason = flags.ok() ? "give -config FILE, or -dev" : flags.error().message;
    fmt::print(stderr, "keyhold server: {}\n\n", reason);
    for (const FlagSpec& flag : kFlags) fmt::print(stderr, "  -{:<20}{}\n", flag.name, flag.help);
    return 2;
  }
  auto log = log_settings(*flags, Config{});
  if (!log.ok()) {
    fmt::print(stderr, "keyhold server: {}\n", log.error().message);
    return 2;
  }
  set_up_log(*log);
  const auto done = start(*flags, *log);
  if (done.ok()) return 0;
  tell_failure(done.error(), log->format);
  return 1;
}

}  // namespace keyhold::server
