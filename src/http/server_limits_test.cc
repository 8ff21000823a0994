#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <thread>

#include "http/server.h"
#include "http/test_support.h"

/// Time-outs, exhaustion and the end of a server.
namespace keyhold::http {
namespace {

using test::Client;
using test::Reply;
using test::start_server;
using test::TestHandler;
using test::text_response;
using ::testing::HasSubstr;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::int64_t kShortMs = 50;

void await(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

TEST(ServerLimits, TimesOutAHeadThatDrips) {
  TestHandler handler;
  ServerOptions options;
  options.header_read_ms = kShortMs;
  const auto server = start_server(handler, options);
  Client client(server->port(0));
  std::atomic<bool> done = false;
  std::thread drip([&] {
    client.send("GET / HTTP/1.1\r\n");
    while (!done && client.send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  EXPECT_EQ(client.read().status, 408);
  done = true;
  drip.join();
}

TEST(ServerLimits, TimesOutABodyThatStops) {
  TestHandler handler;
  ServerOptions options;
  options.body_read_ms = kShortMs;
  const auto server = start_server(handler, options);
  for (const char* request : {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
                              "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"}) {
    Client client(server->port(0));
    const Reply reply = client.ask(request);
    EXPECT_EQ(reply.status, 408);
    EXPECT_EQ(reply.body, "the request took too long to arrive");
    EXPECT_TRUE(client.closed());
  }
}

TEST(ServerLimits, ClosesIdleConnectionsInSilence) {
  TestHandler handler;
  ServerOptions options;
  options.idle_ms = kShortMs;
  const auto server = start_server(handler, options);
  EXPECT_TRUE(Client(server->port(0)).closed());
  Client used(server->port(0));
  EXPECT_EQ(used.ask(kGet).status, 200);
  EXPECT_TRUE(used.closed());
}

TEST(ServerLimits, DropsAClientThatDoesNotRead) {
  const std::string large(16 * 1024 * 1024, 'x');
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) { exchange->respond(text_response(large)); });
  ServerOptions options;
  options.write_ms = kShortMs;
  const auto server = start_server(handler, options);
  Client client(server->port(0));
  client.send(kGet);
  await([&] { return server->connections() == 1; });
  await([&] { return server->connections() == 0; });
}

TEST(ServerLimits, DoesNotTimeOutTheApplication) {
  std::promise<std::pair<Worker*, std::shared_ptr<Exchange>>> held;
  TestHandler handler([&](Worker& worker, Request, std::unique_ptr<Exchange> exchange) {
    held.set_value({&worker, std::move(exchange)});
  });
  ServerOptions options;
  options.header_read_ms = options.body_read_ms = options.idle_ms = options.write_ms = kShortMs;
  const auto server = start_server(handler, options);
  Client waiting(server->port(0));
  waiting.send(kGet);
  auto [worker, exchange] = held.get_future().get();
  Client idle(server->port(0));  // Its end shows that a time-out has passed.
  EXPECT_TRUE(idle.closed());
  worker->post([held_exchange = std::move(exchange)] { held_exchange->respond(text_response("late")); });
  EXPECT_EQ(waiting.read().body, "late");
}

TEST(ServerLimits, SurvivesResetsAtAnyPoint) {
  const std::string large(1024 * 1024, 'x');
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) { exchange->respond(text_response(large)); });
  const auto server = start_server(handler);
  const std::string request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n123456789";
  for (std::size_t sent = 0; sent <= request.size(); ++sent) {
    Client client(server->port(0));
    client.send(request.substr(0, sent));
    client.reset();
  }
  {
    Client client(server->port(0));
    client.send(kGet);
    char some[1000];
    ASSERT_GT(::recv(client.descriptor(), some, sizeof some, 0), 0);
    client.reset();
  }
  await([&] { return server->connections() == 0; });
  EXPECT_EQ(Client(server->port(0)).ask(kGet).body, large);
}

TEST(ServerLimits, ServesAThousandConnections) {
  TestHandler handler;
  ServerOptions options;
  options.threads = 2;
  const auto server = start_server(handler, options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(std::make_unique<Client>(server->port(0)));
  for (auto& client : clients) ASSERT_TRUE(client->send(kGet));
  for (auto& client : clients) ASSERT_EQ(client->read().status, 200);
  EXPECT_EQ(server->connections(), 1000u);
}

TEST(ServerLimits, TellsConnectionsBeyondTheMaximum) {
  TestHandler handler;
  ServerOptions options;
  options.connections_max = 2;
  const auto server = start_server(handler, options);
  auto one = std::make_unique<Client>(server->port(0));
  Client two(server->port(0));
  EXPECT_EQ(one->ask(kGet).status, 200);
  EXPECT_EQ(two.ask(kGet).status, 200);
  {
    Client three(server->port(0));
    EXPECT_EQ(three.ask(kGet).status, 503);
  }
  one.reset();
  await([&] { return server->connections() == 1; });
  EXPECT_EQ(Client(server->port(0)).ask(kGet).status, 200);
}

TEST(ServerLimits, BoundsAllBodiesTogether) {
  TestHandler handler;
  ServerOptions options;
  options.bodies_bytes_max = 300'000;
  const auto server = start_server(handler, options);
  const std::string part(200'000, 'x');
  const std::string head = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 200001\r\n\r\n";
  Client one(server->port(0));
  ASSERT_TRUE(one.send(head + part));
  // Its bytes are all with the kernel; each turn of the one worker's loop reads some.
  Client other(server->port(0));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(other.ask(kGet).status, 200);
  EXPECT_EQ(Client(server->port(0)).ask(head + part + "x").status, 503);
  EXPECT_EQ(one.ask("x").status, 200);
  EXPECT_EQ(Client(server->port(0)).ask(head + part + "x").status, 200);
}

TEST(ServerLimits, RecoversFromTheExhaustionOfDescriptors) {
  TestHandler handler;
  const auto server = start_server(handler);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  Client waiting(server->port(0));
  EXPECT_EQ(waiting.ask(kGet).status, 200);
  Client another(server->port(0));
  EXPECT_EQ(another.ask(kGet).status, 200);

  // A socket made before has its descriptor; the server's end of it has none left.
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(descriptor) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(waiting.descriptor(), reinterpret_cast<sockaddr*>(&address), &size);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::send(descriptor, kGet.data(), kGet.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kGet.size()));
  EXPECT_EQ(waiting.ask(kGet).status, 200);
  EXPECT_EQ(server->connections(), 2u);

  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  char byte = 0;
  EXPECT_EQ(::recv(descriptor, &byte, 1, 0), 1);
  ::close(descriptor);
}

TEST(ServerStop, LetsRequestsInFlightFinish) {
  std::promise<std::pair<Worker*, std::shared_ptr<Exchange>>> held;
  TestHandler handler([&](Worker& worker, Request, std::unique_ptr<Exchange> exchange) {
    held.set_value({&worker, std::move(exchange)});
  });
  const auto server = start_server(handler);
  Client idle(server->port(0));
  Client busy(server->port(0));
  busy.send(kGet);
  auto [worker, exchange] = held.get_future().get();
  std::thread stopping([&] { server->stop(60'000); });
  EXPECT_TRUE(idle.closed());  // So the stop has begun.
  worker->post([held_exchange = std::move(exchange)] { held_exchange->respond(text_response("done")); });
  const Reply reply = busy.read();
  EXPECT_EQ(reply.body, "done");
  EXPECT_THAT(reply.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.closed());
  stopping.join();
  EXPECT_EQ(server->connections(), 0u);
}

TEST(ServerStop, EndsWhatDoesNotFinish) {
  std::promise<std::unique_ptr<Exchange>> held;
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) { held.set_value(std::move(exchange)); });
  const auto server = start_server(handler);
  Client stuck(server->port(0));
  stuck.send(kGet);
  const auto exchange = held.get_future().get();
  Client reading(server->port(0));
  reading.send("GET / HT");
  server->stop(20);
  EXPECT_EQ(stuck.read().status, 0);
  EXPECT_EQ(server->connections(), 0u);
}

TEST(ServerStop, MayComeBeforeTheStart) {
  TestHandler handler;
  ServerOptions options;
  options.listeners = {{.host = "127.0.0.1"}};
  ASSERT_TRUE(Server::bind(options, handler).ok());
  const auto server = start_server(handler);
  server->stop(0);
  server->stop(0);
}

TEST(ServerStop, DestroysTasksThatComeTooLate) {
  TestHandler handler;
  auto server = start_server(handler);
  server->stop(0);
  auto owned = std::make_shared<int>(0);
  server->worker(0).post([owned] { ADD_FAILURE(); });
  server.reset();
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(CloseConnections, ClosesIdleOnesNowAndBusyOnesAfterTheResponse) {
  std::promise<std::pair<Worker*, std::shared_ptr<Exchange>>> held;
  TestHandler handler([&](Worker& worker, Request request, std::unique_ptr<Exchange> exchange) {
    if (request.target == "/hold") {
      held.set_value({&worker, std::move(exchange)});
    } else {
      exchange->respond(text_response(""));
    }
  });
  const auto server = start_server(handler);
  Client idle(server->port(0));
  EXPECT_EQ(idle.ask(kGet).status, 200);
  Client busy(server->port(0));
  busy.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
  auto [worker, exchange] = held.get_future().get();
  server->close_connections();
  EXPECT_TRUE(idle.closed());
  worker->post([held_exchange = std::move(exchange)] { held_exchange->respond(text_response("done")); });
  EXPECT_EQ(busy.read().body, "done");
  EXPECT_TRUE(busy.closed());
  EXPECT_EQ(Client(server->port(0)).ask(kGet).status, 200);
}

TEST(CloseConnections, LeavesAloneWhatConnectsAfterTheCall) {
  TestHandler handler([](Worker&, Request, std::unique_ptr<Exchange> exchange) { exchange->respond(text_response("")); });
  const auto server = start_server(handler);
  std::latch close_called(1);
  std::latch held(1);
  server->worker(0).post([&] {
    held.count_down();
    close_called.wait();
  });
  held.wait();
  server->close_connections();
  Client late(server->port(0));  // Accepted in the turn that also closes the others.
  late.send(kGet);
  close_called.count_down();
  EXPECT_EQ(late.read().status, 200);
}

}  // namespace
}  // namespace keyhold::http
