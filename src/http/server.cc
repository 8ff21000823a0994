#include "http/server.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <latch>
#include <system_error>
#include <thread>
#include <utility>

#include "http/io_worker.h"
#include "http/socket_address.h"
#include "http/tls_context.h"

namespace keyhold::http {
namespace {

constexpr std::int64_t kAbortWaitMs = 1'000;

/// Whether other sockets may listen at the same endpoint: one for each worker.
enum class Sharing : std::uint8_t { kAlone, kShared };

bool set_option(int descriptor, int level, int name, int value) {
  return ::setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/// A listening socket.
Result<int> listen_at(const SocketAddress& address, Sharing sharing) {
  const int descriptor = ::socket(address.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool listens = descriptor >= 0 && set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) &&
                       set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, sharing == Sharing::kShared ? 1 : 0) &&
                       set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) &&  // Connections inherit it.
                       (!address.is_ipv6() || set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
                       ::bind(descriptor, address.data(), address.size()) == 0 && ::listen(descriptor, SOMAXCONN) == 0;
  if (listens) return descriptor;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  return Error{Code::kUnavailable, "cannot listen on " + address.host() + " port " + std::to_string(address.port()) + ": " +
                                       std::generic_category().message(error)};
}

class EpollServer final : public Server {
 public:
  explicit EpollServer(ServerOptions options) : options_(std::move(options)) {}
  ~EpollServer() override { stop(0); }

  Result<void> bind_all(Handler& handler) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const int count = options_.threads > 0 ? options_.threads : static_cast<int>(cores);
    for (int i = 0; i < count; ++i) {
      TRY_ASSIGN(auto loop, EventLoop::make());
      workers_.push_back(std::make_unique<IoWorker>(i, std::move(loop), options_, handler, totals_));
    }
    for (std::size_t i = 0; i < options_.listeners.size(); ++i) TRY(bind_one(options_.listeners[i], static_cast<int>(i)));
    return {};
  }

  int threads() const override { return static_cast<int>(workers_.size()); }
  Worker& worker(int index) override { return *workers_.at(static_cast<std::size_t>(index)); }
  std::uint16_t port(int listener) const override { return ports_.at(static_cast<std::size_t>(listener)); }
  std::size_t connections() const override { return totals_.connections(); }

  void start(Doors doors) override {
    if (doors == Doors::kOpen) open_doors();
    for (auto& worker : workers_) threads_.emplace_back([&worker = *worker] { worker.run(); });
  }

  void open_doors() override {
    for (auto& worker : workers_) worker->post([&worker = *worker] { worker.open_doors(); });
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
    totals_.begin_closing();
    for (auto& worker : workers_) worker->post([&worker = *worker] { worker.wind_down_older_connections(); });
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
    auto address = SocketAddress::parse(listener.host, listener.port);
    if (!address) return Error{Code::kInvalid, "the listener address '" + listener.host + "' is not an IP address"};
    const TlsContext* tls = nullptr;
    if (listener.tls) {
      TRY_ASSIGN(auto loaded, TlsContext::load(listener.tls_files));
      tls = tls_.emplace_back(std::move(loaded)).get();
    }

    const Sharing sharing = workers_.size() > 1 ? Sharing::kShared : Sharing::kAlone;
    // A second server on a fixed port must fail, and not quietly get half of the connections.
    if (sharing == Sharing::kShared && listener.port != 0) {
      TRY_ASSIGN(const int probe, listen_at(*address, Sharing::kAlone));
      ::close(probe);
    }
    for (auto& worker : workers_) {
      TRY_ASSIGN(const int descriptor, listen_at(*address, sharing));
      address = SocketAddress::of(descriptor);  // With the port that was free.
      TRY(worker->add_listener(index, descriptor, tls));
    }
    ports_.push_back(address->port());
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
  auto server = std::make_unique<EpollServer>(std::move(options));
  TRY(server->bind_all(handler));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace keyhold::http
