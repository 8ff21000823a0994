#include "server/transit_seal.h"

#include "base/encoding.h"
#include "base/json.h"
#include "client/http_call.h"
#include "crypto/hmac.h"

namespace keyhold::server {
namespace {

constexpr char kFormat = 1;
constexpr std::int64_t kTimeoutMs = 15'000;
constexpr std::size_t kAnswerBytesMax = 1024 * 1024;
constexpr std::size_t kCiphertextBytesMax = 4096;
constexpr std::size_t kDigestBytes = 32;

Error away(std::string why) { return {Code::kUnavailable, "the server of the seal: " + std::move(why)}; }
Error damaged() { return {Code::kCorrupt, "the unseal key does not open by the seal's server"}; }

}  // namespace

Result<SecretBytes> TransitSeal::ask(std::string_view operation, const SecretBytes& body, std::string_view wanted) {
  client::HttpClient http({.ca_pem = settings_.ca_pem, .timeout_ms = kTimeoutMs, .answer_bytes_max = kAnswerBytesMax});
  const auto answer = http.call({.method = "POST",
                                 .url = settings_.url + "/" + std::string(operation) + "/" + settings_.key_name,
                                 .body = body.reveal(),
                                 .headers = {{"X-Vault-Token", settings_.token.reveal()}, {"Content-Type", "application/json"}},
                                 .stopping = settings_.stopping});
  if (!answer.ok()) return away(answer.error().message);
  // Of what we sent, that is.
  if (answer->status == 400 && operation == "decrypt") return damaged();
  if (answer->status != 200) return away("it answered " + std::to_string(answer->status));
  const auto document = json::Document::parse(answer->body.reveal());
  const auto data = document.ok() ? document->root().find("data") : std::nullopt;
  const auto value = data ? data->find(wanted) : std::nullopt;
  if (!value || !value->is_string()) return away("its answer is not one of a transit engine");
  return value->as_secret();
}

Result<std::string> TransitSeal::wrap(const KeyBytes& key, std::string_view context) {
  SecretBytes plaintext = SecretBytes::copy_of(key.reveal());
  plaintext.append(crypto::as_view(crypto::sha256(context)));
  SecretBytes text;
  append_base64(text, plaintext.reveal());
  SecretBytes body;
  json::Writer(body).begin_object().key("plaintext").string(text.reveal()).end_object();
  TRY_ASSIGN(const SecretBytes ciphertext, ask("encrypt", body, "ciphertext"));
  if (ciphertext.empty() || ciphertext.size() > kCiphertextBytesMax) return away("its answer is not one of a transit engine");
  return std::string(1, kFormat).append(ciphertext.reveal());
}

Result<KeyBytes> TransitSeal::unwrap(std::string_view wrapped, std::string_view context) {
  if (wrapped.size() < 2 || wrapped[0] != kFormat) return damaged();
  SecretBytes body;
  json::Writer(body).begin_object().key("ciphertext").string(wrapped.substr(1)).end_object();
  TRY_ASSIGN(const SecretBytes text, ask("decrypt", body, "plaintext"));
  const auto plaintext = base64_decode_secret(text.reveal());
  if (!plaintext.ok() || plaintext->size() <= kDigestBytes || plaintext->size() > kDigestBytes + KeyBytes::kKeyBytesMax) return damaged();
  const std::size_t key_bytes = plaintext->size() - kDigestBytes;
  if (!crypto::equal_constant_time(plaintext->reveal().substr(key_bytes), crypto::as_view(crypto::sha256(context)))) return damaged();
  return KeyBytes::copy_of(plaintext->reveal().substr(0, key_bytes));
}

}  // namespace keyhold::server
