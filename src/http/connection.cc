#include "http/connection.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "http/head_check.h"
#include "http/render.h"

namespace keyhold::http {
namespace {

constexpr std::size_t kRequestLineExtraBytes = 64;            // Method and version beside the target.
constexpr std::size_t kBodyStepBytes = 16 * 1024;             // A body's memory grows with what has arrived, from this.
constexpr std::size_t kBodyUncountedBytes = 64 * 1024;        // Bodies up to this size are not worth an atomic.
constexpr std::size_t kFilePartBytes = 128 * 1024;
constexpr std::size_t kOutputKeptBytes = 16 * 1024;
constexpr int kIdleSweepsToRest = 2;                          // A whole interval between two.
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kLingerBytesMax = 16 * 1024 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Totals::remove_connection() {
  if (connections_.fetch_sub(1) != 1) return;
  MutexLock lock(mutex_);
  none_left_.notify_all();
}

bool Totals::wait_until_none(std::int64_t timeout_ms) {
  const SystemClock clock;
  const MonotonicMillis until_ms = clock.monotonic_ms() + timeout_ms;
  MutexLock lock(mutex_);
  while (connections_.load() != 0) {
    const std::int64_t left_ms = until_ms - clock.monotonic_ms();
    if (left_ms <= 0) return false;
    static_cast<void>(none_left_.wait_for_ms(mutex_, left_ms));
  }
  return true;
}

bool Totals::add_body(std::size_t bytes, std::size_t limit) {
  if (body_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit) return true;
  remove_body(bytes);
  return false;
}

class Connection::Exchange final : public http::Exchange {
 public:
  explicit Exchange(Connection& connection) : connection_(&connection) {}
  ~Exchange() override {
    if (connection_ == nullptr) return;
    respond(connection_->context_.handler.refuse(500, "the request was not answered"));
  }
  void respond(Response response) override {
    if (connection_ == nullptr) return;
    connection_->exchange_ = nullptr;
    std::exchange(connection_, nullptr)->on_response(std::move(response));
  }
  std::unique_ptr<ConnectionState>& state() override { return connection_ != nullptr ? connection_->state_ : no_state_; }

  void leave() { connection_ = nullptr; }

 private:
  Connection* connection_;  // Until answered, or the connection's end.
  std::unique_ptr<ConnectionState> no_state_;
};

class Connection::AwaitResponse {
 public:
  explicit AwaitResponse(Connection& connection) : connection_(connection) {}
  bool await_ready() const noexcept { return connection_.answered_; }
  void await_suspend(std::coroutine_handle<> waiting) const noexcept { connection_.waiting_ = waiting; }
  void await_resume() const noexcept {}

 private:
  Connection& connection_;
};

Connection::Connection(WorkerContext& context, std::unique_ptr<Stream> stream, Peer peer)
    : context_(context),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      index_(context.connections.size()),
      closings_before_(context.totals.closings()),
      parser_(context.options.body_bytes_max, context.options.body_bounds) {
  context_.connections.push_back(this);
  context_.totals.add_connection();
}

Connection::~Connection() {
  if (exchange_ != nullptr) exchange_->leave();
  count_body(0);
  context_.connections[index_] = context_.connections.back();
  context_.connections[index_]->index_ = index_;
  context_.connections.pop_back();
  state_.reset();
  stream_->close();
  context_.totals.remove_connection();
}

void Connection::start(WorkerContext& context, std::unique_ptr<Stream> stream, Peer peer, Admission admission) {
  run(std::unique_ptr<Connection>(new Connection(context, std::move(stream), std::move(peer))), admission);
}

Detached Connection::run(std::unique_ptr<Connection> self, Admission admission) {
  Connection& connection = *self;
  connection.enter(Phase::kHandshake, connection.context_.options.header_read_ms);
  const Completion handshake = co_await StreamAwait(*connection.stream_, Stream::Operation::kHandshake, {});
  if (handshake.status != Completion::Status::kOk) co_return;
  connection.client_certificate_der_ = connection.stream_->client_certificate_der();

  Next next = Next::kRefuse;
  if (admission == Admission::kServed) {
    next = co_await connection.serve();
  } else {
    connection.refuse({503, "the server has too many connections"});
  }
  if (next == Next::kRefuse) next = co_await connection.send_refusal();
  if (next == Next::kGoOn) co_await connection.linger();
}

/// Until a request is refused (kRefuse), the connection is to be closed properly (kGoOn), or is gone (kEnd).
Task<Connection::Next> Connection::serve() {
  do {
    std::size_t head_bytes = 0;
    std::size_t seen = 0;
    while ((head_bytes = head_size(in_.unread(), seen)) == 0) {
      seen = in_.unread().size();
      if (const auto refusal = check_unfinished_head()) co_return refuse(*refusal);
      if (seen == 0) {
        if (winding_down_ || context_.draining) co_return Next::kGoOn;
        enter(Phase::kIdle, context_.options.idle_ms);
      } else if (phase_ != Phase::kHead) {
        enter(Phase::kHead, context_.options.header_read_ms);
      }
      const Completion got = co_await fill(ReadBuffer::kBytesUsual);
      if (got.status == Completion::Status::kCancelled && seen == 0 && !timed_out_) co_return Next::kGoOn;
      if (const Next next = check(got); next != Next::kGoOn) co_return next;
      in_.received(got.bytes);
    }

    Request request;
    if (const Next next = take_head(request, head_bytes); next != Next::kGoOn) co_return next;
    if (parser_.framing().body != Framing::Body::kNone) {
      const Next next = co_await read_body(request);
      if (next != Next::kGoOn) co_return next;
    }

    dispatch(std::move(request));
    co_await AwaitResponse(*this);
    if (aborted_) co_return Next::kEnd;

    const Completion sent = co_await send(out_.reveal());
    if (sent.status != Completion::Status::kOk) co_return Next::kEnd;
    if (file_ != nullptr) {
      const Next next = co_await send_file();
      if (next != Next::kGoOn) co_return next;
    }
    out_.clear();
    if (out_.capacity() > kOutputKeptBytes) out_ = {};
    in_.trim();
  } while (keep_alive_ && !winding_down_ && !aborted_);
  co_return Next::kGoOn;
}

Connection::Next Connection::take_head(Request& request, std::size_t head_bytes) {
  head_request_ = false;
  // A copy of its own size: the rest of the buffer belongs to later requests.
  const std::string_view head = in_.unread().substr(0, head_bytes);
  const auto wrong = check_head(head);
  if (!wrong) request.head = SecretBytes::copy_of(head);
  in_.use(head_bytes);
  if (wrong) return refuse(*wrong);
  if (head_bytes > context_.options.header_bytes_max) return refuse({431, "the headers are too large"});
  const auto refusal = parser_.parse_head(request);
  head_request_ = request.method == "HEAD";
  if (refusal) return refuse(*refusal);
  request.peer_address = peer_.address;
  request.peer_port = peer_.port;
  request.tls = peer_.tls;
  request.listener = peer_.listener;
  request.client_certificate_der = client_certificate_der_;
  keep_alive_ = parser_.framing().keep_alive;
  return Next::kGoOn;
}

Task<Connection::Next> Connection::read_body(Request& request) {
  enter(Phase::kBody, context_.options.body_read_ms);
  const Framing& framing = parser_.framing();
  if (framing.expects_continue && in_.unread().empty()) {
    const Completion sent = co_await StreamAwait(*stream_, Stream::Operation::kWrite,
                                                 {const_cast<char*>(kContinue.data()), kContinue.size()});
    if (sent.status != Completion::Status::kOk) co_return check(sent);
  }
  const Next next = framing.body == Framing::Body::kSized
                        ? co_await read_sized(request.body, static_cast<std::size_t>(framing.body_bytes))
                        : co_await read_chunked(request.body);
  count_body(0);
  co_return next;
}

Task<Connection::Next> Connection::read_sized(SecretBytes& body, std::size_t size) {
  const std::string_view early = in_.unread().substr(0, size);
  std::size_t have = early.size();
  body.append(early);
  in_.use(have);
  while (have < size) {
    if (have == body.size()) {
      const std::size_t room = std::min(size, std::max(2 * have, kBodyStepBytes));
      if (!count_body(room)) co_return refuse({503, "too many request bodies at once"});
      body.resize(room);
    }
    const Completion got = co_await StreamAwait(*stream_, Stream::Operation::kRead, body.writable().subspan(have));
    if (const Next next = check(got); next != Next::kGoOn) co_return next;
    have += got.bytes;
  }
  co_return Next::kGoOn;
}

Task<Connection::Next> Connection::read_chunked(SecretBytes& body) {
  for (;;) {
    const RequestParser::Progress progress = parser_.put_chunked(in_.unread(), body);
    in_.use(progress.consumed);
    if (progress.refusal) co_return refuse(*progress.refusal);
    if (progress.complete) co_return Next::kGoOn;
    if (!count_body(body.size())) co_return refuse({503, "too many request bodies at once"});
    // What stays unread is a chunk's head or the trailers.
    if (in_.unread().size() >= context_.options.header_bytes_max) co_return refuse({431, "the trailers are too large"});
    const Completion got = co_await fill(kBodyStepBytes);
    if (const Next next = check(got); next != Next::kGoOn) co_return next;
    in_.received(got.bytes);
  }
}

void Connection::dispatch(Request request) {
  enter(Phase::kHandler, std::numeric_limits<std::int32_t>::max());
  answered_ = false;
  auto exchange = std::make_unique<Exchange>(*this);
  exchange_ = exchange.get();
  try {
    context_.handler.on_request(context_.worker, std::move(request), std::move(exchange));
  } catch (...) {
    // The exchange, destroyed unanswered, has sent its 500.
  }
}

void Connection::on_response(Response response) {
  answer(std::move(response));
  if (waiting_) std::exchange(waiting_, {}).resume();  // May destroy this object.
}

void Connection::answer(Response response) {
  if (!well_formed(response)) response = context_.handler.refuse(500, "the response was malformed");
  if (!well_formed(response)) response = Response{.status = 500, .content_type = "", .close = true};
  if (response.close || winding_down_ || context_.draining) keep_alive_ = false;
  render(response, context_.date_line, head_request_ ? Body::kOmitted : Body::kSent,
         keep_alive_ ? Afterwards::kKeepAlive : Afterwards::kClose, out_);
  file_ = head_request_ ? nullptr : std::move(response.file);
  answered_ = true;
}

/// What cannot be read to its end cannot be answered to its end: the client sees the connection break off.
Task<Connection::Next> Connection::send_file() {
  const auto file = std::exchange(file_, nullptr);
  std::string part(kFilePartBytes, '\0');
  for (std::uint64_t at = 0; at < file->size();) {
    const auto read = file->read_at(at, part);
    if (!read.ok() || *read == 0) co_return Next::kEnd;
    const Completion sent = co_await send(std::string_view(part).substr(0, *read));
    if (sent.status != Completion::Status::kOk) co_return Next::kEnd;
    at += *read;
  }
  co_return Next::kGoOn;
}

Task<Connection::Next> Connection::send_refusal() {
  keep_alive_ = false;
  answer(context_.handler.refuse(refusal_->status, refusal_->reason));
  const Completion sent = co_await send(out_.reveal());
  co_return sent.status == Completion::Status::kOk ? Next::kGoOn : Next::kEnd;
}

/// Closing a socket with unread input resets the connection, and the reset may overtake the response.
Task<Connection::Next> Connection::linger() {
  enter(Phase::kLinger, kLingerMs);
  stream_->shutdown();
  in_.use(in_.unread().size());  // Else there is room for a few bytes at a time.
  for (std::size_t dropped = 0; dropped < kLingerBytesMax && !context_.draining && !aborted_;) {
    const Completion got =
        co_await StreamAwait(*stream_, Stream::Operation::kDiscard, in_.space(kBodyStepBytes));
    if (got.status != Completion::Status::kOk) break;
    dropped += got.bytes;
  }
  co_return Next::kEnd;
}

StreamAwait Connection::fill(std::size_t capacity) {
  return StreamAwait(*stream_, Stream::Operation::kRead, in_.space(capacity));
}

StreamAwait Connection::send(std::string_view bytes) {
  enter(Phase::kWrite, context_.options.write_ms);
  return StreamAwait(*stream_, Stream::Operation::kWrite, {const_cast<char*>(bytes.data()), bytes.size()});
}

Connection::Next Connection::check(const Completion& completion) {
  if (timed_out_ && completion.status != Completion::Status::kFailed) return refuse({408, "the request took too long to arrive"});
  if (completion.status != Completion::Status::kOk) return Next::kEnd;
  return Next::kGoOn;
}

Connection::Next Connection::refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return Next::kRefuse;
}

/// Whether so many bytes without the end of the head can still become a request.
std::optional<Refusal> Connection::check_unfinished_head() const {
  const std::string_view head = in_.unread();
  const bool request_line_open = head.size() > limits::kHttpTargetBytesMax + kRequestLineExtraBytes && head.find('\n') == head.npos;
  if (request_line_open) return Refusal{414, "the request target is too long"};
  if (head.size() >= context_.options.header_bytes_max) return Refusal{431, "the headers are too large"};
  return std::nullopt;
}

/// Corrects what this connection's body counts for. False when all bodies together are too large.
bool Connection::count_body(std::size_t bytes) {
  const std::size_t counted = bytes > kBodyUncountedBytes ? bytes : 0;
  if (counted > body_bytes_counted_ &&
      !context_.totals.add_body(counted - body_bytes_counted_, context_.options.bodies_bytes_max)) {
    return false;
  }
  if (counted < body_bytes_counted_) context_.totals.remove_body(body_bytes_counted_ - counted);
  body_bytes_counted_ = counted;
  return true;
}

void Connection::enter(Phase phase, std::int64_t limit_ms) {
  phase_ = phase;
  idle_sweeps_ = 0;
  deadline_ms_ = context_.loop.now_ms() + limit_ms;
}

void Connection::rest() {
  stream_->rest();
  out_ = {};
}

void Connection::sweep() {
  if (phase_ == Phase::kIdle && ++idle_sweeps_ == kIdleSweepsToRest) rest();
  if (context_.loop.now_ms() < deadline_ms_) return;
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      timed_out_ = true;
      deadline_ms_ = std::numeric_limits<MonotonicMillis>::max();
      return stream_->cancel();
    case Phase::kIdle:
      return wind_down();
    case Phase::kHandshake:
    case Phase::kWrite:
    case Phase::kLinger:
      return stream_->close();
    case Phase::kHandler:
      return;  // The application keeps its own deadlines.
  }
}

void Connection::wind_down() {
  winding_down_ = true;
  if (phase_ == Phase::kIdle || (phase_ == Phase::kLinger && context_.draining)) stream_->cancel();
}

void Connection::wind_down_if_older() {
  if (closings_before_ < context_.totals.closings()) wind_down();
}

void Connection::abort() {
  aborted_ = true;
  stream_->close();
  if (waiting_) std::exchange(waiting_, {}).resume();
}

}  // namespace keyhold::http
