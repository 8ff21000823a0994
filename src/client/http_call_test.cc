#include "client/http_call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace keyhold::client {
namespace {

/// Accepts one connection, and answers what it gets with `answer` for as many requests as there are pieces.
class OneServer {
 public:
  explicit OneServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 1);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// After the last answer.
  const std::string& received() const { return received_; }

 private:
  void serve() {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    for (const std::string& answer : answers_) {
      std::string request;
      char piece[4096];
      while (request.find("\r\n\r\n") == std::string::npos || (request.find("Content-Length: 4") != std::string::npos && !request.ends_with("body"))) {
        const ssize_t got = ::recv(connection, piece, sizeof piece, 0);
        if (got <= 0) break;
        request.append(piece, static_cast<std::size_t>(got));
      }
      received_ += request;
      ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    ::close(connection);
  }

  std::vector<std::string> answers_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::string received_;
  std::thread thread_;
};

TEST(HttpClient, SendsAndReads) {
  std::string received;
  {
    OneServer server({"HTTP/1.1 201 Created\r\nX-Some: thing \r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n"});
    HttpClient client({});
    const auto answer = client.call({.method = "PATCH", .url = server.url() + "/a/../b", .body = "body", .headers = {{"X-Token", "t"}, {"X-Empty", ""}}});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, 201);
    EXPECT_EQ(answer->body.reveal(), "hello");
    EXPECT_EQ(answer->header("x-some"), "thing");
    EXPECT_EQ(answer->header("x-none"), "");
    const auto second = client.call({.method = "DELETE", .url = server.url() + "/c"});
    ASSERT_TRUE(second.ok()) << "the connection is kept: " << second.error().message;
    EXPECT_EQ(second->status, 204);
    received = server.received();
  }
  EXPECT_NE(received.find("PATCH /a/../b HTTP/1.1\r\n"), std::string::npos) << received;
  EXPECT_NE(received.find("X-Token: t\r\n"), std::string::npos);
  EXPECT_NE(received.find("X-Empty:\r\n"), std::string::npos);
  EXPECT_NE(received.find("\r\n\r\nbody"), std::string::npos);
  EXPECT_NE(received.find("DELETE /c HTTP/1.1\r\n"), std::string::npos);
  EXPECT_EQ(received.find("Expect:"), std::string::npos);
}

TEST(HttpClient, FollowsNoRedirection) {
  OneServer server({"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"});
  const auto answer = HttpClient({}).call({.url = server.url()});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(answer->header("location"), "http://127.0.0.1:1/");
}

TEST(HttpClient, BoundsTheAnswer) {
  OneServer server({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"});
  HttpSettings settings;
  settings.answer_bytes_max = 4;
  const auto answer = HttpClient(settings).call({.url = server.url()});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().name, http_failure::kTooLong);
}

TEST(HttpClient, SaysWhatWentWrong) {
  HttpSettings settings;
  settings.timeout_ms = 200;
  EXPECT_EQ(HttpClient(settings).call({.url = "http://127.0.0.1:1"}).error().name, http_failure::kConnect);
  EXPECT_EQ(HttpClient(settings).call({.url = "ftp://127.0.0.1"}).error().name, http_failure::kUrl);
  EXPECT_EQ(HttpClient(settings).call({.url = "nonsense"}).error().name, http_failure::kUrl);
  {
    OneServer server({""});
    EXPECT_EQ(HttpClient(settings).call({.url = server.url()}).error().name, http_failure::kBroken);
  }
  OneServer server({"this is no HTTP at all\r\n\r\n"});
  EXPECT_FALSE(HttpClient(settings).call({.url = server.url()}).ok());
}

TEST(HttpClient, GivesUpWhenToldTo) {
  OneServer server({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  const auto answer = HttpClient({}).call({.url = server.url(), .stopping = [] { return true; }});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().name, http_failure::kStopped);
}

}  // namespace
}  // namespace keyhold::client
