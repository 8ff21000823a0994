#include "cli/render.h"

#include "base/utf8.h"
#include "cli/formats/yaml_reader.h"
#include "cli/import_plan.h"

namespace keyhold::cli {
namespace {

constexpr std::string_view kText =
    R"({"b": "x\ny", "a": [1.10, null, true, {}], "z": {"two": 2, "one": "1", "yes": "no", "word": "a-b/c.d"}, "e": [], "deep": [[1], {"k": {"v": "w x"}}]})";

template <typename Show>
std::string shown(std::string_view text, Show show) {
  const auto document = json::Document::parse(text);
  if (!document.ok()) return "no JSON";
  SecretBytes out;
  show(out, document->root());
  return std::string(out.reveal());
}

std::string table_form(std::string_view text) {
  return shown(text, [](SecretBytes& out, const json::Value& value) { out = table_text(value); });
}

TEST(Render, PrintsTablesTextAsGoDoes) {
  EXPECT_EQ(table_form(R"("a\"b")"), "a\"b");
  EXPECT_EQ(table_form("null"), "<nil>");
  EXPECT_EQ(table_form("1.10"), "1.10");
  EXPECT_EQ(table_form(R"({"b": [1, "x"], "a": null})"), "map[a:<nil> b:[1 x]]");
  EXPECT_EQ(table_form("[]"), "[]");
}

TEST(Render, PrintsJson) {
  EXPECT_EQ(shown(kText, append_pretty_json), R"({
  "b": "x\ny",
  "a": [
    1.10,
    null,
    true,
    {}
  ],
  "z": {
    "one": "1",
    "two": 2,
    "word": "a-b/c.d",
    "yes": "no"
  },
  "e": [],
  "deep": [
    [
      1
    ],
    {
      "k": {
        "v": "w x"
      }
    }
  ]
})");
}

TEST(Render, PrintsYamlThatReadsAsItWas) {
  std::string characters;
  for (const char32_t point : {0x01, 0x0a, 0x0d, 0x22, 0x5c, 0x7f, 0x80, 0x85, 0x9f, 0xa0, 0xad, 0x2028, 0x2029, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x1f600, 0x10ffff}) {
    char bytes[4];
    characters.append(bytes, utf8::encode(point, bytes));
  }
  SecretBytes json;
  json::Writer writer(json);
  writer.begin_object().key(characters).string(characters).key(std::string(2000, 'k')).string(characters + characters);
  for (const char* word : {"yes", "0123", "~", "a: b", "- a", "#", "", "null", "1e5", " a ", "a\n", "<<", "*a", "!t"}) writer.key(word).string(word);
  writer.key("n").raw("1.10").key("o").raw(R"({"b":[[],{},[1,{"c":null}]],"a":true})").end_object();
  const auto document = json::Document::parse(json.reveal());
  ASSERT_TRUE(document.ok());
  SecretBytes yaml;
  append_yaml(yaml, document->root());
  const auto read = yaml_to_json(yaml.reveal());
  ASSERT_TRUE(read.ok()) << read.error().message << yaml.reveal();
  const auto again = json::Document::parse(read->at(0).reveal());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(changes_between(document->root(), fields_of(again->root())).none()) << yaml.reveal();
}

TEST(Render, PrintsYaml) {
  EXPECT_EQ(shown(kText, append_yaml), R"(b: "x\ny"
a:
  - 1.10
  - null
  - true
  - {}
z:
  one: "1"
  two: 2
  word: a-b/c.d
  "yes": "no"
e: []
deep:
  -
    - 1
  -
    k:
      v: "w x"
)");
}

TEST(Render, PrintsDurations) {
  EXPECT_EQ(human_duration(0), "0s");
  EXPECT_EQ(human_duration(60), "1m");
  EXPECT_EQ(human_duration(3600), "1h");
  EXPECT_EQ(human_duration(2764800), "768h");
  EXPECT_EQ(human_duration(5400), "1h30m");
  EXPECT_EQ(human_duration(3605), "1h0m5s");
  EXPECT_TRUE(is_duration_name("ttl"));
  EXPECT_TRUE(is_duration_name("default_lease_ttl"));
  EXPECT_FALSE(is_duration_name("subttl"));
}

}  // namespace
}  // namespace keyhold::cli
