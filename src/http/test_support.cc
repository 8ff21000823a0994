#include "http/test_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "crypto/certificate.h"

namespace keyhold::http::test {
namespace {

constexpr int kReceiveTimeoutS = 10;

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(descriptor >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval timeout{.tv_sec = kReceiveTimeoutS, .tv_usec = 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "Content-Length: ";
  const std::size_t at = head.find(kName);
  return at == head.npos ? 0 : std::strtoull(head.data() + at + kName.size(), nullptr, 10);
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<BIO, decltype(&BIO_free)>;

enum class Kind { kAuthority, kClient };

Certificate make_certificate(Kind kind, const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate made(X509_new(), X509_free);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), kind == Kind::kAuthority ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* const signer = issuer != nullptr ? issuer : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
  const auto extend = [&made](int id, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    CHECK(extension != nullptr && X509_add_ext(made.get(), extension, -1) == 1);
    X509_EXTENSION_free(extension);
  };
  if (kind == Kind::kAuthority) {
    extend(NID_basic_constraints, "critical,CA:TRUE");
  } else {
    extend(NID_ext_key_usage, "clientAuth");
  }
  CHECK(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0);
  return made;
}

void write_certificate(const std::string& path, X509* certificate) {
  const File file(BIO_new_file(path.c_str(), "w"), BIO_free);
  CHECK(PEM_write_bio_X509(file.get(), certificate) == 1);
}

}  // namespace

Response text_response(std::string_view body) {
  Response response;
  response.content_type = "text/plain";
  response.body = SecretBytes::copy_of(body);
  return response;
}

Response TestHandler::refuse(int status, std::string_view reason) {
  Response response = text_response(reason);
  response.status = status;
  return response;
}

void TestHandler::echo(Worker&, Request request, std::unique_ptr<Exchange> exchange) {
  std::string text = std::string(request.method) + " " + std::string(request.target) + " ";
  text += request.body.reveal();
  exchange->respond(text_response(text));
}

std::unique_ptr<Server> start_server(Handler& handler, ServerOptions options) {
  if (options.listeners.empty()) options.listeners.resize(1);
  for (ListenerOptions& listener : options.listeners) listener.host = "127.0.0.1";
  if (options.threads == 0) options.threads = 1;
  auto server = Server::bind(std::move(options), handler);
  if (!server.ok()) std::fprintf(stderr, "%s\n", server.error().message.c_str());
  CHECK(server.ok());
  (*server)->start(Server::Doors::kOpen);
  return std::move(server).value();
}

Client::Client(std::uint16_t port) : descriptor_(connect_to(port)) {}
Client::~Client() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

long Client::receive(char* into, std::size_t size) { return ::recv(descriptor_, into, size, 0); }

bool Client::fill() {
  char block[16 * 1024];
  const long received = receive(block, sizeof block);
  if (received > 0) buffer_.append(block, static_cast<std::size_t>(received));
  ended_ = received == 0;
  return received > 0;
}

Reply Client::read_head() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  Reply reply;
  reply.head = buffer_.substr(0, end + 4);
  reply.status = std::atoi(reply.head.c_str() + std::string_view("HTTP/1.1 ").size());
  buffer_.erase(0, end + 4);
  return reply;
}

Reply Client::read() {
  Reply reply = read_head();
  const std::size_t size = content_length(reply.head);
  while (buffer_.size() < size) {
    if (!fill()) return {};
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return reply;
}

std::string Client::read_to_end() {
  while (fill()) continue;
  return std::exchange(buffer_, {});
}

void Client::finish_sending() { ::shutdown(descriptor_, SHUT_WR); }

void Client::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(descriptor_, -1));
}

TlsFixture::TlsFixture() {
  std::signal(SIGPIPE, SIG_IGN);  // For writes of a TlsClient that was refused.
  std::string name = (std::filesystem::temp_directory_path() / "keyhold_http_XXXXXX").string();
  CHECK(::mkdtemp(name.data()) != nullptr);
  directory_ = name;
  issue("server", "ca.pem");
}
TlsFixture::~TlsFixture() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void TlsFixture::write(std::string_view name, std::string_view content) const {
  std::ofstream(path(name), std::ios::binary | std::ios::trunc) << content;
}

void TlsFixture::issue(std::string_view name, std::string_view ca_name) const {
  auto made = crypto::make_development_certificates({"localhost", "127.0.0.1"}, 2);
  CHECK(made.ok());
  write(std::string(name) + ".pem", made->certificate_pem);
  write(std::string(name) + ".key", made->private_key_pem.reveal());
  write(ca_name, made->ca_pem);
}

void TlsFixture::issue_client(std::string_view name, std::string_view ca_name) const {
  const Key ca_key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate ca = make_certificate(Kind::kAuthority, "clients", ca_key.get(), nullptr, ca_key.get());
  const Certificate client = make_certificate(Kind::kClient, "client", key.get(), ca.get(), ca_key.get());
  write_certificate(path(ca_name), ca.get());
  write_certificate(path(std::string(name) + ".pem"), client.get());
  const File file(BIO_new_file(path(std::string(name) + ".key").c_str(), "w"), BIO_free);
  CHECK(PEM_write_bio_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

TlsClient::TlsClient(std::uint16_t port, const TlsClientOptions& options)
    : Client(port), context_(SSL_CTX_new(TLS_client_method())) {
  // The server is to refuse old versions, not this side.
  SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
  if (options.version_max != 0) SSL_CTX_set_max_proto_version(context_, options.version_max);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_, keep_session);
  if (!options.ca_path.empty()) {
    CHECK(SSL_CTX_load_verify_file(context_, options.ca_path.c_str()) == 1);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate_path.empty()) {
    CHECK(SSL_CTX_use_certificate_chain_file(context_, options.certificate_path.c_str()) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context_, options.private_key_path.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  ssl_ = SSL_new(context_);
  SSL_set_app_data(ssl_, this);
  SSL_set_fd(ssl_, descriptor());
  SSL_set1_host(ssl_, "localhost");
  if (options.session != nullptr) SSL_set_session(ssl_, options.session);
  if (!options.protocol.empty()) {
    std::string wire(1, static_cast<char>(options.protocol.size()));
    wire += options.protocol;
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()), static_cast<unsigned>(wire.size()));
  }
  connected_ = SSL_connect(ssl_) == 1;
}

TlsClient::~TlsClient() {
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // Else OpenSSL distrusts the session.
  SSL_SESSION_free(session_);
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsClient::send(std::string_view bytes) { return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0; }

bool TlsClient::update_keys() {
  return SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(ssl_) == 1;
}

long TlsClient::receive(char* into, std::size_t size) {
  const int received = SSL_read(ssl_, into, static_cast<int>(size));
  if (received > 0) return received;
  return SSL_get_error(ssl_, received) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

int TlsClient::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* const client = static_cast<TlsClient*>(SSL_get_app_data(ssl));
  SSL_SESSION_free(std::exchange(client->session_, session));
  return 1;
}

}  // namespace keyhold::http::test
