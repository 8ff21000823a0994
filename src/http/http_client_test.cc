#include "http/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "crypto/certificate.h"
#include "http/test_support.h"

namespace keyhold::http {
namespace {

using test::start_server;
using test::TestHandler;
using test::text_response;
using test::TlsFixture;

constexpr std::size_t kAnswerBytesMax = 1024 * 1024;
constexpr std::string_view kMarker = "c0ffee-marker";  // In all that is sent: no error may hold it.

/// A port of this machine at which nobody answers: connections are refused, or taken and left alone.
class SilentPort {
 public:
  enum class Connections { kRefused, kTaken };

  explicit SilentPort(Connections connections) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    CHECK(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    if (connections == Connections::kTaken) CHECK(::listen(descriptor_, 8) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentPort() { ::close(descriptor_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

std::string url_of(std::string_view scheme_and_host, std::uint16_t port, std::string_view path = "/rotate") {
  return std::string(scheme_and_host) + ":" + std::to_string(port) + std::string(path);
}

ServerOptions with_tls(const TlsFiles& files) {
  ServerOptions options;
  options.listeners = {{.host = {}, .port = 0, .tls = true, .tls_files = files}};
  return options;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The status, or the error's text.
std::string outcome(const ClientRequest& request) {
  const auto status = post(request);
  if (status.ok()) return std::to_string(*status);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.error().message.find(kMarker), std::string::npos) << status.error().message;
  return status.error().message;
}

/// What is sent to `url` unless a test says otherwise.
ClientRequest request_to(std::string_view url, std::string_view ca_pem = {}) {
  ClientRequest request;
  request.url = url;
  request.body = kMarker;
  request.headers = {{"X-Marker", std::string(kMarker)}};
  request.ca_pem = ca_pem;
  return request;
}

TEST(HttpClient, PostsBodyAndHeadersAndTellsTheStatus) {
  std::string seen;
  TestHandler handler([&](Worker&, Request request, std::unique_ptr<Exchange> exchange) {
    seen = std::string(request.method) + " " + std::string(request.target) + " " + std::string(request.header("x-given").value_or("(none)")) + " " +
           std::string(request.body.reveal());
    Response response = text_response("an answer that nobody reads");
    response.status = request.target == "/busy" ? 503 : 201;
    exchange->respond(std::move(response));
  });
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0), "/rotate?x=1");
  ClientRequest request = request_to(url);
  request.body = R"({"Step":"createSecret"})";
  request.headers = {{"X-Given", "value"}};
  EXPECT_EQ(outcome(request), "201");
  EXPECT_EQ(seen, R"(POST /rotate?x=1 value {"Step":"createSecret"})");
  request.body = {};
  EXPECT_EQ(outcome(request), "201");
  EXPECT_EQ(seen, "POST /rotate?x=1 value ") << "nothing is posted, and nothing is read from elsewhere for it";
  const std::string busy = url_of("http://127.0.0.1", server->port(0), "/busy");
  EXPECT_EQ(outcome(request_to(busy)), "503");
}

TEST(HttpClient, BelievesTheGivenAuthorityAndNoOther) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  const std::string ca_pem = read_file(fixture.path("ca.pem"));
  for (const char* host : {"https://127.0.0.1", "https://localhost"}) {
    const std::string url = url_of(host, server->port(0));
    EXPECT_EQ(outcome(request_to(url, ca_pem)), "200") << host;
  }
  const std::string url = url_of("https://127.0.0.1", server->port(0));
  fixture.issue("other", "other_ca.pem");
  const std::string other_pem = read_file(fixture.path("other_ca.pem"));
  EXPECT_EQ(outcome(request_to(url, other_pem)), "its certificate is not one to trust");
  EXPECT_EQ(outcome(request_to(url)), "its certificate is not one to trust") << "the system does not know it";
  EXPECT_EQ(outcome(request_to(url, other_pem + ca_pem)), "200") << "any of several";
  EXPECT_EQ(outcome(request_to(url, "no certificate")), "the authorities to trust cannot be read");
}

TEST(HttpClient, RefusesTheCertificateOfAnotherHost) {
  const TlsFixture fixture;
  auto made = crypto::make_development_certificates({"elsewhere.example"}, 2);
  ASSERT_TRUE(made.ok());
  fixture.write("server.pem", made->certificate_pem);
  fixture.write("server.key", made->private_key_pem.reveal());
  int requests = 0;
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    ++requests;
    exchange->respond(text_response(""));
  });
  const auto server = start_server(handler, with_tls(fixture.files()));
  const std::string url = url_of("https://127.0.0.1", server->port(0));
  EXPECT_EQ(outcome(request_to(url, made->ca_pem)), "its certificate is not one to trust");
  EXPECT_EQ(requests, 0);
}

TEST(HttpClient, FollowsNoRedirection) {
  std::atomic<int> requests = 0;
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    ++requests;
    Response response = text_response("");
    response.status = 307;
    response.headers = "Location: /elsewhere\r\n";
    exchange->respond(std::move(response));
  });
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  EXPECT_EQ(outcome(request_to(url)), "307");
  EXPECT_EQ(requests, 1);
}

TEST(HttpClient, ReadsABoundedAnswer) {
  std::atomic<std::size_t> answer_bytes = kAnswerBytesMax;
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    exchange->respond(text_response(std::string(answer_bytes, 'a')));
  });
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  EXPECT_EQ(outcome(request_to(url)), "200");
  answer_bytes = kAnswerBytesMax + 1;
  EXPECT_EQ(outcome(request_to(url)), "its answer is too long");
}

TEST(HttpClient, GivesUpWhenItsTimeIsOverOrTheServerStops) {
  const SilentPort silent(SilentPort::Connections::kTaken);
  const std::string url = url_of("http://127.0.0.1", silent.port());
  ClientRequest request = request_to(url);
  request.timeout_ms = 100;
  EXPECT_EQ(outcome(request), "it did not answer in time");
  const std::string tls_url = url_of("https://127.0.0.1", silent.port());
  request.url = tls_url;
  EXPECT_EQ(outcome(request), "it did not answer in time") << "nor shake hands";
  ClientRequest stopped = request_to(url);
  stopped.stopping = [] { return true; };
  EXPECT_EQ(outcome(stopped), "this server is stopping");
}

TEST(HttpClient, SaysWhatWentWrong) {
  const SilentPort refusing(SilentPort::Connections::kRefused);
  const std::string refused = url_of("http://127.0.0.1", refusing.port(), "/" + std::string(kMarker));
  EXPECT_EQ(outcome(request_to(refused)), "it could not be connected to");
  for (const char* url : {"", "://c0ffee-marker", "file:///c0ffee-marker", "ftp://127.0.0.1/c0ffee-marker", "http://127.0.0.1:c0ffee-marker/"}) {
    EXPECT_EQ(outcome(request_to(url)), "its URL cannot be used") << url;
  }
  TestHandler handler;
  const auto server = start_server(handler);
  const std::string plain = url_of("https://127.0.0.1", server->port(0));
  EXPECT_EQ(outcome(request_to(plain)), "no TLS connection to it came about");
}

TEST(HttpClient, TakesNoProxyFromTheEnvironment) {
  const SilentPort refusing(SilentPort::Connections::kRefused);
  TestHandler handler;
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  const std::string proxy = url_of("http://127.0.0.1", refusing.port());
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::setenv(name, proxy.c_str(), 1);
  EXPECT_EQ(outcome(request_to(url)), "200");
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
}

TEST(HttpClient, RefusesHeadersThatAreNotOneLine) {
  TestHandler handler;
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  for (const std::string_view value : {std::string_view("a\r\nX-Other: b"), std::string_view("a\nb"), std::string_view("a\0b", 3)}) {
    ClientRequest request = request_to(url);
    request.headers = {{"X-Given", std::string(value)}};
    EXPECT_EQ(outcome(request), "the request could not be made");
  }
}

}  // namespace
}  // namespace keyhold::http
