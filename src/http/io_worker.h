#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "http/connection.h"
#include "http/event_loop.h"
#include "http/server.h"
#include "http/socket_address.h"
#include "http/tls_context.h"

namespace keyhold::http {

/// One of the server's threads: accepts connections, sweeps them for time-outs, runs posted tasks.
///
/// threads   post() and finish() from any. The others before run(), or on the thread that is in it.
class IoWorker final : public Worker {
 public:
  IoWorker(int index, std::unique_ptr<EventLoop> loop, const ServerOptions& options, Handler& handler, Totals& totals);
  ~IoWorker() override;

  int index() const override { return index_; }
  void post(std::function<void()> task) override { loop_->post(std::move(task)); }

  /// Takes over a listening socket. `tls` is nullptr for a plain listener, else outlives the worker.
  /// errors   kUnavailable: the kernel cannot watch it.
  Result<void> add_listener(int listener, int descriptor, const TlsContext* tls);

  /// Serves until finish().
  void run();
  /// Accepts connections from now on, and those that have come.
  void open_doors();
  void finish() { loop_->stop(); }
  /// Stops accepting and serving new requests.
  void drain();
  void wind_down_older_connections();
  void abort_connections();

 private:
  class Listening;

  void admit(const Listening& listening, int descriptor, const SocketAddress& peer);
  void sweep();
  /// Calls `act` on each connection; it may end them.
  void for_each_connection(void (Connection::*act)());

  const int index_;
  const SystemClock clock_;
  const std::unique_ptr<EventLoop> loop_;
  WorkerContext context_;
  std::vector<std::unique_ptr<Listening>> listening_;
  bool doors_open_ = false;
};

}  // namespace keyhold::http
