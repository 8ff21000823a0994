#include "http/io_worker.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "http/render.h"

namespace keyhold::http {
namespace {

constexpr std::int64_t kSweepMsMin = 10;
constexpr std::int64_t kSweepMsMax = 1'000;
constexpr std::int64_t kAcceptBackOffMs = 100;          // When descriptors or memory have run out.
constexpr std::size_t kRefusedConnectionsMax = 64;      // Beyond connections_max: told so; further ones are dropped.

std::int64_t sweep_interval_ms(const ServerOptions& options) {
  const std::int64_t shortest = std::min({options.header_read_ms, options.body_read_ms, options.idle_ms, options.write_ms});
  return std::clamp(shortest / 4, kSweepMsMin, kSweepMsMax);
}

Peer make_peer(const boost::asio::ip::tcp::endpoint& endpoint) {
  boost::asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  }
  return {.address = address.to_string(), .port = endpoint.port()};
}

}  // namespace

IoWorker::IoWorker(int index, const ServerOptions& options, Handler& handler, Totals& totals)
    : index_(index),
      context_{.worker = *this,
               .handler = handler,
               .options = options,
               .totals = totals,
               .sweep_ms = sweep_interval_ms(options),
               .date_line = {},
               .connections = {}} {}

void IoWorker::post(std::function<void()> task) { boost::asio::post(io_, std::move(task)); }

void IoWorker::add_listener(int listener, Acceptor acceptor, const TlsContext* tls) {
  listening_.emplace_back(listener, std::move(acceptor), tls);
}

void IoWorker::run() {
  // OpenSSL writes to sockets without MSG_NOSIGNAL; blocked here, the signal of such a write goes nowhere.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  pthread_setname_np(pthread_self(), "http");

  const auto work = boost::asio::make_work_guard(io_);
  sweep();
  for (Listening& listening : listening_) accept(listening);
  io_.run();
}

void IoWorker::drain() {
  context_.draining = true;
  boost::system::error_code ignored;
  for (Listening& listening : listening_) {
    listening.acceptor.close(ignored);
    listening.back_off.cancel();
  }
  wind_down_connections();
}

void IoWorker::wind_down_connections() { for_each_connection(&Connection::wind_down); }
void IoWorker::abort_connections() { for_each_connection(&Connection::abort); }

void IoWorker::for_each_connection(void (Connection::*act)()) {
  // From the back: one that ends gives its place to the last, which has had its turn.
  for (std::size_t left = context_.connections.size(); left > 0; --left) {
    (context_.connections[left - 1]->*act)();
    left = std::min(left, context_.connections.size() + 1);
  }
}

void IoWorker::accept(Listening& listening) {
  listening.acceptor.async_accept(listening.peer, [this, &listening](const boost::system::error_code& error, Socket socket) {
    if (!listening.acceptor.is_open()) return;
    if (!error) {
      admit(listening, std::move(socket));
    } else if (error != boost::asio::error::connection_aborted) {
      return accept_later(listening);
    }
    accept(listening);
  });
}

void IoWorker::accept_later(Listening& listening) {
  listening.back_off.expires_after(std::chrono::milliseconds(kAcceptBackOffMs));
  listening.back_off.async_wait([this, &listening](const boost::system::error_code& error) {
    if (!error && listening.acceptor.is_open()) accept(listening);
  });
}

void IoWorker::admit(Listening& listening, Socket socket) {
  const std::size_t open = context_.totals.connections();
  const std::size_t max = context_.options.connections_max;
  // A refusal over TLS would cost a handshake.
  if (open >= max && (listening.tls != nullptr || open >= max + kRefusedConnectionsMax)) return;

  Peer peer = make_peer(listening.peer);
  peer.tls = listening.tls != nullptr;
  peer.listener = listening.listener;
  auto stream = peer.tls ? make_tls_stream(std::move(socket), listening.tls->current().get()) : make_plain_stream(std::move(socket));
  if (stream == nullptr) return;
  Connection::start(context_, std::move(stream), std::move(peer), open >= max ? Admission::kRefused : Admission::kServed);
}

void IoWorker::sweep() {
  context_.now_ms = clock_.monotonic_ms();
  context_.date_line = date_line(clock_.now_ms());
  for_each_connection(&Connection::sweep);
  sweep_timer_.expires_after(std::chrono::milliseconds(context_.sweep_ms));
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) sweep();
  });
}

}  // namespace keyhold::http
