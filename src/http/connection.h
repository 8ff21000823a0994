#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/secret_bytes.h"
#include "http/coroutine.h"
#include "http/event_loop.h"
#include "http/read_buffer.h"
#include "http/request_parser.h"
#include "http/server.h"
#include "http/stream.h"

namespace keyhold::http {

class Connection;

/// What all connections of a server share.
///
/// threads   Any.
class Totals {
 public:
  std::size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  void add_connection() { connections_.fetch_add(1); }
  void remove_connection() EXCLUDES(mutex_);

  /// Counts the times that all connections were told to close: those made after one are not meant by it.
  std::uint64_t closings() const { return closings_.load(); }
  void begin_closing() { closings_.fetch_add(1); }

  /// True when none is left, false after timeout_ms.
  bool wait_until_none(std::int64_t timeout_ms) EXCLUDES(mutex_);

  /// Counts bytes of bodies that are being read; false, and nothing counted, above `limit`.
  bool add_body(std::size_t bytes, std::size_t limit);
  void remove_body(std::size_t bytes) { body_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> body_bytes_{0};
  std::atomic<std::uint64_t> closings_{0};
  Mutex mutex_;
  CondVar none_left_;
};

/// What the connections of one worker share. The worker's thread only.
struct WorkerContext {
  Worker& worker;
  Handler& handler;
  const ServerOptions& options;
  Totals& totals;
  const EventLoop& loop;
  std::string date_line;            // As of the last sweep.
  bool draining = false;            // No new requests.
  std::vector<Connection*> connections;
};

struct Peer {
  std::string address;
  std::uint16_t port = 0;
  bool tls = false;
  int listener = 0;
};

/// Whether a connection is served, or told that the server has too many.
enum class Admission : std::uint8_t { kServed, kRefused };

/// One client connection: a coroutine reads a request, hands it to the application, waits for its response and writes
/// it, until either side has had enough. Owns itself; its worker may end it.
///
/// threads   Its worker's.
class Connection {
 public:
  static void start(WorkerContext& context, std::unique_ptr<Stream> stream, Peer peer, Admission admission);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Ends what has taken too long, and lets go of memory that an idle connection does not need. Time-outs are late by up to the time between two sweeps, never early.
  void sweep();
  /// Closes when idle, else after the response under way.
  void wind_down();
  /// The same, if it was there before the last Totals::begin_closing().
  void wind_down_if_older();
  /// Closes now. May destroy this object.
  void abort();

 private:
  class Exchange;
  class AwaitResponse;

  enum class Phase : std::uint8_t { kHandshake, kIdle, kHead, kBody, kHandler, kWrite, kLinger };
  /// What to do after a part of a request.
  enum class Next : std::uint8_t { kGoOn, kRefuse, kEnd };

  Connection(WorkerContext& context, std::unique_ptr<Stream> stream, Peer peer);
  static Detached run(std::unique_ptr<Connection> self, Admission admission);

  Task<Next> serve();
  Task<Next> read_body(Request& request);
  Task<Next> read_sized(SecretBytes& body, std::size_t size);
  Task<Next> read_chunked(SecretBytes& body);
  Task<Next> send_file();
  Task<Next> send_refusal();
  Task<Next> linger();

  Next take_head(Request& request, std::size_t head_bytes);
  void dispatch(Request request);
  void answer(Response response);
  void on_response(Response response);

  StreamAwait fill(std::size_t capacity);
  StreamAwait send(std::string_view bytes);
  Next check(const Completion& completion);
  Next refuse(const Refusal& refusal);
  std::optional<Refusal> check_unfinished_head() const;
  bool count_body(std::size_t bytes);
  void enter(Phase phase, std::int64_t limit_ms);
  void rest();

  WorkerContext& context_;
  const std::unique_ptr<Stream> stream_;
  const Peer peer_;
  std::size_t index_;  // In context_.connections.
  const std::uint64_t closings_before_;

  std::string client_certificate_der_;
  ReadBuffer in_;
  RequestParser parser_;
  SecretBytes out_;
  std::shared_ptr<const SpoolFile> file_;  // To be sent after it.
  std::unique_ptr<ConnectionState> state_;

  Phase phase_ = Phase::kIdle;
  MonotonicMillis deadline_ms_ = std::numeric_limits<MonotonicMillis>::max();
  int idle_sweeps_ = 0;  // Since the phase began.
  bool timed_out_ = false;
  bool winding_down_ = false;
  bool keep_alive_ = true;
  bool head_request_ = false;
  std::optional<Refusal> refusal_;

  Exchange* exchange_ = nullptr;  // Unanswered.
  bool answered_ = false;
  bool aborted_ = false;
  std::coroutine_handle<> waiting_;  // For the response.
  std::size_t body_bytes_counted_ = 0;
};

}  // namespace keyhold::http
