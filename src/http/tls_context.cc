#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "http/ticket_keys.h"

namespace keyhold::http {
namespace {

// Forward secrecy and authenticated encryption only. docs/threat_model.md.
constexpr const char* kTls13Suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kChainDepthMax = 8;
constexpr std::size_t kTicketsPerHandshake = 1;  // Clients keep few; each costs a tenth of a handshake.

using Context = std::shared_ptr<SSL_CTX>;

Error openssl_error(std::string_view what, const std::string& path) {
  const unsigned long code = ERR_peek_error();  // The first one says why, the last one only what.
  const char* const reason = ERR_SYSTEM_ERROR(code) ? nullptr : ERR_reason_error_string(code);
  std::string message = std::string("TLS: ").append(what);
  if (!path.empty()) message.append(" '").append(path).append("'");
  message.append(": ");
  if (ERR_SYSTEM_ERROR(code)) {
    message.append(std::generic_category().message(ERR_GET_REASON(code)));
  } else {
    message.append(reason != nullptr ? reason : "unknown reason");
  }
  ERR_clear_error();
  return {Code::kInvalid, std::move(message)};
}

/// OpenSSL would ask for it at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  std::string_view rest(reinterpret_cast<const char*>(offered), offered_size);
  while (!rest.empty()) {
    const auto size = static_cast<unsigned char>(rest.front());
    const std::string_view name = rest.substr(1, size);
    if (name == kHttp11) {
      *out = reinterpret_cast<const unsigned char*>(name.data());
      *out_size = size;
      return SSL_TLSEXT_ERR_OK;
    }
    rest.remove_prefix(1 + name.size());
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, section 3.2.
}

Result<void> set_protocol(SSL_CTX* context) {
  constexpr std::uint64_t kOptions = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CLEANSE_PLAINTEXT;
  SSL_CTX_set_options(context, kOptions);
  // Not SSL_MODE_RELEASE_BUFFERS: it allocates, wipes and frees 34 KiB for each request. Stream::rest() does when idle.
  // Without the retry a record that carries no data would end a read that then waits for a socket with nothing to announce.
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);  // One system call a record, not two.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, kTicketsPerHandshake);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  constexpr std::string_view kSessionContext = "keyhold";
  const bool accepted =
      SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 && SSL_CTX_set_ciphersuites(context, kTls13Suites) == 1 &&
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
      SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                     kSessionContext.size()) == 1;
  if (!accepted) return openssl_error("the protocol settings were refused", "");
  return rotate_ticket_keys(context);
}

Result<void> load_files(SSL_CTX* context, const TlsFiles& files) {
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate_path.c_str()) != 1) {
    return openssl_error("cannot use the certificate file", files.certificate_path);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.private_key_path.c_str(), SSL_FILETYPE_PEM) != 1) {
    return openssl_error("cannot use the private key file", files.private_key_path);
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return openssl_error("the private key does not belong to the certificate file", files.certificate_path);
  }
  if (files.client_ca_path.empty()) {
    if (files.require_client_certificate) return Error{Code::kInvalid, "TLS: client certificates need a client CA file"};
    return {};
  }
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(files.client_ca_path.c_str());
  if (names == nullptr) return openssl_error("cannot use the client CA file", files.client_ca_path);
  SSL_CTX_set_client_CA_list(context, names);
  if (SSL_CTX_load_verify_file(context, files.client_ca_path.c_str()) != 1) {
    return openssl_error("cannot use the client CA file", files.client_ca_path);
  }
  const int required = files.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
  SSL_CTX_set_verify_depth(context, kChainDepthMax);
  return {};
}

Result<Context> make_context(const TlsFiles& files) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return openssl_error("no context", "");
  TRY(set_protocol(context.get()));
  TRY(load_files(context.get(), files));
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::load(const TlsFiles& files) {
  std::unique_ptr<TlsContext> context(new TlsContext(files));
  TRY_ASSIGN(Context first, context->read_again());
  context->use(std::move(first));
  return context;
}

Result<std::shared_ptr<SSL_CTX>> TlsContext::read_again() const { return make_context(files_); }

void TlsContext::use(std::shared_ptr<SSL_CTX> context) {
  MutexLock lock(mutex_);
  current_ = std::move(context);
}

std::shared_ptr<SSL_CTX> TlsContext::current() const {
  MutexLock lock(mutex_);
  return current_;
}

}  // namespace keyhold::http
