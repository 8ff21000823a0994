#include "server/dev_mode.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>

#include "base/encoding.h"
#include "base/json.h"
#include "server/certificate_files.h"
#include "server/config/config.h"
#include "server/sandbox.h"

namespace keyhold::server {
namespace {

constexpr std::string_view kDefaultAddress = "127.0.0.1:8200";
// The names that Vault's own -dev-tls gives its files.
constexpr CertificateFileNames kTlsFileNames{"vault-ca.pem", "vault-cert.pem", "vault-key.pem"};

Result<http::ListenerOptions> listener_of(const Arguments& flags, const std::string& directory) {
  const std::string_view address =
      flags.has("dev-listen-address") ? flags.value("dev-listen-address") : kDefaultAddress;
  http::ListenerOptions listener;
  TRY_ASSIGN(const Address parsed, parse_address(address));
  listener.host = parsed.host;
  listener.port = parsed.port;
  if (!flags.on("dev-tls")) return listener;
  const std::string tls_directory =
      flags.has("dev-tls-cert-dir") ? std::string(flags.value("dev-tls-cert-dir")) : directory + "/tls";
  TRY(write_certificates(tls_directory, {"localhost", "127.0.0.1", "::1"}, kTlsFileNames));
  listener.tls = true;
  listener.tls_files.certificate_path = tls_directory + "/" + std::string(kTlsFileNames.certificate);
  listener.tls_files.private_key_path = tls_directory + "/" + std::string(kTlsFileNames.private_key);
  return listener;
}

Result<void> confine(const std::string& directory, const http::ListenerOptions& listener) {
  using Access = PathRule::Access;
  const std::filesystem::path own = directory;
  std::vector<PathRule> rules = system_paths();
  rules.push_back({directory, Access::kOwn});
  rules.push_back({own.parent_path().string(), Access::kRemoveFolder});  // When all ends.
  if (listener.tls) rules.push_back({std::filesystem::path(listener.tls_files.certificate_path).parent_path().string(), Access::kRead});
  TRY_ASSIGN(const auto unconfined, confine_files(rules));
  for (const std::string& warning : unconfined) spdlog::warn("{}", warning);
  return {};
}

Result<SecretBytes> write(KeyholdServer& server, const SecretBytes& root_token, std::string path, SecretBytes body) {
  core::Request request;
  request.api = core::Api::kInternal;
  request.operation = core::Operation::kUpdate;
  request.path = std::move(path);
  request.credential.token = root_token.clone();
  request.body = std::move(body);
  core::Answer answer = server.ask(std::move(request));
  if (!answer.result.ok()) return std::move(answer.result).error();
  return std::move(answer.result->data);
}

Result<void> mount_secret(KeyholdServer& server, const SecretBytes& root_token) {
  TRY(write(server, root_token, "sys/mounts/secret",
            SecretBytes::copy_of(R"({"type":"kv-v2","description":"key/value secret storage"})")));
  return {};
}

struct AccessKeyPair {
  std::string id;
  SecretBytes secret;
};

/// A pair that may do everything, by the flags or a random one.
Result<AccessKeyPair> make_access_key(KeyholdServer& server, const SecretBytes& root_token, const Arguments& flags) {
  TRY(write(server, root_token, "sys/auth/access-key", SecretBytes::copy_of(R"({"type":"access-key"})")));
  TRY(write(server, root_token, "sys/policies/acl/dev-access-key", SecretBytes::copy_of(
      R"({"policy":"path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"patch\", \"delete\", \"list\", \"scan\", \"sudo\"] }"})")));
  std::string path = "auth/access-key/key";
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("policies").string("dev-access-key");
  if (flags.has("dev-access-key-id") != flags.has("dev-secret-access-key")) {
    return Error{Code::kInvalid, "-dev-access-key-id and -dev-secret-access-key go together"};
  }
  if (flags.has("dev-access-key-id")) {
    path.append("/").append(flags.value("dev-access-key-id"));
    writer.key("secret_access_key").string(flags.value("dev-secret-access-key"));
  }
  writer.end_object();
  TRY_ASSIGN(const SecretBytes made, write(server, root_token, std::move(path), std::move(body)));
  if (flags.has("dev-access-key-id")) {
    return AccessKeyPair{std::string(flags.value("dev-access-key-id")), SecretBytes::copy_of(flags.value("dev-secret-access-key"))};
  }
  TRY_ASSIGN(const auto document, json::Document::parse(made.reveal()));
  const auto id = document.root().find("access_key_id");
  const auto secret = document.root().find("secret_access_key");
  CHECK(id && secret);
  AccessKeyPair pair;
  TRY_ASSIGN(pair.id, id->as_string());
  TRY_ASSIGN(pair.secret, secret->as_secret());
  return pair;
}

void print_welcome(const http::ListenerOptions& listener, std::uint16_t port, const core::Node::Initialized& keys,
                   const AccessKeyPair& access_key) {
  const std::string address = listener_url(listener, port);
  SecretBytes share;
  append_base64(share, keys.shares.front().reveal());
  fmt::print("Keyhold in dev mode: everything is in memory and gone when it ends. Never use it for real secrets.\n\n");
  fmt::print("api address: {}\n", address);
  if (listener.tls) {
    const std::filesystem::path certificate = listener.tls_files.certificate_path;
    fmt::print("ca certificate: {}\n", (certificate.parent_path() / kTlsFileNames.ca).string());
  }
  fmt::print("Unseal Key: {}\nRoot Token: {}\n\n", share.reveal(), keys.root_token.reveal());
  fmt::print("Try it:\n\n  export VAULT_ADDR='{}'\n  export VAULT_TOKEN='{}'\n", address, keys.root_token.reveal());
  fmt::print("  curl -H \"X-Vault-Token: $VAULT_TOKEN\" -d '{{\"data\":{{\"password\":\"first\"}}}}' "
             "$VAULT_ADDR/v1/secret/data/app\n\n");
  fmt::print("  export AWS_ENDPOINT_URL='{}' AWS_REGION='us-east-1' AWS_DEFAULT_REGION='us-east-1'\n", address);
  fmt::print("  export AWS_ACCESS_KEY_ID='{}' AWS_SECRET_ACCESS_KEY='{}'\n", access_key.id, access_key.secret.reveal());
  fmt::print("  aws secretsmanager get-secret-value --secret-id app\n");
  std::fflush(stdout);
}

}  // namespace

Result<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::make() {
  std::error_code error;
  std::string pattern = (std::filesystem::temp_directory_path(error) / "keyhold-dev-XXXXXX").string();
  if (error || ::mkdtemp(pattern.data()) == nullptr) {
    return Error{Code::kUnavailable, "cannot make a temporary directory"};
  }
  return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(std::move(pattern)));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<DevServer>> DevServer::start(const Arguments& flags) {
  std::unique_ptr<DevServer> dev(new DevServer());
  TRY_ASSIGN(dev->directory_, TemporaryDirectory::make());
  Settings settings;
  settings.store = Settings::Store::kMemory;
  settings.facts.storage_type = "inmem";
  settings.journal.directory = dev->directory_->path() + "/audit";
  TRY_ASSIGN(const http::ListenerOptions listener, listener_of(flags, dev->directory_->path()));
  TRY(confine(dev->directory_->path(), listener));
  settings.listeners = {listener};
  settings.doors = http::Server::Doors::kClosed;
  TRY_ASSIGN(dev->server_, KeyholdServer::start(std::move(settings)));

  core::Node& node = dev->server_->node();
  TRY_ASSIGN(const auto keys, node.initialize(1, 1, SecretBytes::copy_of(flags.value("dev-root-token-id"))));
  TRY(node.unseal(keys.shares.front()));
  TRY(mount_secret(*dev->server_, keys.root_token));
  TRY_ASSIGN(const AccessKeyPair access_key, make_access_key(*dev->server_, keys.root_token, flags));
  // Not before: who waits for the port is to find a server that is ready.
  dev->server_->open_doors();
  print_welcome(listener, dev->server_->port(0), keys, access_key);
  return dev;
}

}  // namespace keyhold::server
