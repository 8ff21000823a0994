#include "client/url.h"

namespace keyhold::client {
namespace {

TEST(Url, TakesApart) {
  const auto url = Url::parse("https://vault.example:8200/base/path?x=1");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "vault.example");
  EXPECT_EQ(url->port, 8200);
  EXPECT_EQ(url->target, "/base/path?x=1");
  EXPECT_EQ(url->origin(), "https://vault.example:8200");
}

TEST(Url, KnowsDefaultsAndIpv6) {
  EXPECT_EQ(Url::parse("http://a")->port, 80);
  EXPECT_EQ(Url::parse("HTTPS://a")->port, 443);
  const auto url = Url::parse("https://[::1]:8200");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "[::1]");
  EXPECT_EQ(url->port, 8200);
  EXPECT_TRUE(url->is_this_machine());
}

TEST(Url, RefusesWhatIsNone) {
  EXPECT_EQ(Url::parse("https://a/x@y").value().target, "/x@y") << "a user is not meant here";
  for (const char* text : {"", "a", "127.0.0.1:8200", "ftp://a", "https://", "https://:80", "https://a:0", "https://a:65536", "https://a:x", "https://u@a",
                           "https://a b", "https://a\n", "https://[::1", "https://[::1]x:1", "https://a#b"}) {
    EXPECT_FALSE(Url::parse(text).ok()) << text;
  }
}

TEST(Url, EscapesPathsAndQueries) {
  EXPECT_EQ(escape_path("secret/data/a b?#%+é"), "secret/data/a%20b%3F%23%25%2B%C3%A9");
  EXPECT_EQ(query_text({}), "");
  EXPECT_EQ(query_text({{"a", "1/2"}, {"b", "x&y"}}), "?a=1%2F2&b=x%26y");
}

}  // namespace
}  // namespace keyhold::client
