#include "client/settings.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/scalar.h"
#include "base/time_format.h"

namespace keyhold::client {
namespace {

constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::int64_t kRetriesMax = 100;
constexpr std::int64_t kTimeoutSecondsMax = 24 * 60 * 60;

Error wrong(std::string_view name, std::string_view what) {
  return Error{Code::kInvalid, "the environment's KEYHOLD_" + std::string(name) + " or VAULT_" + std::string(name) + " must be " + std::string(what)};
}

Result<std::string> read_pem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.good() && !file.eof()) return Error{Code::kInvalid, "cannot read the certificates to trust in " + path + ": " + std::strerror(errno)};
  if (text.find(kPemBegin) == std::string::npos) return Error{Code::kInvalid, path + " holds no certificate in PEM to trust"};
  return text;
}

}  // namespace

std::string_view variable(const Environment& environment, std::string_view name) {
  for (const std::string_view prefix : {"KEYHOLD_", "VAULT_"}) {
    const char* const value = environment((std::string(prefix) + std::string(name)).c_str());
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

Result<Settings> settings_from(const Environment& environment) {
  const auto value = [&environment](std::string_view name) { return variable(environment, name); };
  Settings settings;
  if (const auto address = value("ADDR"); !address.empty()) settings.address = address;
  settings.namespace_path = value("NAMESPACE");
  settings.wrap_ttl = value("WRAP_TTL");
  settings.token = SecretBytes::copy_of(value("TOKEN"));
  settings.ca_file = value("CACERT");
  settings.ca_directory = value("CAPATH");
  settings.http.ca_pem = value("CACERT_BYTES");
  settings.http.client_certificate_file = value("CLIENT_CERT");
  settings.http.client_key_file = value("CLIENT_KEY");
  settings.http.tls_server_name = value("TLS_SERVER_NAME");
  settings.http.proxy = Proxy::kEnvironment;
  settings.http.proxy_url = value("PROXY_ADDR");
  if (settings.http.proxy_url.empty()) settings.http.proxy_url = value("HTTP_PROXY");
  if (const auto text = value("SKIP_VERIFY"); !text.empty()) {
    const auto skip = parse_boolean(text);
    if (!skip) return wrong("SKIP_VERIFY", "true or false");
    if (*skip) settings.http.verify = Verify::kNothing;
  }
  if (const auto text = value("MAX_RETRIES"); !text.empty()) {
    const auto retries = parse_integer(text);
    if (!retries || *retries < 0 || *retries > kRetriesMax) return wrong("MAX_RETRIES", "a number from 0 to 100");
    settings.retries_max = static_cast<int>(*retries);
  }
  if (const auto text = value("CLIENT_TIMEOUT"); !text.empty()) {
    const auto timeout_s = parse_duration_s(text);
    if (!timeout_s.ok() || *timeout_s < 1 || *timeout_s > kTimeoutSecondsMax) return wrong("CLIENT_TIMEOUT", "a time like 60s, up to a day");
    settings.http.timeout_ms = *timeout_s * 1000;
  }
  return settings;
}

Result<void> load_authorities(Settings& settings) {
  if (!settings.ca_file.empty()) {
    TRY_ASSIGN(settings.http.ca_pem, read_pem(settings.ca_file));
    return {};
  }
  if (settings.ca_directory.empty()) return {};
  std::error_code error;
  std::string all;
  for (std::filesystem::directory_iterator at(settings.ca_directory, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    if (auto pem = read_pem(at->path().string()); pem.ok()) all.append(*pem).append("\n");  // Other files may lie there.
  }
  if (error) return Error{Code::kInvalid, "cannot read the certificates to trust in " + settings.ca_directory + ": " + error.message()};
  if (all.empty()) return Error{Code::kInvalid, settings.ca_directory + " holds no certificate in PEM to trust"};
  settings.http.ca_pem = std::move(all);
  return {};
}

}  // namespace keyhold::client
