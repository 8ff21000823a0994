#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>

#include "base/clock.h"
#include "http/connection.h"
#include "http/server.h"
#include "http/socket_stream.h"
#include "http/tls_context.h"

namespace keyhold::http {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// One thread's event loop: accepts connections, sweeps them for time-outs, runs posted tasks.
///
/// threads   post() from any. The others before run(), or on the thread that is in it.
class IoWorker final : public Worker {
 public:
  IoWorker(int index, const ServerOptions& options, Handler& handler, Totals& totals);

  int index() const override { return index_; }
  void post(std::function<void()> task) override;

  boost::asio::io_context& io() { return io_; }
  /// `tls` is nullptr for a plain listener, else outlives the worker.
  void add_listener(int listener, Acceptor acceptor, const TlsContext* tls);

  /// Serves until finish().
  void run();
  void finish() { io_.stop(); }
  /// Stops accepting and serving new requests.
  void drain();
  void wind_down_connections();
  void abort_connections();

 private:
  struct Listening {
    Listening(int listener_index, Acceptor listening, const TlsContext* tls_context)
        : listener(listener_index), acceptor(std::move(listening)), tls(tls_context), back_off(acceptor.get_executor()) {}
    int listener;
    Acceptor acceptor;
    const TlsContext* tls;
    boost::asio::ip::tcp::endpoint peer;
    boost::asio::steady_timer back_off;
  };

  void accept(Listening& listening);
  void accept_later(Listening& listening);
  void admit(Listening& listening, Socket socket);
  void sweep();
  /// Calls `act` on each connection; it may end them.
  void for_each_connection(void (Connection::*act)());

  const int index_;
  const SystemClock clock_;
  boost::asio::io_context io_{1};  // One thread runs it.
  boost::asio::steady_timer sweep_timer_{io_};
  WorkerContext context_;
  std::list<Listening> listening_;
};

}  // namespace keyhold::http
