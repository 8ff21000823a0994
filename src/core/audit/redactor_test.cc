#include "core/audit/redactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace keyhold::core::audit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RedactorTest : public ::testing::Test {
 protected:
  std::string redact(std::string_view text) const {
    const auto document = json::Document::parse(text);
    EXPECT_TRUE(document.ok());
    std::string out;
    redactor_.append_redacted(out, document->root());
    return out;
  }
  std::string quoted_hash(std::string_view value) const { return "\"" + redactor_.hash(value) + "\""; }

  const KeyBytes key_ = KeyBytes::copy_of(std::string(32, 'h'));
  const Redactor redactor_{key_};
};

TEST_F(RedactorTest, HashIsTheHmacOfTheValue) {
  const crypto::HmacSha256 hmac(key_);
  EXPECT_EQ(redactor_.hash("value"), "hmac-sha256:" + hex_encode(crypto::as_view(hmac("value"))));
}

TEST_F(RedactorTest, KeysStayScalarsAreHashedNullStays) {
  EXPECT_EQ(redact(R"( {"a": "s", "b": [1.50, true, false, null, {}], "c": {"d\n": []}} )"),
            R"({"a":)" + quoted_hash("s") + R"(,"b":[)" + quoted_hash("1.50") + "," + quoted_hash("true") + "," +
                quoted_hash("false") + R"(,null,{}],"c":{"d\n":[]}})");
}

TEST_F(RedactorTest, EscapesAreResolvedBeforeHashing) {
  EXPECT_EQ(redact(R"("\u0061\n\"")"), quoted_hash("a\n\""));
  EXPECT_EQ(redact(R"("a\u000a\u0022")"), redact(R"("\u0061\n\"")"));
}

TEST_F(RedactorTest, AppendsToWhatIsThere) {
  const auto document = json::Document::parse("1");
  std::string out = "before:";
  redactor_.append_redacted(out, document->root());
  EXPECT_EQ(out, "before:" + quoted_hash("1"));
}

TEST_F(RedactorTest, TooDeepPartIsOneHash) {
  std::string inner = "[[\"secret\"]]";
  std::string text = inner;
  std::string expected = quoted_hash(inner);
  for (std::size_t depth = 0; depth < Redactor::kDepthMax; ++depth) {
    text = "{\"k\":" + text + "}";
    expected = "{\"k\":" + expected + "}";
  }
  EXPECT_EQ(redact(text), expected);
}

TEST_F(RedactorTest, TooManyValuesAreOneHash) {
  const auto array = [](std::size_t size) {
    std::string text = "[1";
    for (std::size_t i = 1; i < size; ++i) text += ",1";
    return text + "]";
  };
  EXPECT_THAT(redact(array(Redactor::kValuesMax - 1)), HasSubstr(","));
  EXPECT_EQ(redact(array(Redactor::kValuesMax)), quoted_hash(array(Redactor::kValuesMax)));
}

TEST_F(RedactorTest, TooLongKeysAreOneHash) {
  const std::string text = "{\"" + std::string(Redactor::kBytesMax + 1, 'k') + "\":1}";
  EXPECT_EQ(redact(text), quoted_hash(text));
  const std::string empty = "{\"" + std::string(Redactor::kBytesMax + 1, 'k') + "\":{}}";
  EXPECT_EQ(redact(empty), quoted_hash(empty));
}

TEST_F(RedactorTest, NoScalarSurvives) {
  EXPECT_THAT(redact(R"({"a":{"b":["canary",{"c":"canary"}]},"d":31337})"),
              AllOf(Not(HasSubstr("canary")), Not(HasSubstr("31337"))));
}

}  // namespace
}  // namespace keyhold::core::audit
