#include "http/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <latch>
#include <thread>
#include <utility>

#include "http/io_worker.h"
#include "http/tls_context.h"

namespace keyhold::http {
namespace {

using boost::asio::ip::tcp;
constexpr std::int64_t kAbortWaitMs = 1'000;

/// Whether other sockets may listen at the same endpoint: one for each worker.
enum class Sharing : std::uint8_t { kAlone, kShared };

Result<Acceptor> listen(boost::asio::io_context& io, const tcp::endpoint& endpoint, Sharing sharing) {
  Acceptor acceptor(io);
  boost::system::error_code error;
  const auto failed = [&]() -> Error {
    return {Code::kUnavailable, "cannot listen on " + endpoint.address().to_string() + " port " + std::to_string(endpoint.port()) +
                                    ": " + error.message()};
  };
  if (acceptor.open(endpoint.protocol(), error)) return failed();
  if (acceptor.set_option(tcp::acceptor::reuse_address(true), error)) return failed();
  if (endpoint.protocol() == tcp::v6() && acceptor.set_option(boost::asio::ip::v6_only(false), error)) return failed();
  const int shared = sharing == Sharing::kShared ? 1 : 0;
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &shared, sizeof shared);
  if (acceptor.bind(endpoint, error)) return failed();
  if (acceptor.listen(boost::asio::socket_base::max_listen_connections, error)) return failed();
  return acceptor;
}

class AsioServer final : public Server {
 public:
  AsioServer(ServerOptions options, Handler& handler) : options_(std::move(options)) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const int count = options_.threads > 0 ? options_.threads : static_cast<int>(cores);
    for (int i = 0; i < count; ++i) workers_.push_back(std::make_unique<IoWorker>(i, options_, handler, totals_));
  }
  ~AsioServer() override { stop(0); }

  Result<void> bind_all() {
    for (std::size_t i = 0; i < options_.listeners.size(); ++i) TRY(bind_one(options_.listeners[i], static_cast<int>(i)));
    return {};
  }

  int threads() const override { return static_cast<int>(workers_.size()); }
  Worker& worker(int index) override { return *workers_.at(static_cast<std::size_t>(index)); }
  std::uint16_t port(int listener) const override { return ports_.at(static_cast<std::size_t>(listener)); }
  std::size_t connections() const override { return totals_.connections(); }

  void start() override {
    for (auto& worker : workers_) threads_.emplace_back([&worker = *worker] { worker.run(); });
  }

  void stop(std::int64_t drain_ms) override {
    if (threads_.empty()) return;
    // Once every worker drains, connections become fewer only.
    on_every_worker(&IoWorker::drain);
    if (!totals_.wait_until_none(drain_ms)) {
      on_every_worker(&IoWorker::abort_connections);
      while (!totals_.wait_until_none(kAbortWaitMs)) continue;
    }
    for (auto& worker : workers_) worker->finish();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void close_connections() override {
    for (auto& worker : workers_) worker->post([&worker = *worker] { worker.wind_down_connections(); });
  }

  Result<void> reload_certificates() override {
    std::vector<std::shared_ptr<SSL_CTX>> next;
    for (const auto& tls : tls_) {
      TRY_ASSIGN(next.emplace_back(), tls->read_again());
    }
    for (std::size_t i = 0; i < tls_.size(); ++i) tls_[i]->use(std::move(next[i]));
    return {};
  }

 private:
  Result<void> bind_one(const ListenerOptions& listener, int index) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(listener.host, error);
    if (error) return Error{Code::kInvalid, "the listener address '" + listener.host + "' is not an IP address"};
    const TlsContext* tls = nullptr;
    if (listener.tls) {
      TRY_ASSIGN(auto loaded, TlsContext::load(listener.tls_files));
      tls = tls_.emplace_back(std::move(loaded)).get();
    }

    tcp::endpoint endpoint(address, listener.port);
    const Sharing sharing = workers_.size() > 1 ? Sharing::kShared : Sharing::kAlone;
    // A second server on a fixed port must fail, and not quietly get half of the connections.
    if (sharing == Sharing::kShared && listener.port != 0) TRY(listen(workers_.front()->io(), endpoint, Sharing::kAlone));
    for (auto& worker : workers_) {
      TRY_ASSIGN(Acceptor acceptor, listen(worker->io(), endpoint, sharing));
      endpoint.port(acceptor.local_endpoint(error).port());
      worker->add_listener(index, std::move(acceptor), tls);
    }
    ports_.push_back(endpoint.port());
    return {};
  }

  void on_every_worker(void (IoWorker::*act)()) {
    std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
    for (auto& worker : workers_) {
      worker->post([&worker = *worker, act, &done] {
        (worker.*act)();
        done.count_down();
      });
    }
    done.wait();
  }

  const ServerOptions options_;
  Totals totals_;
  std::vector<std::unique_ptr<TlsContext>> tls_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::unique_ptr<IoWorker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::bind(ServerOptions options, Handler& handler) {
  auto server = std::make_unique<AsioServer>(std::move(options), handler);
  TRY(server->bind_all());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace keyhold::http
