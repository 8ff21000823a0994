#include "core/path.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "crypto/random.h"

namespace keyhold::core {
namespace {

TEST(CanonicalPath, KeepsWhatIsPlainAndDecodesOnce) {
  struct Case {
    std::string_view encoded;
    std::string_view path;
  };
  for (const Case& c : {Case{"secret/data/app", "secret/data/app"},
                        Case{"secret/data/", "secret/data/"},
                        Case{"a", "a"},
                        Case{"secret/data/a%20b", "secret/data/a b"},
                        Case{"secret/data/%41", "secret/data/A"},
                        Case{"secret/data/a+b", "secret/data/a+b"},
                        Case{"secret/data/%c3%a9", "secret/data/\xc3\xa9"},
                        Case{"secret/data/\xc3\xa9", "secret/data/\xc3\xa9"},
                        Case{"secret/data/a%3fb%23c", "secret/data/a?b#c"},
                        Case{"secret/data/...", "secret/data/..."},
                        Case{"secret/data/.a/b.", "secret/data/.a/b."}}) {
    const auto path = canonical_path(c.encoded);
    ASSERT_TRUE(path.ok()) << c.encoded;
    EXPECT_EQ(*path, c.path);
  }
}

TEST(CanonicalPath, RefusesWhatCouldMeanTwoThings) {
  for (const std::string_view encoded :
       {"", "/", "/secret", "//", "a//b", "a//", ".", "..", "./a", "a/./b", "a/../b", "a/..", "%2e%2e/a", "a/%2E/b",
        "a/.%2e/b", "a%2fb", "a%2Fb", "a%252fb", "a%25", "%", "a%2", "a%zz", "a%-1", "a\\b", "a%5cb", "a%5Cb", "a%00b",
        "a%0ab", "a%0db", "a%1fb", "a%7fb", "a\nb", "a%80", "a%c3", "a%c0%af", "a%ed%a0%80", "a%f4%90%80%80"}) {
    const auto path = canonical_path(encoded);
    ASSERT_FALSE(path.ok()) << encoded;
    EXPECT_EQ(path.code(), Code::kInvalid) << encoded;
  }
  EXPECT_FALSE(canonical_path(std::string_view("a\0b", 3)).ok());
}

TEST(CanonicalPath, BoundsTheDecodedLength) {
  EXPECT_TRUE(canonical_path(std::string(limits::kRequestPathBytesMax, 'a')).ok());
  EXPECT_FALSE(canonical_path(std::string(limits::kRequestPathBytesMax + 1, 'a')).ok());
  std::string escaped;
  for (std::size_t i = 0; i < limits::kRequestPathBytesMax; ++i) escaped.append("%61");
  EXPECT_TRUE(canonical_path(escaped).ok());
}

TEST(CanonicalPath, ErrorsDoNotRepeatThePath) {
  const auto path = canonical_path("secret/data/hunter2/../x");
  ASSERT_FALSE(path.ok());
  EXPECT_EQ(path.error().message.find("hunter2"), std::string::npos);
}

TEST(CanonicalPath, IsAFixedPointOfItself) {
  crypto::SeededRng rng(7);
  constexpr std::string_view kAlphabet = "abc/.%25eE0+\\ \xc3\xa9";
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string encoded;
    const std::uint64_t size = 1 + rng.number() % 8;
    for (std::uint64_t i = 0; i < size; ++i) encoded.push_back(kAlphabet[rng.number() % kAlphabet.size()]);
    const auto path = canonical_path(encoded);
    if (!path.ok()) continue;
    ++accepted;
    const auto again = canonical_path(*path);
    ASSERT_TRUE(again.ok()) << *path;
    EXPECT_EQ(*again, *path);
  }
  EXPECT_GT(accepted, 1'000);
}

TEST(QueryComponent, DecodesAForm) {
  struct Case {
    std::string_view encoded;
    std::string_view text;
  };
  for (const Case& c : {Case{"", ""}, Case{"a+b", "a b"}, Case{"a%2Bb", "a+b"}, Case{"a%2fb", "a/b"}, Case{"%25", "%"},
                        Case{"1", "1"}}) {
    const auto text = decode_query_component(c.encoded);
    ASSERT_TRUE(text.ok()) << c.encoded;
    EXPECT_EQ(*text, c.text);
  }
  for (const std::string_view encoded : {"%", "%1", "%gg", "%00", "%0a", "%ff"}) {
    EXPECT_FALSE(decode_query_component(encoded).ok()) << encoded;
  }
  EXPECT_EQ(decode_form_component("a%0Ab+c")->reveal(), "a\nb c") << "a secret may have lines";
  for (const std::string_view encoded : {"%", "%1", "%gg", "%ff"}) EXPECT_FALSE(decode_form_component(encoded).ok()) << encoded;
}

}  // namespace
}  // namespace keyhold::core
