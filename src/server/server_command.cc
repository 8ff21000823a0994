#include "server/server_command.h"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include "base/process_hardening.h"
#include "server/config/config.h"
#include "server/dev_mode.h"
#include "server/file_modes.h"
#include "server/keyhold_server.h"
#include "server/operator_log.h"
#include "server/sandbox.h"
#include "server/service_manager.h"

namespace keyhold::server {
namespace {

constexpr int kMisused = 2;

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
  Reloader(KeyholdServer& server, const Arguments& flags) : server_(server), flags_(flags) {}

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
  const Arguments& flags_;
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
Result<void> run(KeyholdServer& server, const Arguments& flags, SandboxMode sandbox, const ServiceManager& manager, const sigset_t& signals) {
  TRY_ASSIGN(const auto unconfined, confine_system_calls(sandbox));
  warn_all(unconfined);
  manager.ready();
  run_until_stopped(Reloader(server, flags), signals);
  manager.stopping();
  return {};
}

Result<void> run_dev(const Arguments& flags, const ServiceManager& manager, const sigset_t& signals) {
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

Result<void> run_configured(const Arguments& flags, const Config& config, const ServiceManager& manager, const sigset_t& signals) {
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
Result<void> start(const Arguments& flags, LogSettings& log) {
  const sigset_t signals = block_signals();
  const ServiceManager manager;
  const std::vector<std::string> left_open = harden_process();
  if (flags.on("dev")) {
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

int server_command(const Arguments& arguments) {
  auto log = log_settings(arguments, Config{});
  const bool one_mode = arguments.on("dev") != arguments.has("config");
  if (!one_mode || !log.ok()) {
    fmt::print(stderr, "keyhold server: {}\n", one_mode ? log.error().message : "give -config=FILE, or -dev");
    return kMisused;
  }
  set_up_log(*log);
  const auto done = start(arguments, *log);
  if (done.ok()) return 0;
  tell_failure(done.error(), log->format);
  return 1;
}

}  // namespace keyhold::server
