#include "http/head_check.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace keyhold::http {
namespace {

int refused(std::string_view head) {
  const auto refusal = check_head(head);
  return refusal ? refusal->status : 0;
}

std::string with_header(std::string_view line) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  head.append(line).append("\r\n\r\n");
  return head;
}

/// `around` with its '@' replaced.
std::string with_byte(std::string around, char byte) {
  around[around.find('@')] = byte;
  return around;
}

TEST(HeadSize, FindsTheEmptyLineWhereverReadsEnd) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string bytes = head + "rest\r\n\r\n";
  for (std::size_t seen = 0; seen <= head.size(); ++seen) {
    EXPECT_EQ(head_size(bytes.substr(0, seen), 0), seen == head.size() ? seen : 0u) << seen;
    const std::size_t from = seen < head.size() ? seen : 0;
    EXPECT_EQ(head_size(bytes, from), head.size()) << seen;
  }
}

TEST(HeadSize, StopsAtABareLineFeed) {
  EXPECT_EQ(head_size("GET / HTTP/1.1\nHost", 0), 15u);
  EXPECT_EQ(head_size("\nGET", 0), 1u);
  EXPECT_EQ(refused("GET / HTTP/1.1\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\n"), 400);
}

TEST(HeadCheck, AcceptsWhatClientsSend) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 0);
  EXPECT_EQ(refused("LIST /v1/secret/metadata/a%20b?list=true&x={y} HTTP/1.0\r\nHost: a\r\nX:\r\n\r\n"), 0);
  EXPECT_EQ(refused(with_header("X-Name: \tsome \"text\", \xc3\xa4 \t ")), 0);
}

TEST(HeadCheck, RefusesByteByByte) {
  // Which bytes may stand in the method, the target, a name and a value.
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool token = (value < 128 && std::isalnum(value) != 0) || (value != 0 && kMarks.find(c) != kMarks.npos);
    EXPECT_EQ(refused(with_byte("G@T / HTTP/1.1\r\n\r\n", c)) == 0, token) << value;
    EXPECT_EQ(refused(with_byte(with_header("x@y: v"), c)) == 0, token || c == ':') << value;
    EXPECT_EQ(refused(with_byte("GET /a@b HTTP/1.1\r\n\r\n", c)) == 0, value > 32 && value < 127 && c != '#') << value;
    EXPECT_EQ(refused(with_byte(with_header("x: a@b"), c)) == 0, c == '\t' || (value >= 32 && value != 127)) << value;
  }
}

TEST(HeadCheck, RefusesRequestLines) {
  EXPECT_EQ(refused("\r\n"), 400);
  EXPECT_EQ(refused("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET /  HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1 \r\n\r\n"), 400);
  EXPECT_EQ(refused("GET /\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET http://host/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("CONNECT host:80 HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("OPTIONS * HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(refused("GET / HTTP/1.2\r\n\r\n"), 505);
  EXPECT_EQ(refused("GET / HTTP/0.9\r\n\r\n"), 505);
  EXPECT_EQ(refused("GET / http/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.10\r\n\r\n"), 400);
  EXPECT_EQ(refused(std::string(33, 'A').append(" / HTTP/1.1\r\n\r\n")), 501);
}

TEST(HeadCheck, RefusesLines) {
  EXPECT_EQ(refused(with_header("X : a")), 400);
  EXPECT_EQ(refused(with_header(" folded: a")), 400);
  EXPECT_EQ(refused(with_header("X: a\r\n b")), 400);
  EXPECT_EQ(refused(with_header("X: a\r\n\tb")), 400);
  EXPECT_EQ(refused(with_header(": a")), 400);
  EXPECT_EQ(refused(with_header("X")), 400);
  EXPECT_EQ(refused(with_header("X: a\rY: b")), 400);
  EXPECT_EQ(refused(with_header("X: a\nY: b")), 400);
}

TEST(HeadCheck, EnforcesLimits) {
  const auto of_target = [](std::size_t bytes) {
    std::string head = "GET /";
    head.append(bytes - 1, 'a').append(" HTTP/1.1\r\n\r\n");
    return head;
  };
  EXPECT_EQ(refused(of_target(limits::kHttpTargetBytesMax)), 0);
  EXPECT_EQ(refused(of_target(limits::kHttpTargetBytesMax + 1)), 414);
  std::string head = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < limits::kHttpHeaderCountMax; ++i) head += "x: y\r\n";
  EXPECT_EQ(refused(head + "\r\n"), 0);
  EXPECT_EQ(refused(head + "x: y\r\n\r\n"), 431);
}

}  // namespace
}  // namespace keyhold::http
