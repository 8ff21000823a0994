#include "http/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace keyhold::http {
namespace {

constexpr std::size_t kBodyBytesMax = 1000;

Request with_head(std::string_view head) {
  Request request;
  request.head = SecretBytes::copy_of(head);
  return request;
}

int refused(std::string_view headers, std::string_view version = "1.1") {
  RequestParser parser(kBodyBytesMax);
  Request request = with_head("POST / HTTP/" + std::string(version) + "\r\n" + std::string(headers) + "\r\n");
  const auto refusal = parser.parse_head(request);
  return refusal ? refusal->status : 0;
}

TEST(RequestParser, SplitsIntoViewsThatMoveWithTheRequest) {
  RequestParser parser(kBodyBytesMax);
  Request request = with_head("LIST /a?b HTTP/1.1\r\nHOST: h:1\r\nX-Vault-Token: \t s.x  \r\nEmpty:\r\n\r\n");
  ASSERT_FALSE(parser.parse_head(request).has_value());
  const Request moved = std::move(request);
  EXPECT_EQ(moved.method, "LIST");
  EXPECT_EQ(moved.target, "/a?b");
  ASSERT_EQ(moved.headers.size(), 3u);
  EXPECT_EQ(moved.header("host"), "h:1");
  EXPECT_EQ(moved.header("x-vault-token"), "s.x");
  EXPECT_EQ(moved.header("empty"), "");
  EXPECT_EQ(moved.header("absent"), std::nullopt);
  EXPECT_EQ(moved.headers[0].name.data() - moved.head.reveal().data(), 20);
}

TEST(RequestParser, RefusesAmbiguousFraming) {
  EXPECT_EQ(refused("Host: a\r\nContent-Length: 5\r\n"), 0);
  EXPECT_EQ(refused("Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(refused("Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n"), 400);
  for (const char* value : {"5, 5", "+5", "-5", "0x5", "5 5", "", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(refused("Host: a\r\nContent-Length: " + std::string(value) + "\r\n"), 400) << value;
  }
  EXPECT_EQ(refused("Host: a\r\nTransfer-Encoding: chunked\r\n"), 0);
  EXPECT_EQ(refused("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(refused("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refused("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  for (const char* value : {"gzip", "gzip, chunked", "chunked, chunked", "xchunked", "chunked;q=1", "identity", ""}) {
    EXPECT_EQ(refused("Host: a\r\nTransfer-Encoding: " + std::string(value) + "\r\n"), 501) << value;
  }
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\n", "1.0"), 400);
}

TEST(RequestParser, OnePathMayHaveALargerBody) {
  const std::vector<BodyBound> bounds{{"/large", 5'000}};
  const auto refusal = [&](std::string_view target, int bytes) {
    RequestParser parser(kBodyBytesMax, bounds);
    Request request = with_head("POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
    const auto refused = parser.parse_head(request);
    return refused ? refused->status : 0;
  };
  EXPECT_EQ(refusal("/large", 5'000), 0);
  EXPECT_EQ(refusal("/large?a=b", 5'000), 0);
  EXPECT_EQ(refusal("/large", 5'001), 413);
  for (const char* other : {"/large/", "/large2", "/l", "/", "/LARGE", "/other?/large"}) EXPECT_EQ(refusal(other, 1'001), 413) << other;
}

TEST(RequestParser, RefusesDeclaredSizesAndExpectations) {
  EXPECT_EQ(refused("Host: a\r\nContent-Length: 1000\r\n"), 0);
  EXPECT_EQ(refused("Host: a\r\nContent-Length: 1001\r\n"), 413);
  EXPECT_EQ(refused("Host: a\r\nExpect: 100-continue\r\n"), 0);
  EXPECT_EQ(refused("Host: a\r\nExpect: miracles\r\n"), 417);
  EXPECT_EQ(refused("Expect: miracles\r\n", "1.0"), 0);
}

TEST(RequestParser, WantsOneHost) {
  EXPECT_EQ(refused(""), 400);
  EXPECT_EQ(refused("", "1.0"), 0);
  EXPECT_EQ(refused("Host: a\r\nHost: a\r\n"), 400);
  for (const char* good : {"localhost", "vault.example.com:8200", "[::1]:8200", "a_b-c~d"}) {
    EXPECT_EQ(refused("Host: " + std::string(good) + "\r\n"), 0) << good;
  }
  for (const char* bad : {"", "a b", "a/b", "a@b", "a,b", "<a>", "\xc3\xa4"}) {
    EXPECT_EQ(refused("Host: " + std::string(bad) + "\r\n"), 400) << bad;
  }
}

TEST(RequestParser, RefusesRepeatedCredentials) {
  for (const char* name : {"Authorization", "X-Vault-Token", "x-vault-namespace", "Content-Type", "X-Amz-Target", "X-Amz-Date",
                           "X-Amz-Security-Token", "Expect"}) {
    const std::string line = std::string(name) + ": 100-continue\r\n";
    EXPECT_EQ(refused("Host: a\r\n" + line), 0) << name;
    EXPECT_EQ(refused("Host: a\r\n" + line + line), 400) << name;
  }
  EXPECT_EQ(refused("Host: a\r\nX-Vault-MFA: a\r\nX-Vault-MFA: b\r\n"), 0);
}

TEST(RequestParser, KeepsAliveByVersionAndConnection) {
  const auto keeps_alive = [](std::string_view head) {
    RequestParser parser(kBodyBytesMax);
    Request request = with_head(head);
    EXPECT_FALSE(parser.parse_head(request).has_value());
    return parser.framing().keep_alive;
  };
  EXPECT_TRUE(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n"));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

struct Decoded {
  std::string body;
  int refused = 0;
  bool complete = false;
  std::size_t unread = 0;
};

/// Shows the parser `step` more bytes at a time.
Decoded decode(std::string_view wire, std::size_t step) {
  RequestParser parser(kBodyBytesMax);
  Request request = with_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_FALSE(parser.parse_head(request).has_value());
  Decoded decoded;
  std::size_t used = 0;
  for (std::size_t seen = 0; seen < wire.size() && !decoded.complete && decoded.refused == 0;) {
    seen = std::min(seen + step, wire.size());
    const auto progress = parser.put_chunked(wire.substr(used, seen - used), request.body);
    used += progress.consumed;
    decoded.complete = progress.complete;
    decoded.refused = progress.refusal ? progress.refusal->status : 0;
  }
  decoded.body = request.body.reveal();
  decoded.unread = wire.size() - used;
  EXPECT_TRUE(decoded.complete || request.headers.size() == 2);
  return decoded;
}

TEST(ChunkedBody, DecodesInPiecesOfAnySize) {
  // Beast asserts on a last chunk that comes byte by byte: hence all the steps.
  for (const std::string_view wire : {"0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "A;x=\"y\";z\r\n0123456789\r\n00\r\nTrailer: x\r\nHost: b\r\n\r\n"}) {
    for (std::size_t step = 1; step <= wire.size(); ++step) {
      const Decoded decoded = decode(std::string(wire) + "GET ", step);
      EXPECT_TRUE(decoded.complete) << wire << step;
      EXPECT_EQ(decoded.body, wire[0] == '0' ? "" : wire[0] == '3' ? "abc" : "0123456789");
      EXPECT_GE(decoded.unread, 4u);
    }
  }
}

TEST(ChunkedBody, RefusesWhatIsMalformed) {
  for (const std::string_view wire :
       {"g\r\nabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "3;\r\nabc\r\n0\r\n\r\n", "3;a=\"x\ny\"\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "10000000000000000\r\nabc\r\n0\r\n\r\n", "\r\n3\r\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\nbad trailer\r\n\r\n", "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n"}) {
    for (const std::size_t step : {std::size_t{1}, wire.size()}) EXPECT_EQ(decode(wire, step).refused, 400) << wire << step;
  }
  EXPECT_EQ(decode("3;" + std::string(300, 'x') + "\r\nabc\r\n0\r\n\r\n", 7).refused, 400);
}

TEST(ChunkedBody, IsLimitedBeforeItIsRead) {
  EXPECT_EQ(decode("3e8\r\n" + std::string(1000, 'a') + "\r\n0\r\n\r\n", 100).refused, 0);
  EXPECT_EQ(decode("3e9\r\n", 5).refused, 413);
  EXPECT_EQ(decode("ffffffffffffffff\r\n", 18).refused, 413);
  EXPECT_EQ(decode("3\r\nabc\r\n3e6\r\n", 13).refused, 413);
}

}  // namespace
}  // namespace keyhold::http
