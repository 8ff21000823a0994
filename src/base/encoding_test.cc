#include "base/encoding.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace keyhold {
namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST(Encoding, AUuidHasItsDashes) {
  EXPECT_EQ(format_uuid(std::string("\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 16)), "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

TEST(Hex, MatchesRfc4648) {
  EXPECT_EQ(hex_encode("foobar"), "666f6f626172");
  EXPECT_EQ(hex_decode("666F6f626172").value(), "foobar");
  EXPECT_EQ(hex_encode(""), "");
  EXPECT_EQ(hex_decode("").value(), "");
}

TEST(Hex, RoundTripsEveryByteInBothForms) {
  SecretBytes text;
  append_hex(text, all_bytes());
  EXPECT_EQ(text.reveal(), hex_encode(all_bytes()));
  EXPECT_EQ(hex_decode(text.reveal()).value(), all_bytes());
  EXPECT_EQ(hex_decode_secret(text.reveal()).value().reveal(), all_bytes());
}

TEST(Hex, RefusesEveryOtherCharacter) {
  const std::string_view digits = "0123456789abcdefABCDEF";
  for (const char c : all_bytes()) {
    const bool expected = digits.find(c) != std::string_view::npos;
    EXPECT_EQ(hex_decode(std::string{c, '0'}).ok(), expected) << int{c};
    EXPECT_EQ(hex_decode_secret(std::string{'0', c}).ok(), expected) << int{c};
  }
  EXPECT_EQ(hex_decode("abc").code(), Code::kInvalid);
}

TEST(Base64, MatchesRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},         {"f", "Zg=="},     {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text).value(), bytes);
  }
}

TEST(Base64, HasTwoAlphabets) {
  EXPECT_EQ(base64_encode("\xfb\xff\xfe\xff"), "+//+/w==");
  EXPECT_EQ(base64_encode("\xfb\xff\xfe\xff", Base64::kUrlSafe), "-__-_w");
  EXPECT_EQ(base64_decode("-__-_w", Base64::kUrlSafe).value(), "\xfb\xff\xfe\xff");
  EXPECT_FALSE(base64_decode("-__-_w==").ok());
  EXPECT_FALSE(base64_decode("+//+/w", Base64::kUrlSafe).ok());
}

TEST(Base64, RoundTripsEveryLengthInAllForms) {
  for (const Base64 form : {Base64::kStandard, Base64::kUrlSafe}) {
    for (std::size_t size = 0; size <= 256; ++size) {
      const std::string bytes = all_bytes().substr(256 - size);
      SecretBytes text = SecretBytes::copy_of("kept:");
      append_base64(text, bytes, form);
      EXPECT_EQ(text.reveal(), "kept:" + base64_encode(bytes, form));
      EXPECT_EQ(base64_decode(text.reveal().substr(5), form).value(), bytes);
      EXPECT_EQ(base64_decode_secret(text.reveal().substr(5), form).value().reveal(), bytes);
    }
  }
}

/// Every text of up to four of these characters that decodes encodes back to itself.
TEST(Base64, AcceptsOnlyTheCanonicalText) {
  const std::string_view characters{"AQg/+-_=\n\x80", 10};
  for (const Base64 form : {Base64::kStandard, Base64::kUrlSafe}) {
    for (int number = 0; number < 100'000; ++number) {
      std::string text;
      for (int rest = number; rest > 0; rest /= 10) text += characters[static_cast<std::size_t>(rest % 10)];
      const auto bytes = base64_decode(text, form);
      EXPECT_TRUE(!bytes.ok() || base64_encode(*bytes, form) == text) << text;
    }
  }
}

TEST(Base64, RefusesBadPaddingAndBits) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v====", "Zm=v", "Z=9v", "Zg==Zg==", "Zh==", "Zm9=",
                           "Zm 9v", "Zm9v\n", "Z"}) {
    EXPECT_FALSE(base64_decode(text).ok()) << text;
    EXPECT_FALSE(base64_decode_secret(text).ok()) << text;
  }
  for (const char* text : {"Zg==", "Zm8=", "Zh", "Zm9", "Z", "Zm9vZ"}) {
    EXPECT_FALSE(base64_decode(text, Base64::kUrlSafe).ok()) << text;
  }
}

TEST(Utf8, AcceptsWellFormedTextOnly) {
  for (const std::string_view text : {"", "plain", "\u00e9\u20ac", "\xf4\x8f\xbf\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(valid_utf8(text)) << hex_encode(text);
  }
  EXPECT_TRUE(valid_utf8(std::string_view("\0", 1)));
  for (const std::string_view text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "ok\xff", "\xc3("}) {
    EXPECT_FALSE(valid_utf8(text)) << hex_encode(text);
  }
}

TEST(BigEndian, RoundTrips) {
  std::array<char, 8> bytes{};
  put_big_endian64(bytes.data(), 0x0123456789abcdef);
  EXPECT_EQ(hex_encode({bytes.data(), 8}), "0123456789abcdef");
  EXPECT_EQ(get_big_endian64(bytes.data()), 0x0123456789abcdefu);
  put_big_endian32(bytes.data(), 0xfedcba98);
  EXPECT_EQ(hex_encode({bytes.data(), 4}), "fedcba98");
  EXPECT_EQ(get_big_endian32(bytes.data()), 0xfedcba98u);
}

TEST(PercentEscape, IsTwoHexadecimalDigits) {
  EXPECT_EQ(percent_escaped_byte("%41"), 'A');
  EXPECT_EQ(percent_escaped_byte("%fFrest"), '\xff');
  for (const char* text : {"", "%", "%4", "%4g", "%g4", "%-1", "% 1", "41", "a%41"}) EXPECT_FALSE(percent_escaped_byte(text)) << text;
}

}  // namespace
}  // namespace keyhold
