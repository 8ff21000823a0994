#include "server/file_modes.h"

#include <sys/stat.h>
#include <unistd.h>

namespace keyhold::server {
namespace {

enum class Content { kPublic, kSecret };

Result<void> check(const std::string& path, Content content, std::vector<std::string>& warnings) {
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return {};  // Whoever opens it says so.
  if ((status.st_mode & S_IWOTH) != 0) return Error{Code::kInvalid, path + ": every user can write it: chmod o-w"};
  if ((status.st_mode & S_IWGRP) != 0) warnings.push_back(path + ": its group can write it: chmod g-w");
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) warnings.push_back(path + ": it belongs to another user, who can change it");
  if (content == Content::kSecret && (status.st_mode & S_IROTH) != 0) {
    warnings.push_back(path + ": EVERY USER CAN READ THIS PRIVATE KEY: chmod 0600, or 0640 with a group of its own");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> check_file_modes(const Config& config, const std::string& config_path) {
  std::vector<std::string> warnings;
  TRY(check(config_path, Content::kPublic, warnings));
  for (const ListenerConfig& listener : config.listeners) {
    TRY(check(listener.tls_certificate_path, Content::kPublic, warnings));
    TRY(check(listener.tls_private_key_path, Content::kSecret, warnings));
    TRY(check(listener.tls_client_ca_path, Content::kPublic, warnings));
  }
  for (const SealConfig* seal : {&config.seal, &config.former_seal}) {
    TRY(check(seal->tls_ca_cert, Content::kPublic, warnings));
    TRY(check(seal->lib, Content::kPublic, warnings));
  }
  return warnings;
}

}  // namespace keyhold::server
