#include "server/auto_seals.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "core/seal/static_seal.h"
#include "server/pkcs11_seal.h"
#include "server/transit_seal.h"

namespace keyhold::server {
namespace {

constexpr std::size_t kKeyFileBytesMax = 8 * 1024;  // A token may be long.

Error unusable(std::string_view source, std::string_view why) {
  return {Code::kInvalid, "seal: " + std::string(source) + ": " + std::string(why)};
}

Result<SecretBytes> read_file(const std::string& path, std::string_view source) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return unusable(source, std::strerror(errno));
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
  if (!why.empty()) return unusable(source, why);
  content.resize(static_cast<std::size_t>(size));
  return content;
}

Result<SecretBytes> read_source(std::string_view source) {
  SecretBytes content;
  if (source.starts_with("file://")) {
    TRY_ASSIGN(content, read_file(std::string(source.substr(7)), source));
  } else if (source.starts_with("env://")) {
    const char* const value = std::getenv(std::string(source.substr(6)).c_str());
    if (value == nullptr) return unusable(source, "it is not set");
    content = SecretBytes::copy_of(value);
  } else {
    const std::string name(source.substr(std::string_view("credential://").size()));
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr) return unusable(source, "CREDENTIALS_DIRECTORY is not set: LoadCredential= of the unit sets it");
    if (name.empty() || name.find('/') != std::string::npos) return unusable(source, "it is no name of a credential");
    TRY_ASSIGN(content, read_file(std::string(folder) + "/" + name, source));
  }
  return content;
}

Result<KeyBytes> read_key(std::string_view source) {
  TRY_ASSIGN(const SecretBytes content, read_source(source));
  auto key = core::StaticSeal::parse_key(content.reveal());
  if (!key.ok()) return unusable(source, key.error().message);
  return key;
}

/// One line, whose end an editor or a shell has added.
Result<SecretBytes> read_line(std::string_view source) {
  TRY_ASSIGN(SecretBytes line, read_source(source));
  while (!line.empty() && line.reveal().find_last_of(" \t\r\n") == line.size() - 1) line.resize(line.size() - 1);
  if (line.empty()) return unusable(source, "it is empty");
  return line;
}

using MadeSeal = Result<std::unique_ptr<core::AutoSeal>>;

MadeSeal make_static(const SealConfig& config, const SealParts& parts) {
  core::StaticSeal::Key current{config.current_key_id, {}};
  TRY_ASSIGN(current.key, read_key(config.current_key));
  std::optional<core::StaticSeal::Key> previous;
  if (!config.previous_key.empty()) {
    previous.emplace(core::StaticSeal::Key{config.previous_key_id, {}});
    TRY_ASSIGN(previous->key, read_key(config.previous_key));
  }
  TRY_ASSIGN(auto seal, core::StaticSeal::make(std::move(current), std::move(previous), parts.rng));
  return std::unique_ptr<core::AutoSeal>(std::make_unique<core::StaticSeal>(std::move(seal)));
}

MadeSeal make_transit(const SealConfig& config, const SealParts& parts) {
  TransitSeal::Settings settings;
  settings.url = config.address;
  while (settings.url.ends_with('/')) settings.url.pop_back();
  settings.url += "/v1/" + config.mount_path;
  settings.key_name = config.key_name;
  TRY_ASSIGN(settings.token, read_line(config.token));
  if (!config.tls_ca_cert.empty()) {
    std::ifstream file(config.tls_ca_cert, std::ios::binary);
    settings.ca_pem.assign(std::istreambuf_iterator<char>(file), {});
    if (settings.ca_pem.empty()) return unusable(config.tls_ca_cert, "it cannot be read, or is empty");
  }
  settings.stopping = [&stopping = parts.stopping] { return stopping.load(); };
  return std::unique_ptr<core::AutoSeal>(std::make_unique<TransitSeal>(std::move(settings)));
}

/// Where the PIN is when the stanza does not say it: as for Vault.
Result<SecretBytes> read_pin(const std::string& source) {
  if (!source.empty()) return read_line(source);
  for (const char* const name : {"KEYHOLD_HSM_PIN", "VAULT_HSM_PIN", "BAO_HSM_PIN"}) {
    if (std::getenv(name) != nullptr) return read_line("env://" + std::string(name));
  }
  return unusable("pin", "it is missing: file:///PATH, credential://NAME, or the environment's KEYHOLD_HSM_PIN");
}

MadeSeal make_pkcs11(const SealConfig& config, const SealParts& parts) {
  using Token = crypto::Pkcs11Token;
  Pkcs11Seal::Settings settings;
  settings.token.library_path = config.lib;
  if (!config.slot.empty()) {
    TRY_ASSIGN(settings.token.slot, slot_of(config.slot));
  }
  settings.token.token_label = config.token_label;
  TRY_ASSIGN(settings.token.pin, read_pin(config.pin));
  settings.token.stopping = [&stopping = parts.stopping] { return stopping.load(); };
  const auto name_of = [](const std::string& label, const std::string& id) -> Result<Token::KeyName> {
    Token::KeyName name{label, {}};
    if (!id.empty()) {
      TRY_ASSIGN(name.id, key_id_of(id));
    }
    return name;
  };
  TRY_ASSIGN(settings.key, name_of(config.key_label, config.key_id));
  if (!config.previous_key_label.empty() || !config.previous_key_id.empty()) {
    TRY_ASSIGN(settings.previous, name_of(config.previous_key_label, config.previous_key_id));
  }
  if (config.generate_key) settings.when_missing = Token::WhenMissing::kGenerate;
  settings.warn = parts.warn;
  return std::unique_ptr<core::AutoSeal>(std::make_unique<Pkcs11Seal>(std::move(settings), parts.rng));
}

}  // namespace

Result<std::unique_ptr<core::AutoSeal>> make_auto_seal(const SealConfig& config, const SealParts& parts) {
  switch (config.kind) {
    case SealConfig::Kind::kShares: break;
    case SealConfig::Kind::kStatic: return make_static(config, parts);
    case SealConfig::Kind::kTransit: return make_transit(config, parts);
    case SealConfig::Kind::kPkcs11: return make_pkcs11(config, parts);
  }
  return std::unique_ptr<core::AutoSeal>();
}

}  // namespace keyhold::server
