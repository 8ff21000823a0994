#include "http/render.h"

#include <gtest/gtest.h>

namespace keyhold::http {
namespace {

Response response(int status, std::string content_type, std::string headers, std::string_view body) {
  Response made;
  made.status = status;
  made.content_type = std::move(content_type);
  made.headers = std::move(headers);
  made.body = SecretBytes::copy_of(body);
  return made;
}

std::string rendered(const Response& made, Body body = Body::kSent, Afterwards afterwards = Afterwards::kKeepAlive) {
  SecretBytes out;
  render(made, "Date: x\r\n", body, afterwards, out);
  return std::string(out.reveal());
}

TEST(Render, WritesOneMessage) {
  EXPECT_EQ(rendered(response(200, "text/plain", "A: b\r\n", "hello")),
            "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: text/plain\r\nA: b\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(rendered(response(404, "", "", ""), Body::kSent, Afterwards::kClose),
            "HTTP/1.1 404 Not Found\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(Render, OmitsTheBodyButNotItsLength) {
  EXPECT_EQ(rendered(response(200, "a/b", "", "hello"), Body::kOmitted),
            "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\n");
}

TEST(Render, SendsNoBodyWhereNoneMayBe) {
  EXPECT_EQ(rendered(response(204, "a/b", "", "hello")), "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n");
}

TEST(Render, KnowsWhatIsNotSafeToSend) {
  EXPECT_TRUE(well_formed(response(200, "a/b", "A: b\r\nC: d\r\n", "")));
  EXPECT_FALSE(well_formed(response(200, "a/b\r\nX: y", "", "")));
  for (const char* headers : {"A: b", "A: b\n", "A: b\nC: d\r\n", "A: b\rC\r\n", "A: b\r\n\r\n", "\r\n"}) {
    EXPECT_FALSE(well_formed(response(200, "", headers, ""))) << headers;
  }
  EXPECT_FALSE(well_formed(response(100, "", "", "")));
  EXPECT_FALSE(well_formed(response(1000, "", "", "")));
}

TEST(Render, DatesInTheOneFormat) {
  EXPECT_EQ(date_line(784'111'777'000), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(date_line(951'782'400'999), "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n");
}

}  // namespace
}  // namespace keyhold::http
