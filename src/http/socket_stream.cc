#include "http/socket_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace keyhold::http {
namespace {

using Status = Completion::Status;

// What one stream may do before others get their turn: pipelined requests, and bodies that arrive as fast as they are read.
constexpr std::size_t kTurnBytesMax = 64 * 1024;
constexpr std::size_t kOperationBytes = 4 * 1024;  // Each operation counts for so many bytes more.

/// What one attempt at an operation came to.
enum class Attempt : std::uint8_t { kDone, kEnd, kFailed, kWaits };

/// Attempts an operation without blocking, and again whenever the socket has become ready for it. Knows from the loop's
/// events and the last calls whether a call can move anything, and makes none that cannot.
class SocketStream : public Stream, protected EventLoop::Watcher {
 public:
  SocketStream(EventLoop& loop, int descriptor) : Watcher(loop, descriptor) {}

  bool start(Operation operation, std::span<char> bytes, Completion& completion) final {
    operation_ = operation;
    bytes_ = bytes;
    done_ = 0;
    cancelled_ = false;
    completion_ = &completion;
    return advance();
  }

  void cancel() final {
    if (completion_ == nullptr) return;
    cancelled_ = true;
    call_again();
  }
  void close() final {
    close_descriptor();
    if (completion_ != nullptr) call_again();
  }

 protected:
  /// Adds what it moved to done_.
  virtual Attempt attempt(Operation operation, std::span<char> rest) = 0;

  void add_done(std::size_t bytes) { done_ += bytes; }
  bool readable() const { return readable_; }

  /// As recv(2).
  ssize_t receive(std::span<char> into) {
    if (!readable_) return would_block();
    const ssize_t received = ::recv(descriptor(), into.data(), into.size(), 0);
    if (received == 0) hung_up_ = true;
    // Fewer bytes than there was room for are all that there were: epoll(7). What comes later is announced.
    const bool drained = received < 0 ? errno == EAGAIN : static_cast<std::size_t>(received) < into.size();
    if (drained) readable_ = hung_up_;
    return received;
  }
  /// As send(2).
  ssize_t transmit(std::span<const char> from) {
    if (!writable_) return would_block();
    const ssize_t sent = ::send(descriptor(), from.data(), from.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) writable_ = false;
    return sent;
  }
  Attempt receive_some(std::span<char> into) {
    const ssize_t received = receive(into);
    if (received < 0) return errno == EAGAIN ? Attempt::kWaits : Attempt::kFailed;
    if (received == 0) return Attempt::kEnd;
    add_done(static_cast<std::size_t>(received));
    return Attempt::kDone;
  }
  void shutdown_socket() { ::shutdown(descriptor(), SHUT_WR); }

 private:
  static ssize_t would_block() {
    errno = EAGAIN;
    return -1;
  }

  void on_events(std::uint32_t events) final {
    hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    readable_ = readable_ || hung_up_ || (events & EPOLLIN) != 0;
    writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    spent_bytes_ = 0;
    if (completion_ == nullptr) return;
    Completion& completion = *completion_;
    if (advance()) completion.waiting.resume();  // May destroy this stream.
  }

  /// As far as it goes without waiting. True when the operation is over.
  bool advance() {
    if (descriptor() < 0) return finish(Status::kFailed);
    if (cancelled_) return finish(Status::kCancelled);
    if (spent_bytes_ >= kTurnBytesMax) {
      call_again();
      return false;
    }
    switch (attempt(operation_, bytes_.subspan(done_))) {
      case Attempt::kWaits:
        return false;
      case Attempt::kDone:
        return finish(Status::kOk);
      case Attempt::kEnd:
        return finish(Status::kEnd);
      case Attempt::kFailed:
        break;
    }
    return finish(Status::kFailed);
  }

  bool finish(Status status) {
    spent_bytes_ += done_ + kOperationBytes;
    completion_->status = status;
    completion_->bytes = done_;
    completion_ = nullptr;
    return true;
  }

  // False when a call would find nothing, until the loop tells of a change. A new socket has room to write.
  bool readable_ = false;
  bool writable_ = true;
  bool hung_up_ = false;  // So readable for ever: there is an end to be read, or an error.

  Completion* completion_ = nullptr;  // Of the operation under way.
  Operation operation_ = Operation::kRead;
  std::span<char> bytes_;
  std::size_t done_ = 0;
  bool cancelled_ = false;
  std::size_t spent_bytes_ = 0;  // Since the loop has called.
};

class PlainStream final : public SocketStream {
 public:
  using SocketStream::SocketStream;
  void shutdown() override { shutdown_socket(); }
  void rest() override {}
  std::string client_certificate_der() const override { return {}; }

 private:
  Attempt attempt(Operation operation, std::span<char> rest) override {
    switch (operation) {
      case Operation::kHandshake:
        return Attempt::kDone;
      case Operation::kRead:
      case Operation::kDiscard:
        return receive_some(rest);
      case Operation::kWrite:
        return transmit_all(rest);
    }
    return Attempt::kFailed;
  }

  Attempt transmit_all(std::span<const char> rest) {
    while (!rest.empty()) {
      const ssize_t sent = transmit(rest);
      if (sent < 0) return errno == EAGAIN ? Attempt::kWaits : Attempt::kFailed;
      add_done(static_cast<std::size_t>(sent));
      rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    return Attempt::kDone;
  }
};

/// OpenSSL over the stream's own calls: half the CPU of going through memory buffers, and unlike over the descriptor it
/// makes no call that would find nothing, and none that raises SIGPIPE.
class TlsStream final : public SocketStream {
 public:
  TlsStream(EventLoop& loop, int descriptor, SSL* ssl) : SocketStream(loop, descriptor), ssl_(ssl) {
    BIO* const transport = BIO_new(transport_method());
    if (transport != nullptr) {
      BIO_set_data(transport, this);
      BIO_set_init(transport, 1);
      SSL_set_bio(ssl_.get(), transport, transport);
      usable_ = true;
    }
    SSL_set_accept_state(ssl_.get());
  }

  void shutdown() override {
    if (usable_ && SSL_is_init_finished(ssl_.get()) == 1) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());  // Sends close_notify; one that does not fit into the socket is not worth a wait.
    }
    shutdown_socket();
  }

  void rest() override { SSL_free_buffers(ssl_.get()); }  // Wiped first; kept when a part of a record is in them.

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
  Attempt attempt(Operation operation, std::span<char> rest) override {
    if (operation == Operation::kDiscard) return receive_some(rest);
    if (!usable_) return Attempt::kFailed;
    // Asking OpenSSL would cost more.
    if (operation == Operation::kRead && !readable() && SSL_has_pending(ssl_.get()) == 0) return Attempt::kWaits;
    if (ERR_peek_error() != 0) ERR_clear_error();  // SSL_get_error() would take an old one for its own. Peeking is cheaper.
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
      case SSL_ERROR_WANT_WRITE:
        return Attempt::kWaits;
      case SSL_ERROR_ZERO_RETURN:
        return Attempt::kEnd;
      default:
        usable_ = false;  // Not even close_notify may follow.
        return Attempt::kFailed;
    }
  }

  static const BIO_METHOD* transport_method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keyhold");
      BIO_meth_set_read_ex(made, transport_read);
      BIO_meth_set_write_ex(made, transport_write);
      BIO_meth_set_ctrl(made, transport_control);
      return made;
    }();
    return method;
  }
  static int transport_read(BIO* transport, char* into, std::size_t size, std::size_t* received) {
    const ssize_t result = static_cast<TlsStream*>(BIO_get_data(transport))->receive({into, size});
    BIO_clear_retry_flags(transport);
    if (result < 0 && errno == EAGAIN) BIO_set_retry_read(transport);
    *received = static_cast<std::size_t>(std::max<ssize_t>(result, 0));
    return result > 0 ? 1 : static_cast<int>(result);
  }
  static int transport_write(BIO* transport, const char* from, std::size_t size, std::size_t* sent) {
    const ssize_t result = static_cast<TlsStream*>(BIO_get_data(transport))->transmit({from, size});
    BIO_clear_retry_flags(transport);
    if (result < 0 && errno == EAGAIN) BIO_set_retry_write(transport);
    *sent = static_cast<std::size_t>(std::max<ssize_t>(result, 0));
    return result > 0 ? 1 : static_cast<int>(result);
  }
  static long transport_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
  bool usable_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(EventLoop& loop, int descriptor) {
  return std::make_unique<PlainStream>(loop, descriptor);
}

std::unique_ptr<Stream> make_tls_stream(EventLoop& loop, int descriptor, SSL_CTX* context) {
  SSL* const ssl = SSL_new(context);
  if (ssl == nullptr) {
    ::close(descriptor);
    return nullptr;
  }
  return std::make_unique<TlsStream>(loop, descriptor, ssl);
}

}  // namespace keyhold::http
