#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace keyhold::http {

/// The end of one operation on a Stream, and who waits for it.
struct Completion {
  enum class Status : std::uint8_t {
    kOk,
    kEnd,        // The peer sends no more.
    kCancelled,  // By cancel(): the stream can still be used.
    kFailed,     // It cannot.
  };
  Status status = Status::kFailed;
  std::size_t bytes = 0;
  std::coroutine_handle<> waiting;
};

/// The bytes of one accepted connection, plain or TLS: the seam that keeps sockets and OpenSSL out of the rest.
///
/// An operation returns true when it is done at once, `completion` filled; else it fills it later and resumes
/// `completion.waiting`, on the worker's thread and never from inside the call. Operations are done at once only as long as
/// others need not wait for their turn. One operation at a time; the buffer and the completion outlive it, and nothing is
/// resumed once the stream is destroyed.
/// threads   Its worker's.
class Stream {
 public:
  enum class Operation : std::uint8_t { kHandshake, kRead, kWrite, kDiscard };

  virtual ~Stream() = default;

  /// kHandshake  Agrees on keys; done at once for plain streams.
  /// kRead       Fills a part of `bytes`.
  /// kWrite      Sends all of `bytes`.
  /// kDiscard    Like kRead after shutdown(), of the bytes on the wire.
  virtual bool start(Operation operation, std::span<char> bytes, Completion& completion) = 0;

  /// Tells the peer that nothing more will be sent. After it only kDiscard and close().
  virtual void shutdown() = 0;
  /// Ends the operation under way, if any.
  virtual void cancel() = 0;
  /// Drops the connection; an operation under way ends with kFailed.
  virtual void close() = 0;

  /// Between two operations or while one waits, when nothing has come for a while: frees what the next one can allocate again.
  virtual void rest() = 0;

  /// The peer's verified certificate after the handshake; empty when it sent none.
  virtual std::string client_certificate_der() const = 0;
};

/// co_await StreamAwait(stream, operation, bytes)
class StreamAwait {
 public:
  StreamAwait(Stream& stream, Stream::Operation operation, std::span<char> bytes)
      : stream_(stream), operation_(operation), bytes_(bytes) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    completion_.waiting = waiting;
    return !stream_.start(operation_, bytes_, completion_);
  }
  Completion await_resume() const noexcept { return completion_; }

 private:
  Stream& stream_;
  Stream::Operation operation_;
  std::span<char> bytes_;
  Completion completion_;
};

}  // namespace keyhold::http
