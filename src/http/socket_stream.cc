#include "http/socket_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <climits>
#include <utility>

namespace keyhold::http {
namespace {

using Status = Completion::Status;
using boost::asio::socket_base;

/// What one attempt at an operation came to.
enum class Attempt : std::uint8_t { kDone, kEnd, kFailed, kWantsRead, kWantsWrite };

/// Attempts an operation without blocking and waits for the socket when it must. Asio does the waiting only: its own
/// reads and its ssl::stream would copy through buffers of their own, 70 KiB for each TLS connection.
class SocketStream : public Stream {
 public:
  explicit SocketStream(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  }

  bool start(Operation operation, std::span<char> bytes, Completion& completion) final {
    operation_ = operation;
    bytes_ = bytes;
    done_ = 0;
    // Between requests an attempt would mostly find nothing.
    const bool wait_first = operation == Operation::kRead && !has_pending();
    if (wait_first) {
      wait(socket_base::wait_read, completion);
      return false;
    }
    return advance(completion);
  }

  void cancel() final {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }
  void close() final {
    boost::system::error_code ignored;
    closed_ = true;
    socket_.close(ignored);
  }

 protected:
  /// Adds what it moved to done_.
  virtual Attempt attempt(Operation operation, std::span<char> rest) = 0;
  /// Bytes may be readable that the socket will not announce.
  virtual bool has_pending() const = 0;

  int descriptor() { return socket_.native_handle(); }
  void add_done(std::size_t bytes) { done_ += bytes; }

  Attempt receive(std::span<char> into) {
    const ssize_t received = ::recv(descriptor(), into.data(), into.size(), 0);
    if (received > 0) {
      add_done(static_cast<std::size_t>(received));
      return Attempt::kDone;
    }
    if (received == 0) return Attempt::kEnd;
    return would_block() ? Attempt::kWantsRead : Attempt::kFailed;
  }
  static bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }
  void shutdown_socket() {
    boost::system::error_code ignored;
    socket_.shutdown(socket_base::shutdown_send, ignored);
  }

 private:
  /// As far as it goes without waiting. True when the operation is over.
  bool advance(Completion& completion) {
    const Attempt result = closed_ ? Attempt::kFailed : attempt(operation_, bytes_.subspan(done_));
    switch (result) {
      case Attempt::kWantsRead:
        wait(socket_base::wait_read, completion);
        return false;
      case Attempt::kWantsWrite:
        wait(socket_base::wait_write, completion);
        return false;
      case Attempt::kDone:
        finish(Status::kOk, completion);
        return true;
      case Attempt::kEnd:
        finish(Status::kEnd, completion);
        return true;
      case Attempt::kFailed:
        break;
    }
    finish(Status::kFailed, completion);
    return true;
  }

  void wait(socket_base::wait_type what, Completion& completion) {
    socket_.async_wait(what, [this, &completion](const boost::system::error_code& error) {
      if (error) {
        const bool cancelled = error == boost::asio::error::operation_aborted && !closed_;
        finish(cancelled ? Status::kCancelled : Status::kFailed, completion);
      } else if (!advance(completion)) {
        return;
      }
      completion.waiting.resume();
    });
  }

  void finish(Status status, Completion& completion) const {
    completion.status = status;
    completion.bytes = done_;
  }

  Socket socket_;
  Operation operation_ = Operation::kRead;
  std::span<char> bytes_;
  std::size_t done_ = 0;
  bool closed_ = false;
};

class PlainStream final : public SocketStream {
 public:
  using SocketStream::SocketStream;
  void shutdown() override { shutdown_socket(); }
  std::string client_certificate_der() const override { return {}; }

 private:
  bool has_pending() const override { return false; }

  Attempt attempt(Operation operation, std::span<char> rest) override {
    switch (operation) {
      case Operation::kHandshake:
        return Attempt::kDone;
      case Operation::kRead:
      case Operation::kDiscard:
        return receive(rest);
      case Operation::kWrite:
        return send(rest);
    }
    return Attempt::kFailed;
  }

  Attempt send(std::span<const char> rest) {
    while (!rest.empty()) {
      const ssize_t sent = ::send(descriptor(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0) return would_block() ? Attempt::kWantsWrite : Attempt::kFailed;
      add_done(static_cast<std::size_t>(sent));
      rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    return Attempt::kDone;
  }
};

/// OpenSSL on the descriptor itself: half the CPU of going through memory buffers. Its writes raise SIGPIPE, which
/// the workers' threads block.
class TlsStream final : public SocketStream {
 public:
  TlsStream(Socket socket, SSL* ssl) : SocketStream(std::move(socket)), ssl_(ssl) {
    usable_ = SSL_set_fd(ssl_.get(), descriptor()) == 1;
    SSL_set_accept_state(ssl_.get());
  }

  void shutdown() override {
    if (usable_ && SSL_is_init_finished(ssl_.get()) == 1) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());  // Sends close_notify; one that does not fit into the socket is not worth a wait.
    }
    shutdown_socket();
  }

  std::string client_certificate_der() const override {
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) return {};
    std::string copy(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return copy;
  }

 private:
  bool has_pending() const override { return SSL_has_pending(ssl_.get()) == 1; }

  Attempt attempt(Operation operation, std::span<char> rest) override {
    if (operation == Operation::kDiscard) return receive(rest);
    if (!usable_) return Attempt::kFailed;
    ERR_clear_error();
    const int size = static_cast<int>(std::min<std::size_t>(rest.size(), INT_MAX));
    int result = 0;
    switch (operation) {
      case Operation::kHandshake:
        result = SSL_do_handshake(ssl_.get());
        break;
      case Operation::kRead:
        result = SSL_read(ssl_.get(), rest.data(), size);
        break;
      case Operation::kWrite:
        result = SSL_write(ssl_.get(), rest.data(), size);  // All or nothing: no partial writes are enabled.
        break;
      case Operation::kDiscard:
        break;
    }
    if (result > 0) {
      if (operation != Operation::kHandshake) add_done(static_cast<std::size_t>(result));
      return Attempt::kDone;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Attempt::kWantsRead;
      case SSL_ERROR_WANT_WRITE:
        return Attempt::kWantsWrite;
      case SSL_ERROR_ZERO_RETURN:
        return Attempt::kEnd;
      default:
        usable_ = false;  // Not even close_notify may follow.
        return Attempt::kFailed;
    }
  }

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
  bool usable_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(Socket socket) { return std::make_unique<PlainStream>(std::move(socket)); }

std::unique_ptr<Stream> make_tls_stream(Socket socket, SSL_CTX* context) {
  SSL* const ssl = SSL_new(context);
  if (ssl == nullptr) return nullptr;
  return std::make_unique<TlsStream>(std::move(socket), ssl);
}

}  // namespace keyhold::http
