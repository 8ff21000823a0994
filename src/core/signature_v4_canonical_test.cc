#include "core/signature_v4_canonical.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace keyhold::core::signature_v4 {
namespace {

std::string path(std::string_view text) {
  SecretBytes out;
  append_path(out, text);
  return std::string(out.reveal());
}

/// "malformed" in place of what has no canonical form.
std::string query(std::string_view raw, std::string_view without = {}) {
  const auto parsed = Query::parse(raw);
  if (!parsed) return "malformed";
  SecretBytes out;
  parsed->append_without(without, out);
  return std::string(out.reveal());
}

using Header = SignedRequest::Header;

std::string headers(std::string_view list, const std::vector<Header>& all) {
  SecretBytes out;
  EXPECT_EQ(append_headers(out, list, all), std::nullopt) << list;
  return std::string(out.reveal());
}

std::optional<SignatureFault> header_fault(std::string_view list, const std::vector<Header>& all) {
  SecretBytes out;
  return append_headers(out, list, all);
}

TEST(SignedPath, IsNormalisedAndEncodedAsReceived) {
  const std::pair<const char*, const char*> cases[] = {
      {"/", "/"},         {"//", "/"},          {"/.", "/"},           {"/..", "/"},
      {"/../..", "/"},    {"/a", "/a"},         {"/a/", "/a/"},        {"/a//b", "/a/b"},
      {"/a/./b", "/a/b"}, {"/a/../b", "/b"},    {"/a/..", "/"},        {"/a/../", "/"},
      {"/a/b/..", "/a"},  {"/a/.", "/a"},       {"/a/./", "/a/"},      {"/...", "/..."},
      {"/a/..b", "/a/..b"}, {"/%2e%2e/a", "/%252e%252e/a"}, {"/a b", "/a%20b"}, {"/a%20b", "/a%2520b"},
      {"/-._~", "/-._~"}, {"/!*'()", "/%21%2A%27%28%29"}, {"/\xc3\xbc", "/%C3%BC"}, {"/\n", "/%0A"},
  };
  for (const auto& [raw, canonical] : cases) EXPECT_EQ(path(raw), canonical) << raw;
}

TEST(SignedQuery, IsEncodedInOneWay) {
  EXPECT_EQ(query(""), "");
  EXPECT_EQ(query("a=1"), "a=1");
  EXPECT_EQ(query("a"), "a=");
  EXPECT_EQ(query("a="), "a=");
  EXPECT_EQ(query("a=b=c"), "a=b%3Dc");
  EXPECT_EQ(query("%61=%7e%2f%2F/"), "a=~%2F%2F%2F");
  EXPECT_EQ(query("a=%26%3d"), "a=%26%3D");
  EXPECT_EQ(query("a=\xc3\xbc %00"), "a=%C3%BC%20%00");
}

TEST(SignedQuery, IsOrderedByEncodedNamesThenValues) {
  EXPECT_EQ(query("b=1&a=2&a=1&A=9"), "A=9&a=1&a=2&b=1");
  EXPECT_EQ(query("a-b=1&a=2&a%20=3"), "a=2&a%20=3&a-b=1") << "by names alone, not by what stands around '='";
  EXPECT_EQ(query("z=1&%7a=0"), "z=0&z=1");
}

TEST(SignedQuery, LeavesOneNameOut) {
  EXPECT_EQ(query("a=1&s=2&b=3", "s"), "a=1&b=3");
  EXPECT_EQ(query("s=1&s=2", "s"), "");
  EXPECT_EQ(query("S=1", "s"), "S=1");
}

TEST(SignedQuery, RefusesWhatMayBeReadInTwoWays) {
  for (const char* raw : {"a=%", "a=%4", "a=%g0", "a=%0g", "%zz=1", "a=b+c", "a+b=c", "&", "a=1&", "&a=1", "a=1&&b=2", "=", "=1"}) {
    EXPECT_EQ(query(raw), "malformed") << raw;
  }
}

TEST(SignedQuery, HasABoundedNumberOfParameters) {
  std::string raw = "a";
  for (std::size_t count = 1; count < limits::kQueryParametersMax; ++count) raw += "&a";
  EXPECT_NE(query(raw), "malformed");
  EXPECT_EQ(query(raw + "&a"), "malformed");
}

TEST(SignedQuery, DecodesWhatItEncoded) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
  std::string escaped;
  for (const char byte : every) {
    char text[4];
    std::snprintf(text, sizeof text, "%%%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    escaped += text;
  }
  const auto parsed = Query::parse("all=" + escaped);
  ASSERT_TRUE(parsed.has_value());
  SecretBytes decoded;
  append_decoded(decoded, parsed->parameters()[0].value);
  EXPECT_EQ(decoded.reveal(), every);
  EXPECT_EQ(query(query("all=" + escaped)), query("all=" + escaped));
}

TEST(SignedHeaders, AreThoseOfTheListInItsOrder) {
  EXPECT_EQ(headers("a;host", {{"Host", "h:8200"}, {"unsigned", "x"}, {"A", "1"}}), "a:1\nhost:h:8200\n\na;host");
}

TEST(SignedHeaders, AreTrimmedAndJoined) {
  EXPECT_EQ(headers("a;host", {{"a", " \t b \t\t c  "}, {"host", "h"}, {"A", ""}, {"a", "\"d  e\""}}),
            "a:b c,,\"d e\"\nhost:h\n\na;host");
}

TEST(SignedHeaders, RefuseAListThatIsNotInOrder) {
  const std::vector<Header> all{{"host", "h"}, {"a", "1"}, {"b", "2"}};
  for (const char* list : {"", ";", "host;", ";host", "a;;host", "host;a", "a;a;host", "A;host", "a,host", "a; host", "a;host\n",
                           "\xc3\xbc;host"}) {
    EXPECT_EQ(header_fault(list, all), SignatureFault::kIncomplete) << list;
  }
  std::string many = "a000";
  for (std::size_t count = 1; count <= limits::kHttpHeaderCountMax; ++count) many += ";a" + std::to_string(1000 + count);
  EXPECT_EQ(header_fault(many, all), SignatureFault::kIncomplete);
}

TEST(SignedHeaders, RefuseWhatIsNotSignedAndMayDecide) {
  EXPECT_EQ(header_fault("a", {{"host", "h"}, {"a", "1"}}), SignatureFault::kUnsignedHeader);
  for (const char* name : {"x-amz-target", "X-Amz-Target", "X-AMZ-SECURITY-TOKEN", "x-amz-", "x-amz-anything"}) {
    EXPECT_EQ(header_fault("host", {{"host", "h"}, {name, ""}}), SignatureFault::kUnsignedHeader) << name;
  }
  for (const char* name : {"x-amz-user-agent", "X-Amz-User-Agent", "X-Amz-Cf-Id", "x-amzn-trace-id", "x-am", "amz-sdk-request", ""}) {
    EXPECT_EQ(header_fault("host", {{"host", "h"}, {name, "v"}}), std::nullopt) << name;
  }
}

TEST(SignedHeaders, RefuseWhatDidNotCome) {
  EXPECT_EQ(header_fault("a;host", {{"host", "h"}}), SignatureFault::kAbsentHeader);
  EXPECT_EQ(header_fault("host", {{"a", "1"}}), SignatureFault::kAbsentHeader);
}

TEST(SignedHeaders, RefuseLinesWithinAValue) {
  for (const char* value : {"a\nx-amz-date:1", "a\r", "\n", "\x7f", "a\x01"}) {
    EXPECT_EQ(header_fault("host", {{"host", value}}), SignatureFault::kMalformedRequest) << value;
  }
  EXPECT_EQ(header_fault("host", {{"host", std::string_view("\0", 1)}}), SignatureFault::kMalformedRequest);
}

}  // namespace
}  // namespace keyhold::core::signature_v4
