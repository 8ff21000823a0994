#include "http/io_worker.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "http/render.h"
#include "http/socket_stream.h"

namespace keyhold::http {
namespace {

constexpr std::int64_t kSweepMsMin = 10;
constexpr std::int64_t kSweepMsMax = 1'000;
constexpr int kAcceptsMax = 16;                          // A turn.
constexpr std::size_t kRefusedConnectionsMax = 64;      // Beyond connections_max: told so; further ones are dropped.

std::int64_t sweep_interval_ms(const ServerOptions& options) {
  const std::int64_t shortest = std::min({options.header_read_ms, options.body_read_ms, options.idle_ms, options.write_ms});
  return std::clamp(shortest / 4, kSweepMsMin, kSweepMsMax);
}

}  // namespace

/// A listening socket.
class IoWorker::Listening final : public EventLoop::Watcher {
 public:
  Listening(IoWorker& worker, int listener_index, int descriptor, const TlsContext* tls_context)
      : Watcher(*worker.loop_, descriptor), listener(listener_index), tls(tls_context), worker_(worker) {}

  const int listener;
  const TlsContext* const tls;

  bool open() const { return descriptor() >= 0; }
  /// Accepts who came before the doors were open.
  void open_door() { accept_some(); }
  /// Tries again what failed for want of descriptors or memory.
  void sweep() {
    if (std::exchange(wants_, false)) accept_some();
  }

 private:
  void on_events(std::uint32_t) override {
    if (worker_.doors_open_) accept_some();
  }

  void accept_some() {
    for (int accepted = 0; accepted < kAcceptsMax; ++accepted) {
      SocketAddress peer;
      socklen_t size = SocketAddress::kSizeMax;
      const int connection = ::accept4(descriptor(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (connection >= 0) {
        worker_.admit(*this, connection, peer);
      } else if (errno == EAGAIN) {
        return;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        wants_ = true;
        return;
      }  // Else the connection is gone already: accept(2).
    }
    call_again();
  }

  IoWorker& worker_;
  bool wants_ = false;
};

IoWorker::IoWorker(int index, std::unique_ptr<EventLoop> loop, const ServerOptions& options, Handler& handler, Totals& totals)
    : index_(index),
      loop_(std::move(loop)),
      context_{.worker = *this,
               .handler = handler,
               .options = options,
               .totals = totals,
               .loop = *loop_,
               .date_line = {},
               .connections = {}} {}

IoWorker::~IoWorker() = default;

Result<void> IoWorker::add_listener(int listener, int descriptor, const TlsContext* tls) {
  const auto& added = listening_.emplace_back(std::make_unique<Listening>(*this, listener, descriptor, tls));
  if (!added->open()) return Error{Code::kUnavailable, "the system cannot watch another listening socket"};
  return {};
}

void IoWorker::run() {
  pthread_setname_np(pthread_self(), "http");
  loop_->run(sweep_interval_ms(context_.options), [this] { sweep(); });
}

void IoWorker::open_doors() {
  doors_open_ = true;
  for (const auto& listening : listening_) listening->open_door();
}

void IoWorker::drain() {
  context_.draining = true;
  listening_.clear();
  for_each_connection(&Connection::wind_down);
}

void IoWorker::wind_down_older_connections() { for_each_connection(&Connection::wind_down_if_older); }
void IoWorker::abort_connections() { for_each_connection(&Connection::abort); }

void IoWorker::for_each_connection(void (Connection::*act)()) {
  // From the back: one that ends gives its place to the last, which has had its turn.
  for (std::size_t left = context_.connections.size(); left > 0; --left) {
    (context_.connections[left - 1]->*act)();
    left = std::min(left, context_.connections.size() + 1);
  }
}

void IoWorker::admit(const Listening& listening, int descriptor, const SocketAddress& peer) {
  const std::size_t open = context_.totals.connections();
  const std::size_t max = context_.options.connections_max;
  const bool tls = listening.tls != nullptr;
  // A refusal over TLS would cost a handshake.
  if (open >= max && (tls || open >= max + kRefusedConnectionsMax)) {
    ::close(descriptor);
    return;
  }
  auto stream = tls ? make_tls_stream(*loop_, descriptor, listening.tls->current().get()) : make_plain_stream(*loop_, descriptor);
  if (stream == nullptr) return;
  Connection::start(context_, std::move(stream), {.address = peer.host(), .port = peer.port(), .tls = tls, .listener = listening.listener},
                    open >= max ? Admission::kRefused : Admission::kServed);
}

void IoWorker::sweep() {
  context_.date_line = date_line(clock_.now_ms());
  for_each_connection(&Connection::sweep);
  for (const auto& listening : listening_) listening->sweep();
}

}  // namespace keyhold::http
