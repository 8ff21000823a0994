#include "client/http_call.h"

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

namespace keyhold::server {
namespace {

using http::Exchange;
using http::Request;
using http::Response;
using http::ServerOptions;
using http::TlsFiles;
using http::Worker;
using http::test::start_server;
using http::test::TestHandler;
using http::test::text_response;
using http::test::TlsFixture;

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

struct Call {
  client::HttpRequest request{};
  client::HttpSettings settings{};
};

/// The status, or the error's text.
std::string outcome(const Call& call) {
  const auto answer = client::HttpClient(call.settings).call(call.request);
  if (answer.ok()) return std::to_string(answer->status);
  EXPECT_EQ(answer.code(), Code::kUnavailable);
  EXPECT_EQ(answer.error().message.find(kMarker), std::string::npos) << answer.error().message;
  return answer.error().message;
}

/// What is sent to `url` unless a test says otherwise.
Call call_to(std::string_view url, std::string_view ca_pem = {}) {
  return {.request = {.method = "POST", .url = url, .body = kMarker, .headers = {{"X-Marker", kMarker}}},
          .settings = {.ca_pem = std::string(ca_pem), .answer_bytes_max = kAnswerBytesMax}};
}

TEST(OutgoingCalls, PostsBodyAndHeadersAndTellsTheStatus) {
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
  Call call = call_to(url);
  call.request.body = R"({"Step":"createSecret"})";
  call.request.headers = {{"X-Given", "value"}};
  EXPECT_EQ(outcome(call), "201");
  EXPECT_EQ(seen, R"(POST /rotate?x=1 value {"Step":"createSecret"})");
  call.request.body = {};
  EXPECT_EQ(outcome(call), "201");
  EXPECT_EQ(seen, "POST /rotate?x=1 value ") << "nothing is posted, and nothing is read from elsewhere for it";
  const std::string busy = url_of("http://127.0.0.1", server->port(0), "/busy");
  EXPECT_EQ(outcome(call_to(busy)), "503");
}

TEST(OutgoingCalls, BelievesTheGivenAuthorityAndNoOther) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  const std::string ca_pem = read_file(fixture.path("ca.pem"));
  for (const char* host : {"https://127.0.0.1", "https://localhost"}) {
    const std::string url = url_of(host, server->port(0));
    EXPECT_EQ(outcome(call_to(url, ca_pem)), "200") << host;
  }
  const std::string url = url_of("https://127.0.0.1", server->port(0));
  fixture.issue("other", "other_ca.pem");
  const std::string other_pem = read_file(fixture.path("other_ca.pem"));
  EXPECT_EQ(outcome(call_to(url, other_pem)), "its certificate is not one to trust");
  EXPECT_EQ(outcome(call_to(url)), "its certificate is not one to trust") << "the system does not know it";
  EXPECT_EQ(outcome(call_to(url, other_pem + ca_pem)), "200") << "any of several";
  EXPECT_EQ(outcome(call_to(url, "no certificate")), "the authorities to trust cannot be read");
}

TEST(OutgoingCalls, RefusesTheCertificateOfAnotherHost) {
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
  EXPECT_EQ(outcome(call_to(url, made->ca_pem)), "its certificate is not one to trust");
  EXPECT_EQ(requests, 0);
}

TEST(OutgoingCalls, FollowsNoRedirection) {
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
  EXPECT_EQ(outcome(call_to(url)), "307");
  EXPECT_EQ(requests, 1);
}

TEST(OutgoingCalls, ReadsABoundedAnswer) {
  std::atomic<std::size_t> answer_bytes = kAnswerBytesMax;
  TestHandler handler([&](Worker&, Request, std::unique_ptr<Exchange> exchange) {
    exchange->respond(text_response(std::string(answer_bytes, 'a')));
  });
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  EXPECT_EQ(outcome(call_to(url)), "200");
  answer_bytes = kAnswerBytesMax + 1;
  EXPECT_EQ(outcome(call_to(url)), "its answer is too long");
}

TEST(OutgoingCalls, GivesUpWhenItsTimeIsOverOrTheServerStops) {
  const SilentPort silent(SilentPort::Connections::kTaken);
  const std::string url = url_of("http://127.0.0.1", silent.port());
  Call call = call_to(url);
  call.settings.timeout_ms = 100;
  EXPECT_EQ(outcome(call), "it did not answer in time");
  const std::string tls_url = url_of("https://127.0.0.1", silent.port());
  call.request.url = tls_url;
  EXPECT_EQ(outcome(call), "it did not answer in time") << "nor shake hands";
  Call stopped = call_to(url);
  stopped.request.stopping = [] { return true; };
  EXPECT_EQ(outcome(stopped), "this program is stopping");
}

TEST(OutgoingCalls, SaysWhatWentWrong) {
  const SilentPort refusing(SilentPort::Connections::kRefused);
  const std::string refused = url_of("http://127.0.0.1", refusing.port(), "/" + std::string(kMarker));
  EXPECT_EQ(outcome(call_to(refused)), "it could not be connected to");
  for (const char* url : {"", "://c0ffee-marker", "file:///c0ffee-marker", "ftp://127.0.0.1/c0ffee-marker", "http://127.0.0.1:c0ffee-marker/"}) {
    EXPECT_EQ(outcome(call_to(url)), "its URL cannot be used") << url;
  }
  TestHandler handler;
  const auto server = start_server(handler);
  const std::string plain = url_of("https://127.0.0.1", server->port(0));
  EXPECT_EQ(outcome(call_to(plain)), "no TLS connection to it came about");
}

TEST(OutgoingCalls, TakesNoProxyFromTheEnvironment) {
  const SilentPort refusing(SilentPort::Connections::kRefused);
  TestHandler handler;
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  const std::string proxy = url_of("http://127.0.0.1", refusing.port());
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::setenv(name, proxy.c_str(), 1);
  EXPECT_EQ(outcome(call_to(url)), "200");
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
}

TEST(OutgoingCalls, RefusesHeadersThatAreNotOneLine) {
  TestHandler handler;
  const auto server = start_server(handler);
  const std::string url = url_of("http://127.0.0.1", server->port(0));
  for (const std::string_view value : {std::string_view("a\r\nX-Other: b"), std::string_view("a\nb"), std::string_view("a\0b", 3)}) {
    Call call = call_to(url);
    call.request.headers = {{"X-Given", value}};
    EXPECT_EQ(outcome(call), "the request could not be made");
  }
}

}  // namespace
}  // namespace keyhold::server
