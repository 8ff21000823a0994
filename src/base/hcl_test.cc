#include "base/hcl.h"

#include <gtest/gtest.h>

#include <random>

namespace keyhold::hcl {
namespace {

/// A canonical text of a tree, to compare trees by.
std::string show(const Body& body);

std::string show(const Value& value) {
  switch (value.kind) {
    case Kind::kString: return "'" + value.text + "'";
    case Kind::kNumber:
    case Kind::kBool: return value.text;
    case Kind::kList: {
      std::string out = "[";
      for (const Value& element : value.list) out += show(element) + ",";
      return out + "]";
    }
    case Kind::kObject: return "{" + show(value.body) + "}";
  }
  return {};
}

std::string show(const Body& body) {
  std::string out;
  for (const Item& item : body.items) {
    out += item.key;
    for (const Label& label : item.labels) out += "/" + label.text;
    out += "=" + show(item.value) + ";";
  }
  return out;
}

std::string shown(std::string_view text) {
  auto body = parse(text);
  return body.ok() ? show(*body) : body.error().message;
}

std::string show_blocks(std::string_view text, std::size_t labels) {
  auto body = parse(text);
  if (!body.ok()) return body.error().message;
  std::string out;
  for (const Item& item : body->items) {
    auto blocks = blocks_of(item, labels);
    if (!blocks.ok()) return blocks.error().message;
    for (const Block& block : *blocks) {
      for (const Label& label : block.labels) out += label.text + "/";
      out += "{" + show(*block.body) + "}";
    }
  }
  return out;
}

TEST(Hcl, ReadsAttributesBlocksAndComments) {
  EXPECT_EQ(shown(R"(
# a comment
ui = true  // another
count = -3
ratio = 1.5e3
mask=0x1F /* over
two lines */ name = "vault"
path "secret/*" { capabilities = ["read", "list",] }
listener tcp { address = "127.0.0.1:8200", tls_disable = 1 }
options = { "quoted key" = [] , nested { a = {} } }
)"),
            "ui=true;count=-3;ratio=1.5e3;mask=0x1F;name='vault';path/secret/*={capabilities=['read','list',];};"
            "listener/tcp={address='127.0.0.1:8200';tls_disable=1;};options={quoted key=[];nested={a={};};};");
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("# only a comment"), "");
  EXPECT_EQ(shown("\xEF\xBB\xBF" "a = 1"), "a=1;");
  EXPECT_EQ(shown("a = 1\r\nb = 2\r\n"), "a=1;b=2;");
}

TEST(Hcl, ResolvesEscapes) {
  EXPECT_EQ(shown(R"(a = "q\"b\\n\n\t\x41\101\u00e9\U0001F600 ${x} {{y}}")"),
            "a='q\"b\\n\n\tAA\xC3\xA9\xF0\x9F\x98\x80 ${x} {{y}}';");
  for (const std::string_view bad : {R"("\q")", R"("\u12")", R"("\ud800")", R"("\x80")", R"("\377")", R"("\000")", R"("\U00110000")",
                                     R"("\u+123")", "\"\\", "\"\\x"}) {
    EXPECT_FALSE(parse("a = " + std::string(bad)).ok()) << bad;
  }
}

TEST(Hcl, ReadsHereDocuments) {
  EXPECT_EQ(shown("a = <<EOF\none\n  two \"x\"\nEOF\nb = 1"), "a='one\n  two \"x\"\n';b=1;");
  EXPECT_EQ(shown("a = <<-EOF\n    one\n      two\n    EOF\n"), "a='one\n  two\n';");
  EXPECT_EQ(shown("a = <<-EOF\n  one\n    two\n    EOF\n"), "a='  one\n    two\n';");
  EXPECT_EQ(shown("a = <<EOF\r\none\r\nEOF\r\n"), "a='one\n';");
  EXPECT_EQ(shown("a = <<EOF\nEOF"), "a='';");
  EXPECT_EQ(shown("a = <<EOF\nEOFX\n EOF\n"), "a='EOFX\n';");
  EXPECT_EQ(shown("a = <<EOF\none\n"), "line 1, column 5: a here-document without an end");
  EXPECT_EQ(shown("a = <<\none\n"), "line 1, column 7: a here-document without a marker");
  EXPECT_EQ(shown("a = <<EOF x\nEOF\n"), "line 1, column 10: a here-document's marker ends its line");
}

TEST(Hcl, ErrorsNameLineColumnAndReason) {
  EXPECT_EQ(shown("a = 1\nb = hunter2"), "line 2, column 5: a value is missing (strings need quotes)");
  EXPECT_EQ(shown("a = \"hunter2\n\""), "line 1, column 5: a string without a closing quote");
  EXPECT_EQ(shown("a = 30m"), "line 1, column 7: a number with letters (durations need quotes)");
  EXPECT_EQ(shown("a = 010"), "line 1, column 5: a number with a leading zero");
  EXPECT_EQ(shown("a = [1 2]"), "line 1, column 8: a comma or closing bracket is missing");
  EXPECT_EQ(shown("a {\n b = 1\n"), "line 1, column 3: a brace without a closing one");
  EXPECT_EQ(shown("}"), "line 1, column 1: a closing brace without an opening one");
  EXPECT_EQ(shown("a \"b\" = {}"), "line 1, column 7: an opening brace is missing");
  EXPECT_EQ(shown("a"), "line 1, column 2: an equals sign or opening brace is missing");
  EXPECT_EQ(shown("= 1"), "line 1, column 1: a name is missing");
  EXPECT_EQ(shown("a = 1, b = 2"), "line 1, column 6: a name is missing");
  EXPECT_EQ(shown("/* x\n"), "line 1, column 1: a comment without an end");
  EXPECT_EQ(shown("\na = \"\xC0\""), "line 2, column 6: a byte that is no UTF-8 text");
  EXPECT_EQ(shown(std::string_view("a = 1\0", 6)), "line 1, column 6: a byte that is no UTF-8 text");
  Failure failure;
  EXPECT_FALSE(parse("a = 1\n  b = ?", {}, &failure).ok());
  EXPECT_EQ(failure.at.line, 2u);
  EXPECT_EQ(failure.at.column, 7u);
}

TEST(Hcl, RefusesAttributesGivenTwice) {
  EXPECT_EQ(shown("a = 1\nb = 2\na = 3"), "line 3, column 1: an attribute given twice");
  EXPECT_EQ(shown("a = 1\na { }"), "line 2, column 1: an attribute given twice");
  EXPECT_EQ(shown("x { a = [] a = [] }"), "line 1, column 12: an attribute given twice");
  EXPECT_EQ(shown("a \"x\" {}\na \"y\" {}"), "a/x={};a/y={};");
  EXPECT_EQ(shown(R"({"a":1,"a":2})"), "line 1, column 8: a duplicate key");
}

TEST(Hcl, BoundsTextDepthAndCount) {
  EXPECT_TRUE(parse("a = 1", {.text_bytes_max = 5}).ok());
  EXPECT_FALSE(parse("a = 12", {.text_bytes_max = 5}).ok());
  EXPECT_TRUE(parse("a = {b = [1]}", {.depth_max = 2}).ok());
  EXPECT_FALSE(parse("a = {b = [1]}", {.depth_max = 1}).ok());
  EXPECT_TRUE(parse(R"({"a":{"b":[1]}})", {.depth_max = 2}).ok());
  EXPECT_FALSE(parse(R"({"a":{"b":[1]}})", {.depth_max = 1}).ok());
  EXPECT_TRUE(parse("a = [1,2]", {.nodes_max = 4}).ok());
  EXPECT_FALSE(parse("a = [1,2,3]", {.nodes_max = 4}).ok());
  EXPECT_FALSE(parse("a = " + std::string(100'000, '[')).ok());
  std::string nested;
  for (int depth = 0; depth < 100'000; ++depth) nested += "a{";
  EXPECT_FALSE(parse(nested).ok());
}

TEST(Hcl, JsonGivesTheSameTree) {
  EXPECT_EQ(shown(" \n{\"a\":{\"b\":[1,true,\"x\\u0041\"]},\"c\":null,\"d\":-1.50}"), "a={b=[1,true,'xA',];};d=-1.50;");
  EXPECT_EQ(shown("{\n\"a\": [null]}"), "line 2, column 7: null in a list");
  EXPECT_EQ(shown("{\n\"a\" 1}"), "line 2, column 5: a colon is missing");
  EXPECT_EQ(shown("{\"a\": \"\\u0000\"}"), "line 1, column 7: a NUL character");
  EXPECT_EQ(shown("{} x"), "line 1, column 4: text after the value");
  auto body = parse("{\n  \"a\":\n    1}");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->items[0].at.line, 2u);
  EXPECT_EQ(body->items[0].at.column, 3u);
  EXPECT_EQ(body->items[0].value.at.line, 3u);
  EXPECT_EQ(body->items[0].value.at.column, 5u);
}

TEST(HclBlocks, AllSpellingsAreOne) {
  for (const std::string_view text : {
           "p \"a\" { x = 1 }\np \"b\" { x = 2 }",
           "p = { \"a\" = { x = 1 } \"b\" { x = 2 } }",
           "p = [{ \"a\" = { x = 1 } }, { b { x = 2 } }]",
           R"({"p":{"a":{"x":1},"b":{"x":2}}})",
           R"({"p":[{"a":{"x":1}},{"b":{"x":2}}]})",
           R"({"p":[{"a":[{"x":1}],"b":{"x":2}}]})",
       }) {
    EXPECT_EQ(show_blocks(text, 1), "a/{x=1;}b/{x=2;}") << text;
  }
  EXPECT_EQ(show_blocks("p { x = 1 }", 0), "{x=1;}");
  EXPECT_EQ(show_blocks(R"({"p":{"x":1}})", 0), "{x=1;}");
  EXPECT_EQ(show_blocks(R"({"p":{"a":[{"x":1},{"x":2}]}})", 1), "a/{x=1;}a/{x=2;}");
}

TEST(HclBlocks, RefusesOtherShapes) {
  EXPECT_EQ(show_blocks("p = 1", 1), "line 1, column 5: a block is missing");
  EXPECT_EQ(show_blocks("p { a = 1 }", 1), "line 1, column 9: a block is missing");
  EXPECT_EQ(show_blocks("p \"a\" \"b\" {}", 1), "line 1, column 7: a label too many");
  EXPECT_EQ(show_blocks("p { a \"b\" {} }", 1), "line 1, column 7: a label too many");
  EXPECT_EQ(show_blocks("p \"a\" {}", 0), "line 1, column 3: a label too many");
  EXPECT_EQ(show_blocks("p = [[{}]]", 1), "line 1, column 6: a list within a list of blocks");
}

TEST(HclValue, WholeNumbers) {
  auto body = parse("a = 12 b = -9223372036854775808 c = 0x1f d = 9223372036854775808 e = 1.5 f = \"3\"");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body->find("a")->value.as_int(), 12);
  EXPECT_EQ(*body->find("b")->value.as_int(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*body->find("c")->value.as_int(), 31);
  EXPECT_FALSE(body->find("d")->value.as_int().ok());
  EXPECT_FALSE(body->find("e")->value.as_int().ok());
  EXPECT_FALSE(body->find("f")->value.as_int().ok());
  EXPECT_EQ(body->find("g"), nullptr);
}

TEST(Hcl, SurvivesDamagedTexts) {
  const std::string whole =
      "path \"a/*\" { capabilities = [\"read\", 1] /* c */ x = <<-EOF\n  t\n  EOF\n y = { z = -1.5e3 } }\n# end\nu = true\n";
  std::mt19937 random(20'261'122);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      constexpr std::string_view kBytes = "{}[]\"=,<-EOF\n\\/*#a1. \xC3";
      const std::size_t where = random() % text.size();
      if (random() % 2 == 0) {
        text[where] = kBytes[random() % kBytes.size()];
      } else {
        text.erase(where, random() % 5);
      }
    }
    auto body = parse(text);
    if (!body.ok()) {
      EXPECT_EQ(body.code(), Code::kInvalid);
      EXPECT_TRUE(body.error().message.starts_with("line "));
    }
  }
}

}  // namespace
}  // namespace keyhold::hcl
