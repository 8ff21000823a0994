#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>

#include "http/test_support.h"

namespace keyhold::http {
namespace {

using test::Client;
using test::Reply;
using test::start_server;
using test::TestHandler;
using test::text_response;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

std::string post(std::string_view body) {
  return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(Server, KeepsConnectionsAlive) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.ask(kGet);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "GET /a ");
    EXPECT_THAT(reply.head, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
    EXPECT_THAT(reply.head, Not(HasSubstr("Connection:")));
  }
}

/// Which may be larger than what is kept in memory, and than what a socket takes at once.
TEST(Server, SendsAFileAfterTheBody) {
  const std::shared_ptr<SpoolFile> file = SpoolFile::create("").value();
  for (int i = 0; i < 300'000; ++i) ASSERT_TRUE(file->append("line " + std::to_string(i) + "\n").ok());
  std::string content(file->size(), '\0');
  ASSERT_EQ(file->read_at(0, content).value(), content.size());
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    Response response = text_response("first ");
    response.file = file;
    exchange->respond(std::move(response));
  });
  const auto server = start_server(handler);
  Client client(server->port(0));
  for (int i = 0; i < 2; ++i) {
    const Reply reply = client.ask(kGet);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body == "first " + content);
  }
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.read_head().head, HasSubstr("Content-Length: " + std::to_string(6 + content.size())));
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(Server, PassesTheRequestOn) {
  std::promise<Request> seen;
  TestHandler handler([&](Worker&, Request request, std::unique_ptr<Exchange> exchange) {
    seen.set_value(std::move(request));
    exchange->respond(text_response(""));
  });
  ServerOptions options;
  options.listeners.resize(2);
  const auto server = start_server(handler, std::move(options));
  Client(server->port(1)).ask("SCAN /x%2f?y HTTP/1.1\r\nHost: h\r\nX-Vault-Token: s.1\r\nContent-Length: 3\r\n\r\nabc");
  const Request request = seen.get_future().get();
  EXPECT_EQ(request.method, "SCAN");
  EXPECT_EQ(request.target, "/x%2f?y");
  EXPECT_EQ(request.header("x-vault-token"), "s.1");
  EXPECT_EQ(request.body.reveal(), "abc");
  EXPECT_EQ(request.peer_address, "127.0.0.1");
  EXPECT_NE(request.peer_port, 0);
  EXPECT_EQ(request.listener, 1);
  EXPECT_FALSE(request.tls);
}

TEST(Server, ServesPipelinedRequestsInOrder) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += post("body " + std::to_string(i));
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.read().body, "POST /p body " + std::to_string(i));
}

TEST(Server, ServesOthersWhileOneClientPipelines) {
  constexpr int kRequests = 100;
  int pipelined = 0;
  std::promise<int> pipelined_before_other;
  TestHandler handler([&](Worker& worker, Request request, std::unique_ptr<Exchange> exchange) {
    if (request.target == "/other") pipelined_before_other.set_value(pipelined);
    if (request.target == "/a") ++pipelined;
    TestHandler::echo(worker, std::move(request), std::move(exchange));
  });
  const auto server = start_server(handler);
  Client one(server->port(0));
  Client other(server->port(0));
  EXPECT_EQ(one.ask("GET /first HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
  EXPECT_EQ(other.ask("GET /first HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);

  std::promise<void> both_sent;
  server->worker(0).post([&] { both_sent.get_future().wait(); });
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += kGet;
  ASSERT_TRUE(one.send(requests));
  ASSERT_TRUE(other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n"));
  both_sent.set_value();
  EXPECT_LT(pipelined_before_other.get_future().get(), kRequests / 2);
  for (int i = 0; i < kRequests; ++i) EXPECT_EQ(one.read().status, 200);
}

TEST(Server, ReadsRequestsByteByByte) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  const std::string chunked = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\n\r\n";
  for (const std::string& request : {post("abc"), chunked, std::string("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}) {
    for (const char byte : request) ASSERT_TRUE(client.send({&byte, 1}));
    EXPECT_EQ(client.read().status, 200);
  }
}

TEST(Server, TakesHeadsUpToTheLimit) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  const std::string line = "X-Long: " + std::string(7'000, 'x') + "\r\n";
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\nHost: h\r\n" + line + line + line + line + "\r\n").status, 200);
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(Server, TakesLargeBodiesBothWays) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  const std::string body(2 * 1024 * 1024, 'b');
  std::thread sender([&] { client.send(post(body) + "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + body + "\r\n0\r\n\r\n"); });
  EXPECT_EQ(client.read().body, "POST /p " + body);
  EXPECT_EQ(client.read().body, "POST /p " + body);
  sender.join();
}

TEST(Server, AnswersHeadWithoutBody) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  const Reply head = client.read_head();
  EXPECT_THAT(head.head, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_EQ(client.ask(kGet).body, "GET /a ");
}

TEST(Server, ClosesAfterTheResponseWhenAskedTo) {
  TestHandler handler;
  const auto server = start_server(handler);
  for (const char* request : {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                              "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"}) {
    Client client(server->port(0));
    const Reply reply = client.ask(request);
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.head, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_TRUE(client.closed());
  }
}

TEST(Server, ClosesWhenTheResponseSaysSo) {
  TestHandler handler([](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    Response response = text_response("bye");
    response.close = true;
    exchange->respond(std::move(response));
  });
  const auto server = start_server(handler);
  Client client(server->port(0));
  EXPECT_THAT(client.ask(kGet).head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.closed());
}

TEST(Server, ContinuesOnlyWhenTheBodyIsWelcome) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_head().head, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("abc").body, "POST /p abc");
  // Not needed when the body is there already.
  EXPECT_EQ(client.ask("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc").status, 200);
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.closed());
}

TEST(Server, IgnoresUpgrades) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").status, 200);
  EXPECT_EQ(client.ask(kGet).status, 200);
}

TEST(Server, RefusesAndEchoesNothing) {
  std::atomic<int> requests = 0;
  TestHandler handler([&](Worker& worker, Request request, std::unique_ptr<Exchange> exchange) {
    ++requests;
    TestHandler::echo(worker, std::move(request), std::move(exchange));
  });
  const auto server = start_server(handler);
  struct Case {
    std::string bytes;
    int status;
    std::string reason;
  };
  const std::string get = "GET /cAnArY HTTP/1.1\r\nHost: h\r\n";
  const std::string ambiguous = "the length of the body is ambiguous";
  const std::string header_name = "a header name is malformed";
  const std::string header_value = "a header value is malformed";
  const std::string repeated = "a header that must come once is repeated";
  const std::string not_origin = "the request target is not in origin form";
  const std::vector<Case> cases{
      {get + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400, ambiguous},
      {get + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400, repeated},
      {get + "Content-Length: cAnArY\r\n\r\n", 400, ambiguous},
      {get + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, ambiguous},
      {get + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, ambiguous},
      {get + "Transfer-Encoding: xchunked\r\n\r\n", 501, "the transfer coding is not known"},
      {get + "Transfer-Encoding: chunked\r\n\r\ncAnArY\r\n", 400, "the chunked body is malformed"},
      {get + "Transfer-Encoding: chunked\r\n\r\n1;cAnArY=\"\n\"\r\na\r\n", 400, "a chunk extension is malformed"},
      {get + "Transfer-Encoding: chunked\r\n\r\n200001\r\n", 413, "the body is too large"},
      {get + "X: a\r\n cAnArY\r\n\r\n", 400, header_name},
      {get + "X: cAnArY\n\r\n", 400, header_value},
      {get + "X: a\rcAnArY\r\n\r\n", 400, header_value},
      {get + "cAnArY : a\r\n\r\n", 400, header_name},
      {get + std::string("X: cAnArY\0\r\n\r\n", 14), 400, header_value},
      {get + "X: cAnArY\x1b[31m\r\n\r\n", 400, header_value},
      {"GET http://cAnArY/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, not_origin},
      {"CONNECT cAnArY:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400, not_origin},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400, not_origin},
      {"GET /cAnArY HTTP/2.0\r\nHost: h\r\n\r\n", 505, "only HTTP/1.1 and HTTP/1.0 are served"},
      {"GET /cAnArY HTTP/1.1\r\n\r\n", 400, "the Host header is missing"},
      {"GET /cAnArY HTTP/1.1\nHost: h\n\n", 400, "the request line is malformed"},
      {get + "Host: cAnArY\r\n\r\n", 400, repeated},
      {get + "Authorization: cAnArY\r\nauthorization: x\r\n\r\n", 400, repeated},
      {get + "X-Vault-Token: cAnArY\r\nX-VAULT-TOKEN: cAnArY\r\n\r\n", 400, repeated},
      {get + "Expect: cAnArY\r\n\r\n", 417, "the expectation is not known"},
      {get + "Content-Length: 2097153\r\n\r\n", 413, "the body is too large"},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414, "the request target is too long"},
      {"GET /" + std::string(20000, 'a'), 414, "the request target is too long"},
      {get + "X: " + std::string(40000, 'a') + "\r\n\r\n", 431, "the headers are too large"},
      {get + [] { std::string many; for (int i = 0; i < 65; ++i) many += "x: y\r\n"; return many; }() + "\r\n", 431, "there are too many headers"},
      {"cAnArY\r\n\r\n", 400, "the request line is malformed"},
      {"\x16\x03\x01\x02\n", 400, "the request line is malformed"},  // The start of TLS.
  };
  for (const Case& refused : cases) {
    Client client(server->port(0));
    client.send(refused.bytes);
    const std::string all = client.read_to_end();
    const std::string length = std::to_string(refused.reason.size());
    EXPECT_THAT(all, StartsWith("HTTP/1.1 " + std::to_string(refused.status) + " ")) << refused.bytes.substr(0, 80);
    EXPECT_THAT(all, ::testing::EndsWith("\r\nContent-Type: text/plain\r\nContent-Length: " + length +
                                         "\r\nConnection: close\r\n\r\n" + refused.reason)) << refused.bytes.substr(0, 80);
    EXPECT_THAT(all, Not(HasSubstr("cAnArY")));
  }
  EXPECT_EQ(requests, 0);
}

TEST(Server, RefusesPipelinedGarbageAfterAnsweringWhatCameBefore) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  client.send(std::string(kGet) + "garbage\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().status, 400);
  EXPECT_TRUE(client.closed());
}

TEST(Server, ReportsTheRefusalToAClientThatGoesOnSending) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  // Closing at once would reset the connection under the response.
  ASSERT_TRUE(client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + std::string(9'000'000, 'a')));
  EXPECT_EQ(client.read().status, 413);
}

TEST(Server, AnswersAClientThatHasFinishedSending) {
  TestHandler handler;
  const auto server = start_server(handler);
  Client client(server->port(0));
  client.send(kGet);
  client.finish_sending();
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(Server, TurnsAnUnansweredExchangeInto500) {
  TestHandler handler([](Worker&, Request request, std::unique_ptr<Exchange> exchange) {
    if (request.target == "/throw") throw std::bad_alloc();
    exchange.reset();
  });
  const auto server = start_server(handler);
  Client client(server->port(0));
  EXPECT_EQ(client.ask(kGet).status, 500);
  EXPECT_EQ(client.ask("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n").status, 500);
}

TEST(Server, TurnsAMalformedResponseInto500) {
  TestHandler handler([](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    Response response = text_response("");
    response.headers = "X: a\r\n\r\nsmuggled";
    exchange->respond(std::move(response));
  });
  const auto server = start_server(handler);
  EXPECT_EQ(Client(server->port(0)).ask(kGet).status, 500);
}

TEST(Server, TakesResponsesFromOtherThreadsThroughTheWorker) {
  std::vector<std::thread> threads;
  TestHandler handler([&](Worker& worker, Request, std::unique_ptr<Exchange> exchange) {
    threads.emplace_back([&worker, held = std::make_shared<std::unique_ptr<Exchange>>(std::move(exchange))]() mutable {
      worker.post([held = std::move(held)] { (*held)->respond(text_response("late")); });
    });
  });
  auto server = start_server(handler);
  Client client(server->port(0));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.ask(kGet).body, "late");
  server->stop(1'000);
  for (std::thread& thread : threads) thread.join();
}

TEST(Server, KeepsStateWithAConnection) {
  static std::atomic<int> alive;
  alive = 0;
  struct Count final : ConnectionState {
    Count() { ++alive; }
    ~Count() override { --alive; }
    int requests = 0;
  };
  TestHandler handler([](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    if (exchange->state() == nullptr) exchange->state() = std::make_unique<Count>();
    const int requests = ++static_cast<Count&>(*exchange->state()).requests;
    exchange->respond(text_response(std::to_string(requests)));
  });
  auto server = start_server(handler);
  Client one(server->port(0));
  Client two(server->port(0));
  EXPECT_EQ(one.ask(kGet).body, "1");
  EXPECT_EQ(one.ask(kGet).body, "2");
  EXPECT_EQ(two.ask(kGet).body, "1");
  EXPECT_EQ(alive, 2);
  server->stop(0);
  EXPECT_EQ(alive, 0);
}

TEST(Server, SurvivesAnExchangeThatOutlivesItsConnection) {
  std::promise<std::unique_ptr<Exchange>> held;
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) { held.set_value(std::move(exchange)); });
  auto server = start_server(handler);
  Client client(server->port(0));
  client.send(kGet);
  auto exchange = held.get_future().get();
  server->stop(0);
  EXPECT_EQ(exchange->state(), nullptr);
  exchange->respond(text_response("nobody is there"));
}

TEST(Server, RefusesAPortThatIsTaken) {
  TestHandler handler;
  for (const int threads : {1, 2}) {
    ServerOptions options;
    options.threads = threads;
    const auto server = start_server(handler, options);
    options.listeners = {{.host = "127.0.0.1", .port = server->port(0)}};
    const auto second = Server::bind(options, handler);
    ASSERT_FALSE(second.ok());
    EXPECT_THAT(second.error().message, HasSubstr("cannot listen on 127.0.0.1 port"));
  }
  ServerOptions options;
  options.listeners = {{.host = "localhost"}};
  EXPECT_THAT(Server::bind(options, handler).error().message, HasSubstr("is not an IP address"));
}

TEST(Server, ListensOnBothFamiliesAtOnce) {
  std::promise<std::string> peer;
  TestHandler handler([&](Worker&, Request request, std::unique_ptr<Exchange> exchange) {
    peer.set_value(request.peer_address);
    exchange->respond(text_response(""));
  });
  ServerOptions options;
  options.threads = 1;
  options.listeners = {{.host = "::"}};
  auto server = Server::bind(options, handler);
  if (!server.ok()) GTEST_SKIP() << "no IPv6 here";
  (*server)->start(Server::Doors::kOpen);
  Client((*server)->port(0)).ask(kGet);
  EXPECT_EQ(peer.get_future().get(), "127.0.0.1");
}

TEST(ServerDoors, WhoComesToClosedDoorsWaitsAndIsServed) {
  TestHandler handler([](Worker&, Request, std::unique_ptr<Exchange> exchange) { exchange->respond(text_response("in")); });
  ServerOptions options;
  options.listeners = {ListenerOptions{.host = "127.0.0.1"}};
  options.threads = 1;
  auto server = Server::bind(std::move(options), handler);
  ASSERT_TRUE(server.ok());
  (*server)->start(Server::Doors::kClosed);
  Client early((*server)->port(0));
  early.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int turn = 0; turn < 3; ++turn) {
    std::promise<void> ran;
    (*server)->worker(0).post([&ran] { ran.set_value(); });
    ran.get_future().wait();
  }
  EXPECT_EQ((*server)->connections(), 0u);
  (*server)->open_doors();
  EXPECT_EQ(early.read().body, "in");
  EXPECT_EQ(Client((*server)->port(0)).ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body, "in");
}

}  // namespace
}  // namespace keyhold::http
