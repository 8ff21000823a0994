#include "server/auto_unsealer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "core/seal/static_seal.h"
#include "server/transit_seal.h"

namespace keyhold::server {
namespace {

constexpr std::int64_t kFirstPauseMs = 500;
constexpr std::int64_t kPauseMaxMs = 60'000;
constexpr std::int64_t kUninitialisedPauseMs = 5'000;
constexpr std::size_t kKeyFileBytesMax = 8 * 1024;  // A token may be long.

Error unreadable(std::string_view source, std::string_view why) {
  return {Code::kInvalid, "seal: " + std::string(source) + ": " + std::string(why)};
}

Result<SecretBytes> read_file(const std::string& path, std::string_view source) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return unreadable(source, std::strerror(errno));
  struct stat status;
  auto content = SecretBytes::zeroed(kKeyFileBytesMax + 1);
  ssize_t size = -1;
  std::string why;
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    why = "it is not a regular file";
  } else if ((status.st_mode & 077) != 0) {
    why = "others than its owner have access to it: chmod 0400";
  } else {
    size = ::read(file, content.writable().data(), content.size());
    if (size < 0) why = std::strerror(errno);
    if (size > static_cast<ssize_t>(kKeyFileBytesMax)) why = "it is too long for a key";
  }
  ::close(file);
  if (!why.empty()) return unreadable(source, why);
  content.resize(static_cast<std::size_t>(size));
  return content;
}

Result<SecretBytes> read_source(std::string_view source) {
  SecretBytes content;
  if (source.starts_with("file://")) {
    TRY_ASSIGN(content, read_file(std::string(source.substr(7)), source));
  } else if (source.starts_with("env://")) {
    const char* const value = std::getenv(std::string(source.substr(6)).c_str());
    if (value == nullptr) return unreadable(source, "it is not set");
    content = SecretBytes::copy_of(value);
  } else {
    const std::string name(source.substr(std::string_view("credential://").size()));
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr) return unreadable(source, "CREDENTIALS_DIRECTORY is not set: LoadCredential= of the unit sets it");
    if (name.empty() || name.find('/') != std::string::npos) return unreadable(source, "it is no name of a credential");
    TRY_ASSIGN(content, read_file(std::string(folder) + "/" + name, source));
  }
  return content;
}

Result<KeyBytes> read_key(std::string_view source) {
  TRY_ASSIGN(const SecretBytes content, read_source(source));
  auto key = core::StaticSeal::parse_key(content.reveal());
  if (!key.ok()) return unreadable(source, key.error().message);
  return key;
}

}  // namespace

Result<std::unique_ptr<core::AutoSeal>> make_auto_seal(const SealConfig& config, crypto::Rng& rng, const std::atomic<bool>& stopping) {
  if (config.kind == SealConfig::Kind::kShares) return std::unique_ptr<core::AutoSeal>();
  if (config.kind == SealConfig::Kind::kTransit) {
    TransitSeal::Settings settings;
    settings.url = config.address;
    while (settings.url.ends_with('/')) settings.url.pop_back();
    settings.url += "/v1/" + config.mount_path;
    settings.key_name = config.key_name;
    TRY_ASSIGN(settings.token, read_source(config.token));
    while (!settings.token.empty() && settings.token.reveal().find_last_of(" \t\r\n") == settings.token.size() - 1) {
      settings.token.resize(settings.token.size() - 1);
    }
    if (settings.token.empty()) return unreadable(config.token, "it is empty");
    if (!config.tls_ca_cert.empty()) {
      std::ifstream file(config.tls_ca_cert, std::ios::binary);
      settings.ca_pem.assign(std::istreambuf_iterator<char>(file), {});
      if (settings.ca_pem.empty()) return unreadable(config.tls_ca_cert, "it cannot be read, or is empty");
    }
    settings.stopping = [&stopping] { return stopping.load(); };
    return std::unique_ptr<core::AutoSeal>(std::make_unique<TransitSeal>(std::move(settings)));
  }
  core::StaticSeal::Key current{config.current_key_id, {}};
  TRY_ASSIGN(current.key, read_key(config.current_key));
  std::optional<core::StaticSeal::Key> previous;
  if (!config.previous_key.empty()) {
    previous.emplace(core::StaticSeal::Key{config.previous_key_id, {}});
    TRY_ASSIGN(previous->key, read_key(config.previous_key));
  }
  TRY_ASSIGN(auto seal, core::StaticSeal::make(std::move(current), std::move(previous), rng));
  return std::unique_ptr<core::AutoSeal>(std::make_unique<core::StaticSeal>(std::move(seal)));
}

AutoUnsealer::AutoUnsealer(core::Node& node, std::function<void(std::string_view)> warn)
    : node_(node), warn_(std::move(warn)), thread_([this] { run(); }) {}

AutoUnsealer::~AutoUnsealer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AutoUnsealer::run() {
  std::int64_t pause_ms = kFirstPauseMs;
  std::string told;
  for (;;) {
    const bool initialized = node_.seal_status().initialized;
    const auto unsealed = node_.auto_unseal();
    if (unsealed.ok() && !unsealed->sealed) return;
    // Of a store that is yet to be initialised there is nothing to say.
    if (!unsealed.ok() && unsealed.code() != Code::kInvalid && unsealed.error().message != told) {
      told = unsealed.error().message;
      warn_("auto-unseal: " + told + ": it is tried again");
    }
    MutexLock lock(mutex_);
    if (!stopping_) changed_.wait_for_ms(mutex_, initialized ? pause_ms : kUninitialisedPauseMs);
    if (stopping_) return;
    if (initialized) pause_ms = std::min(pause_ms * 2, kPauseMaxMs);
  }
}

}  // namespace keyhold::server
