#include "server/server_command.h"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>

#include "base/process_hardening.h"
#include "server/config/config.h"
#include "server/dev_mode.h"
#include "server/flags.h"
#include "server/keyhold_server.h"

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

/// Of a word that it does not know, the library makes silence.
bool is_log_level(std::string_view level) {
  return level.empty() || spdlog::level::from_str(std::string(level)) != spdlog::level::off;
}

void set_up_log(std::string_view level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("keyhold"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ [%l] %v", spdlog::pattern_time_type::utc);
  if (!level.empty()) spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

void run_until_stopped(KeyholdServer& server, const sigset_t& signals) {
  for (;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number != SIGHUP) return;
    const auto reloaded = server.reload();
    if (reloaded.ok()) {
      spdlog::info("certificates and files of audit devices opened again");
    } else {
      spdlog::error("certificates and files of audit devices kept as they were: {}", reloaded.error().message);
    }
  }
}

int fail(const Error& error) {
  fmt::print(stderr, "keyhold server: {}\n", error.message);
  return 1;
}

int run_dev(const Flags& flags, const sigset_t& signals) {
  auto dev = DevServer::start(flags);
  if (!dev.ok()) return fail(dev.error());
  run_until_stopped((*dev)->server(), signals);
  return 0;
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

int run_configured(const Flags& flags, const sigset_t& signals) {
  auto loaded = load_config(std::string(flags.value("config")));
  if (!loaded.ok()) return fail(loaded.error());
  for (const std::string& warning : loaded->warnings) spdlog::warn("{}", warning);
  const Config& config = loaded->config;
  if (!flags.has("log-level") && !config.log_level.empty()) {
    spdlog::set_level(spdlog::level::from_str(config.log_level));
  }
  Settings settings = settings_of(config);
  std::unique_ptr<TemporaryDirectory> temporary;
  if (settings.journal.directory.empty()) {
    auto made = TemporaryDirectory::make();
    if (!made.ok()) return fail(made.error());
    temporary = std::move(*made);
    settings.journal.directory = temporary->path() + "/audit";
    spdlog::warn("the audit journal goes when the server ends: set audit_journal {{ directory }} to keep it");
  }
  auto server = KeyholdServer::start(settings);
  if (!server.ok()) return fail(server.error());
  print_addresses(settings, **server);
  run_until_stopped(**server, signals);
  return 0;
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
  if (!is_log_level(flags->value("log-level"))) {
    fmt::print(stderr, "keyhold server: -log-level is trace, debug, info, warn or error\n");
    return 2;
  }
  set_up_log(flags->value("log-level"));
  const sigset_t signals = block_signals();
  for (const std::string& warning : harden_process()) spdlog::warn("{}", warning);
  return flags->has("dev") ? run_dev(*flags, signals) : run_configured(*flags, signals);
}

}  // namespace keyhold::server
