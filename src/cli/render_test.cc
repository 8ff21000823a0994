#include "cli/render.h"

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
