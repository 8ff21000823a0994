#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/spool_file.h"

/// The server's side of HTTP/1.1, plain and TLS. Knows no domain word; Beast and OpenSSL stay inside this folder.
namespace keyhold::http {

struct HeaderField {
  std::string_view name;   // In lower case.
  std::string_view value;  // Trimmed. May be a credential: keep it in SecretBytes, never in a std::string.
};

/// A request as received, whole. The target is not decoded.
///
/// The views point into `head`, whose bytes stay where they are when the Request is moved: they live as long as it does.
struct Request {
  std::string_view method;  // A token of RFC 9110, as received: "GET", "LIST", …
  std::string_view target;  // Origin form only: starts with '/'.
  std::vector<HeaderField> headers;
  SecretBytes head;  // The block behind the views.
  SecretBytes body;
  std::string peer_address;  // "127.0.0.1" or "::1"; IPv4 also when it came through a dual-stack listener.
  std::uint16_t peer_port = 0;
  bool tls = false;
  std::string client_certificate_der;  // Of a verified client certificate; else empty.
  int listener = 0;                    // Index of the listener it came by.

  /// The first header of this name (in lower case). One that must not come twice (host, content-length,
  /// transfer-encoding, content-type, authorization, x-vault-token, x-vault-namespace, x-amz-target, x-amz-date,
  /// x-amz-security-token) was refused before.
  std::optional<std::string_view> header(std::string_view name) const;

  /// A request made by hand, for tests and for requests that the server asks of itself. Names in lower case.
  static Request make(std::string_view method, std::string_view target, std::span<const HeaderField> headers = {},
                      std::string_view body = {});
};

/// The server adds Date, Content-Length and Connection.
struct Response {
  int status = 200;
  std::string content_type = "application/json";  // Empty = no Content-Type.
  std::string headers{};                           // Further whole lines, each "Name: value\r\n".
  SecretBytes body{};
  std::shared_ptr<const SpoolFile> file{};         // What follows `body`. Read by the I/O thread as it is sent.
  bool close = false;  // End the connection after it.
};

/// What the application keeps with a connection, such as the token it last saw there. Dies with the connection, on
/// its worker's thread.
class ConnectionState {
 public:
  virtual ~ConnectionState() = default;
};

/// One of the server's threads.
class Worker {
 public:
  virtual ~Worker() = default;
  virtual int index() const = 0;
  /// Runs `task` on this worker's thread, after what is ready now. Callable from any thread; once the server has
  /// stopped, tasks are destroyed without being run.
  virtual void post(std::function<void()> task) = 0;
};

class Exchange;

/// The application.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Called on the worker's thread; must not block.
  virtual void on_request(Worker& worker, Request request, std::unique_ptr<Exchange> exchange) = 0;
  /// A response for what the server refuses by itself (400 malformed, 408, 413, 414, 417, 431, 500 unanswered, 501, 503,
  /// 505): the application gives the body its shape. `reason` is a fixed text without input. Any worker's thread.
  virtual Response refuse(int status, std::string_view reason) = 0;
};

/// The open end of one request. Destroying it unanswered sends a 500 made by Handler::refuse.
///
/// threads   The request's worker thread only.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void respond(Response response) = 0;  // Once. Does nothing when the client has gone.
  /// The connection's slot, empty at first.
  virtual std::unique_ptr<ConnectionState>& state() = 0;
};

struct TlsFiles {
  std::string certificate_path{};  // PEM chain, leaf first.
  std::string private_key_path{};
  std::string client_ca_path{};    // Empty = no client certificates are asked for.
  bool require_client_certificate = false;  // Else a client may come without one, but not with a wrong one.
};

struct ListenerOptions {
  std::string host{};         // An address, not a name: "127.0.0.1", "::", "0.0.0.0".
  std::uint16_t port = 0;     // 0 = any free one.
  bool tls = false;
  TlsFiles tls_files{};
};

/// Of requests for this path, whatever their query, the body may be larger.
struct BodyBound {
  std::string path;
  std::size_t bytes_max = 0;
};

struct ServerOptions {
  std::vector<ListenerOptions> listeners{};
  int threads = 0;  // 0 = one a core. Connections are spread over them by the kernel, once.
  std::size_t header_bytes_max = limits::kHttpHeaderBytesMax;
  std::size_t body_bytes_max = limits::kHttpBodyBytesMax;
  std::vector<BodyBound> body_bounds{};  // Beside it.
  std::size_t bodies_bytes_max = 256 * 1024 * 1024;  // Of all bodies while they are read; 503 above.
  std::size_t connections_max = limits::kHttpConnectionsMax;
  std::int64_t header_read_ms = limits::kHttpHeaderReadMs;
  std::int64_t body_read_ms = limits::kHttpBodyReadMs;
  std::int64_t idle_ms = limits::kHttpIdleMs;
  std::int64_t write_ms = limits::kHttpWriteMs;
};

/// Listens and serves until stopped.
///
/// threads   start() and stop() from one thread; the rest from any.
class Server {
 public:
  /// Binds every listener, or fails naming the one that could not be bound and why. `handler` outlives the server.
  static Result<std::unique_ptr<Server>> bind(ServerOptions options, Handler& handler);
  virtual ~Server() = default;  // Stops.

  virtual int threads() const = 0;
  virtual Worker& worker(int index) = 0;
  virtual std::uint16_t port(int listener) const = 0;  // The bound one.
  virtual std::size_t connections() const = 0;         // Open now.

  /// Whether connections are accepted. Those that come to closed doors wait in the kernel.
  enum class Doors : std::uint8_t { kOpen, kClosed };
  /// Starts the threads. Behind closed doors they only run what is posted, until open_doors().
  virtual void start(Doors doors) = 0;
  virtual void open_doors() = 0;
  /// Stops accepting, lets requests in flight finish for at most drain_ms, closes everything, joins the threads.
  virtual void stop(std::int64_t drain_ms) = 0;
  /// Closes idle connections now and busy ones after their response (when sealing). Those made after this call are left alone.
  virtual void close_connections() = 0;
  /// Loads the certificates of all listeners again, for new connections; on an error all old ones stay.
  virtual Result<void> reload_certificates() = 0;
};

}  // namespace keyhold::http
