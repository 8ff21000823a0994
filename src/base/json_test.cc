#include "base/json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>
#include <random>

namespace keyhold::json {
namespace {

std::string text_of(const SecretBytes& bytes) { return std::string(bytes.reveal()); }

bool accepts(std::string_view text) { return Document::parse(text).ok(); }

std::string reason_of(std::string_view text) {
  auto parsed = Document::parse(text);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t index = 0; index < times; ++index) all += text;
  return all;
}

TEST(JsonDocument, KeepsEveryValueAsReceived) {
  const std::string text =
      " {\"a\" : 1.10 , \"b\":[ 1e400,123456789012345678901234567890 ,-0.0 ], \"c\":\"x\\u00e9\",\"d\":{},\"e\":null}\n";
  auto document = Document::parse(text);
  ASSERT_TRUE(document.ok()) << document.error().message;
  const Value root = document->root();
  EXPECT_EQ(root.size(), 5u);
  EXPECT_EQ(root.find("a")->raw(), "1.10");
  EXPECT_EQ(root.find("b")->raw(), "[ 1e400,123456789012345678901234567890 ,-0.0 ]");
  EXPECT_EQ(root.find("b")->at(0).raw(), "1e400");
  EXPECT_EQ(root.find("b")->at(1).raw(), "123456789012345678901234567890");
  EXPECT_EQ(root.find("b")->at(2).raw(), "-0.0");
  EXPECT_EQ(root.find("c")->raw(), "\"x\\u00e9\"");
  EXPECT_EQ(text_of(*root.find("c")->as_secret()), "x\xC3\xA9");
  EXPECT_EQ(root.find("d")->size(), 0u);
  EXPECT_TRUE(root.find("e")->is_null());
  EXPECT_FALSE(root.find("f").has_value());
  EXPECT_EQ(root.key_at(3), "d");
}

TEST(JsonDocument, ValuesSurviveMovingTheDocument) {
  const std::string text = R"({"list":[1,[2,3],{"k":4}]})";
  auto parsed = Document::parse(text);
  ASSERT_TRUE(parsed.ok());
  const Value list = *parsed->root().find("list");
  Document moved = std::move(parsed).value();
  EXPECT_EQ(list.at(1).at(1).raw(), "3");
  EXPECT_EQ(moved.root().find("list")->at(2).find("k")->raw(), "4");
}

TEST(JsonDocument, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"", " ", "{", "[", "\"", "{]", "[}", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}",
        "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "tru", "nulll", "TRUE", "1 2", "[1]]", "// c\n1",
        "\xEF\xBB\xBF{}", "\"\t\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\", "[1 2]", "{\"a\" 1}", "\f1", "1\v"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_FALSE(accepts(std::string_view("\0", 1)));
  EXPECT_FALSE(accepts(std::string_view("1\0", 2)));
  EXPECT_FALSE(accepts(std::string_view("\"\0\"", 3)));
  for (const std::string_view text : {"0", "-0", "-1.5E+10", "\"\"", "[]", "{}", "null", " true ", "\r\n\t[ ]\n", "\"\x7F\""}) {
    EXPECT_TRUE(accepts(text)) << text;
  }
}

TEST(JsonDocument, RefusesInvalidUtf8) {
  for (const std::string_view bytes :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xF0\x80\x80\xAF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3\x28"}) {
    EXPECT_FALSE(accepts("\"" + std::string(bytes) + "\""));
    EXPECT_FALSE(accepts("{\"" + std::string(bytes) + "\":1}"));
    EXPECT_FALSE(accepts("\"" + std::string(bytes)));
  }
  for (const std::string_view bytes : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(accepts("\"" + std::string(bytes) + "\""));
  }
}

TEST(JsonDocument, PairsSurrogatesAndRefusesLoneOnes) {
  const std::string text = R"("\ud83d\uDE00 \u20ac \u0000 \"\\\/\b\f\n\r\t")";
  auto document = Document::parse(text);
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(text_of(*document->root().as_secret()),
            std::string("\xF0\x9F\x98\x80 \xE2\x82\xAC \0 \"\\/\b\f\n\r\t", 19));
  for (const std::string_view lone : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\ud83d")",
                                      R"("\ud83d\u0041")", R"("\ud83d\u")", R"("\ude00\ud83d")"}) {
    EXPECT_FALSE(accepts(lone)) << lone;
  }
}

TEST(JsonDocument, RefusesDuplicateKeys) {
  EXPECT_EQ(reason_of(R"({"a":1,"b":2,"a":3})"), "invalid JSON at byte 13: a duplicate key");
  EXPECT_FALSE(accepts(R"({"a":1,"\u0061":2})"));
  EXPECT_FALSE(accepts(R"({"\u0061":1,"a":2})"));
  EXPECT_FALSE(accepts(R"({"\u0061":1,"\u0061":2})"));
  EXPECT_FALSE(accepts(R"({"\n":1,"\u000a":2})"));
  EXPECT_FALSE(accepts("{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2}"));
  EXPECT_FALSE(accepts(R"([{"x":{"a":1,"a":2}}])"));
  EXPECT_TRUE(accepts(R"({"a":{"a":1},"b":{"a":1}})"));
  EXPECT_TRUE(accepts(R"({"a":1,"A":2,"":3,"a ":4})"));
}

TEST(JsonDocument, RefusesDuplicateKeysOfBigObjects) {
  for (const std::size_t members : {15u, 16u, 17u, 18u, 1000u}) {
    std::string text = "{";
    for (std::size_t index = 0; index < members; ++index) text += "\"key" + std::to_string(index) + "\":0,";
    EXPECT_TRUE(accepts(text + "\"other\":0}"));
    EXPECT_TRUE(accepts(text + "\"\\u006bey\":0}"));
    EXPECT_FALSE(accepts(text + "\"\\u006bey0\":0}"));
    EXPECT_EQ(reason_of(text + "\"key7\":0}"),
              "invalid JSON at byte " + std::to_string(text.size()) + ": a duplicate key");
  }
}

TEST(JsonDocument, BoundsDepth) {
  EXPECT_TRUE(accepts(repeat("[", 32) + repeat("]", 32)));
  EXPECT_FALSE(accepts(repeat("[", 33) + repeat("]", 33)));
  EXPECT_TRUE(accepts(repeat("{\"a\":", 32) + "1" + repeat("}", 32)));
  EXPECT_EQ(reason_of(repeat("[{\"a\":", 17) + "1"), "invalid JSON at byte 96: nested too deep");
  EXPECT_FALSE(accepts(repeat("[", 1'000'000)));
}

TEST(JsonDocument, BoundsNodes) {
  const auto numbers = [](std::size_t count) { return "[" + repeat("0,", count - 1) + "0]"; };
  EXPECT_TRUE(accepts(numbers(9'999)));
  EXPECT_FALSE(accepts(numbers(10'000)));
  EXPECT_TRUE(Document::parse(numbers(10'000), {.nodes_max = 10'001}).ok());
  EXPECT_TRUE(Document::parse(R"({"a":0})", {.nodes_max = 3}).ok());
  EXPECT_FALSE(Document::parse(R"({"a":0})", {.nodes_max = 2}).ok());
}

TEST(JsonDocument, ErrorsNeverHoldTheText) {
  for (const std::string_view text : {"hunter2", "\"hunter2", "{\"hunter2\":hunter2}", "{\"hunter2\":1,\"hunter2\":1}"}) {
    EXPECT_EQ(reason_of(text).find("hunter2"), std::string::npos);
  }
}

Result<std::int64_t> int_of(std::string_view text) {
  auto document = Document::parse(text);
  if (!document.ok()) return document.error();
  return document->root().as_int();
}

TEST(JsonValue, IntegersComeFromTheDecimalText) {
  const std::vector<std::pair<std::string, std::int64_t>> exact = {
      {"0", 0}, {"-0", 0}, {"0.000", 0}, {"0e999999999999999999999", 0}, {"3", 3}, {"3.0", 3}, {"3e0", 3}, {"30e-1", 3},
      {"0.3e1", 3}, {"0.0003E+4", 3}, {"1.10e2", 110}, {"120.00e-1", 12}, {"-12", -12},
      {"9007199254740993", 9007199254740993}, {"9007199254740993.0", 9007199254740993},
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
      {"9.223372036854775807e18", std::numeric_limits<std::int64_t>::max()}, {"1e18", 1'000'000'000'000'000'000},
      {"0." + repeat("0", 1000) + "1e1001", 1}, {"1" + repeat("0", 1000) + "e-1000", 1},
  };
  for (const auto& [text, value] : exact) {
    ASSERT_TRUE(int_of(text).ok()) << text << " " << int_of(text).error().message;
    EXPECT_EQ(*int_of(text), value) << text;
  }
  for (const std::string_view text :
       {"3.5", "0.1", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e400", "99999999999999999999",
        "1e99999999999999999999999", "1e-99999999999999999999999", "9007199254740993.5", "\"3\"", "null", "[3]"}) {
    EXPECT_FALSE(int_of(text).ok()) << text;
  }
}

TEST(JsonValue, AccessorsRefuseOtherKinds) {
  const std::string text = R"([true,"s",1.5,{"a":1},null,1e400])";
  auto document = Document::parse(text);
  ASSERT_TRUE(document.ok());
  const Value root = document->root();
  EXPECT_TRUE(*root.at(0).as_bool());
  EXPECT_FALSE(root.at(1).as_bool().ok());
  EXPECT_EQ(*root.at(1).as_string(), "s");
  EXPECT_FALSE(root.at(2).as_string().ok());
  EXPECT_FALSE(root.at(2).as_secret().ok());
  EXPECT_EQ(*root.at(2).as_double(), 1.5);
  EXPECT_FALSE(root.at(5).as_double().ok());
  EXPECT_FALSE(root.at(4).as_double().ok());
  EXPECT_FALSE(root.at(1).find("s").has_value());
  EXPECT_EQ(root.at(2).size(), 0u);
}

TEST(JsonValue, FindsKeysThroughEscapes) {
  const std::string text = R"({"\u0061b":1,"c\n":2,"":3})";
  auto document = Document::parse(text);
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root().find("ab")->raw(), "1");
  EXPECT_EQ(document->root().find("c\n")->raw(), "2");
  EXPECT_EQ(document->root().find("")->raw(), "3");
  EXPECT_FALSE(document->root().find("a").has_value());
  EXPECT_FALSE(document->root().find("abc").has_value());
  EXPECT_EQ(document->root().key_at(0), "ab");
}

TEST(JsonWriter, WritesNestedValues) {
  SecretBytes out;
  Writer writer(out);
  writer.begin_object().key("a").number(-5).key("b").begin_array().boolean(true).null().begin_object().end_object();
  writer.begin_array().end_array().string("x").end_array().key("c").raw("1.10").key("d").boolean(false).end_object();
  EXPECT_EQ(out.reveal(), R"({"a":-5,"b":[true,null,{},[],"x"],"c":1.10,"d":false})");
}

TEST(JsonWriter, EscapesAndReplacesInvalidUtf8) {
  SecretBytes out;
  Writer(out).string(std::string_view("\"\\/\b\f\n\r\t\x01\x1F\x7F\0\xC3\xA9\xF0\x9F\x98\x80\xC0\xAF\xE2\x82", 22));
  EXPECT_EQ(out.reveal(),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\\u0000\xC3\xA9\xF0\x9F\x98\x80"
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  std::string plain;
  append_quoted(plain, "a\nb");
  EXPECT_EQ(plain, "\"a\\nb\"");
}

TEST(JsonWriter, NumbersReachBothEnds) {
  SecretBytes out;
  Writer writer(out);
  writer.begin_array().number(std::numeric_limits<std::int64_t>::min()).number(std::numeric_limits<std::int64_t>::max());
  writer.end_array();
  EXPECT_EQ(out.reveal(), "[-9223372036854775808,9223372036854775807]");
}

TEST(JsonWriter, WhatItWritesReadsBack) {
  std::mt19937 random(20'261'122);
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (std::size_t length = random() % 40; length > 0; --length) {
      constexpr char kCharacters[] = "ab\"\\\n\x01 zZ/\x7F";
      text += kCharacters[random() % (sizeof kCharacters - 1)];
    }
    std::string quoted;
    append_quoted(quoted, text);
    auto document = Document::parse(quoted);
    ASSERT_TRUE(document.ok()) << quoted;
    EXPECT_EQ(*document->root().as_string(), text);
  }
}

// --- against Boost.JSON ---

void expect_same(const Value& ours, const boost::json::value& theirs) {
  switch (ours.kind()) {
    case Kind::kNull: EXPECT_TRUE(theirs.is_null()); return;
    case Kind::kBool: EXPECT_EQ(*ours.as_bool(), theirs.as_bool()); return;
    case Kind::kString: EXPECT_EQ(text_of(*ours.as_secret()), std::string_view(theirs.as_string())); return;
    case Kind::kNumber:
      if (theirs.is_int64()) {
        EXPECT_EQ(*ours.as_int(), theirs.as_int64());
      } else {
        EXPECT_TRUE(theirs.is_number());
      }
      return;
    case Kind::kArray:
      ASSERT_TRUE(theirs.is_array() && theirs.as_array().size() == ours.size());
      for (std::size_t index = 0; index < ours.size(); ++index) expect_same(ours.at(index), theirs.as_array()[index]);
      return;
    case Kind::kObject:
      ASSERT_TRUE(theirs.is_object() && theirs.as_object().size() == ours.size());
      for (std::size_t index = 0; index < ours.size(); ++index) {
        const auto* member = theirs.as_object().if_contains(ours.key_at(index));
        ASSERT_NE(member, nullptr);
        expect_same(ours.at(index), *member);
      }
  }
}

/// Random texts near JSON: valid ones built from the grammar, then a few bytes changed in half of them.
class TextSource {
 public:
  explicit TextSource(std::uint32_t seed) : random_(seed) {}

  std::string next() {
    text_.clear();
    add_value(0);
    for (std::size_t changes = random_() % 2 * (random_() % 3 + 1); changes > 0 && !text_.empty(); --changes) {
      constexpr std::string_view kBytes = "{}[]\",:\\u0189aeEtfn+-. \n\t\x01\x80\xC3\xA9\xED\xF0";
      const std::size_t where = random_() % text_.size();
      const char byte = kBytes[random_() % kBytes.size()];
      switch (random_() % 3) {
        case 0: text_[where] = byte; break;
        case 1: text_.insert(where, 1, byte); break;
        default: text_.erase(where, 1);
      }
    }
    return text_;
  }

 private:
  void pick(std::initializer_list<std::string_view> choices) { text_ += choices.begin()[random_() % choices.size()]; }
  void space() { pick({"", "", "", " ", "\n", "\t\r"}); }

  void add_string() {
    text_ += '"';
    for (std::size_t pieces = random_() % 4; pieces > 0; --pieces) {
      pick({"a", "b", "longer than eight bytes", "\\n", "\\u0061", "\\ud83d\\ude00", "\xC3\xA9", "\xF0\x9F\x98\x80", "\\\"", "\\/"});
    }
    text_ += '"';
  }

  void add_value(int depth) {
    space();
    switch (random_() % (depth < 5 ? 9 : 5)) {
      case 0: pick({"true", "false", "null"}); break;
      case 1: pick({"0", "-0", "1", "-17", "9223372036854775807", "-9223372036854775808"}); break;
      case 2: pick({"1.5", "1.10", "1e5", "1E-5", "-0.0e+3", "18446744073709551615", "3.0"}); break;
      case 3:
      case 4: add_string(); break;
      case 5:
      case 6:
        text_ += '[';
        for (std::size_t left = random_() % 4; left > 0; --left) {
          add_value(depth + 1);
          if (left > 1) text_ += ',';
        }
        space();
        text_ += ']';
        break;
      default:
        text_ += '{';
        for (std::size_t left = random_() % 4; left > 0; --left) {
          space();
          add_string();
          space();
          text_ += ':';
          add_value(depth + 1);
          if (left > 1) text_ += ',';
        }
        space();
        text_ += '}';
    }
    space();
  }

  std::mt19937 random_;
  std::string text_;
};

TEST(JsonDifferential, AgreesWithBoostJsonButForDuplicateKeys) {
  TextSource source(20'261'122);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 60'000; ++round) {
    const std::string text = source.next();
    boost::json::error_code failure;
    const boost::json::value theirs = boost::json::parse(text, failure);
    auto ours = Document::parse(text);
    if (failure == boost::json::error::exponent_overflow) continue;  // A number is text to us, of any size.
    if (ours.ok()) {
      ASSERT_FALSE(failure.failed()) << text;
      expect_same(ours->root(), theirs);
      ++accepted;
    } else if (ours.error().message.find("duplicate") == std::string::npos) {
      ASSERT_TRUE(failure.failed()) << text << " " << ours.error().message;
      ++refused;
    }
  }
  EXPECT_GT(accepted, 10'000);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace keyhold::json
