#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"

/// A server on loopback and clients that speak in bytes, for the tests of this folder.
namespace keyhold::http::test {

/// Answers 200 with "method target body" unless told otherwise; refuses with the reason as the body.
class TestHandler final : public Handler {
 public:
  using OnRequest = std::function<void(Worker&, Request, std::unique_ptr<Exchange>)>;

  explicit TestHandler(OnRequest on_request = echo) : on_request_(std::move(on_request)) {}
  void on_request(Worker& worker, Request request, std::unique_ptr<Exchange> exchange) override {
    on_request_(worker, std::move(request), std::move(exchange));
  }
  Response refuse(int status, std::string_view reason) override;

  static void echo(Worker& worker, Request request, std::unique_ptr<Exchange> exchange);

 private:
  const OnRequest on_request_;
};

Response text_response(std::string_view body);

/// One worker and one plain loopback listener, unless `options` has other ones; started.
std::unique_ptr<Server> start_server(Handler& handler, ServerOptions options = {});

struct Reply {
  int status = 0;  // 0 = the connection ended without one.
  std::string head;
  std::string body;
};

/// A blocking connection. Reading gives up after ten seconds, far above any limit a test sets.
class Client {
 public:
  explicit Client(std::uint16_t port);
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  virtual bool send(std::string_view bytes);
  /// The next response with its body by Content-Length.
  Reply read();
  /// The answer to HEAD: no body follows.
  Reply read_head();
  Reply ask(std::string_view request) {
    send(request);
    return read();
  }
  /// All until the peer closes.
  std::string read_to_end();
  /// Whether the peer closes without sending anything more.
  bool closed() { return read_to_end().empty() && ended_; }
  void finish_sending();
  /// Closes with RST.
  void reset();
  int descriptor() const { return descriptor_; }

 protected:
  virtual long receive(char* into, std::size_t size);

 private:
  bool fill();
  std::string buffer_;
  int descriptor_;
  bool ended_ = false;
};

/// A self-made CA in files of a temporary directory.
class TlsFixture {
 public:
  TlsFixture();
  ~TlsFixture();
  TlsFiles files() const { return {.certificate_path = path("server.pem"), .private_key_path = path("server.key"), .client_ca_path = {}}; }
  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }
  void write(std::string_view name, std::string_view content) const;
  /// Writes a server's `name`.pem and `name`.key, and its new CA.
  void issue(std::string_view name, std::string_view ca_name) const;
  /// The same for a client.
  void issue_client(std::string_view name, std::string_view ca_name) const;

 private:
  std::string directory_;
};

struct TlsClientOptions {
  std::string ca_path{};
  std::string certificate_path{};  // Of the client; empty = none.
  std::string private_key_path{};
  int version_max = 0;
  std::string protocol{};  // For ALPN; empty = none offered.
  SSL_SESSION* session = nullptr;
};

class TlsClient final : public Client {
 public:
  TlsClient(std::uint16_t port, const TlsClientOptions& options);
  ~TlsClient() override;
  bool connected() const { return connected_; }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  const char* version() const { return SSL_get_version(ssl_); }
  std::string protocol() const;
  /// The newest session, which the caller frees; or nullptr.
  SSL_SESSION* session() const { return session_ != nullptr && SSL_SESSION_up_ref(session_) == 1 ? session_ : nullptr; }
  bool send(std::string_view bytes) override;
  /// With TLS 1.3: sends a record that carries no data.
  bool update_keys();

 private:
  long receive(char* into, std::size_t size) override;
  static int keep_session(SSL* ssl, SSL_SESSION* session);

  SSL_CTX* context_;
  SSL* ssl_;
  SSL_SESSION* session_ = nullptr;
  bool connected_ = false;
};

}  // namespace keyhold::http::test
