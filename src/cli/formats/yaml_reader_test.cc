#include "cli/formats/yaml_reader.h"

#include "base/limits.h"

namespace keyhold::cli {
namespace {

/// The documents, one a line, or the error.
std::string json_of(std::string_view text) {
  const auto documents = yaml_to_json(text);
  if (!documents.ok()) return "error: " + documents.error().message;
  std::string all;
  for (const SecretBytes& document : *documents) all.append(all.empty() ? "" : "\n").append(document.reveal());
  return all;
}

TEST(YamlReader, ReadsWhatJsonHasAFormFor) {
  EXPECT_EQ(json_of("a: 1\nb: [x, {c: d}]\ne:\n  - f\n"), R"({"a":1,"b":["x",{"c":"d"}],"e":["f"]})");
  EXPECT_EQ(json_of("a: true\nb: null\nc: ~\nd:\ne: FALSE"), R"({"a":true,"b":null,"c":null,"d":null,"e":false})");
  EXPECT_EQ(json_of("a: \"x\\ny\"\nb: 'it''s'\nc: |\n  k\n  l\nd: >-\n  k\n  l\n"), R"({"a":"x\ny","b":"it's","c":"k\nl\n","d":"k l"})");
  EXPECT_EQ(json_of("--- {a: 1}\n---\nb: 2\n...\n"), "{\"a\":1}\n{\"b\":2}");
  EXPECT_EQ(json_of("1: a\ntrue: b"), R"({"1":"a","true":"b"})");
  EXPECT_EQ(json_of("[]"), "[]");
  EXPECT_EQ(json_of(""), "");
}

TEST(YamlReader, KeepsDigitsAndWhatIsNoNumberInJson) {
  EXPECT_EQ(json_of("a: 1.10\nb: 123456789012345678901234567890\nc: -1e9"), R"({"a":1.10,"b":123456789012345678901234567890,"c":-1e9})");
  EXPECT_EQ(json_of("a: 0123\nb: 1_000\nc: yes\nd: 0x1F\ne: .5\nf: +1\ng: 2001-01-01\nh: .inf"),
            R"({"a":"0123","b":"1_000","c":"yes","d":"0x1F","e":".5","f":"+1","g":"2001-01-01","h":".inf"})");
  EXPECT_EQ(json_of("a: !!str 1\nb: \"1\"\nc: ! 2"), R"({"a":"1","b":"1","c":"2"})");
}

TEST(YamlReader, RefusesAliasesAndWhatHasNoForm) {
  EXPECT_EQ(json_of("a: &x [1]\nb: *x"), "error: line 2: an alias (*name) is not followed: write the value out");
  EXPECT_EQ(json_of("a: &x 1"), R"({"a":1})") << "an anchor alone says nothing";
  EXPECT_EQ(json_of("<<: {a: 1}"), "error: line 1: << is not followed: write the keys out");
  EXPECT_EQ(json_of("a: !Ref b"), "error: line 1: a tag that has no meaning here");
  EXPECT_EQ(json_of("a: !!binary aGVsbG8="), "error: line 1: a tag that has no meaning here");
  EXPECT_EQ(json_of("? [a]\n: b"), "error: line 1: a key must be a text");
  EXPECT_EQ(json_of("a: 1\nb: 2\na: 3"), "error: line 3: the key was there before");
  EXPECT_EQ(json_of("a: 'x"), "error: line 1: found unexpected end of stream");
  EXPECT_EQ(json_of("a: \x01").substr(0, 6), "error:");
  EXPECT_EQ(json_of("a: \xff").substr(0, 6), "error:");
}

TEST(YamlReader, BoundsDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(yaml_to_json(nested(limits::kJsonDepthMax)).ok());
  EXPECT_EQ(json_of(nested(limits::kJsonDepthMax + 1)), "error: line 1: it is nested too deeply");
  EXPECT_FALSE(yaml_to_json(nested(100'000)).ok());
}

TEST(YamlReader, NeverTellsOfValues) {
  for (const std::string_view text : {"a: 'hunter2", "a: [hunter2", "a: hunter2: x", "hunter2: 1\nhunter2: 2", "a: !hunter2 x", "- hunter2\nb: c", "a: *hunter2"}) {
    EXPECT_EQ(json_of(text).find("hunter2"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace keyhold::cli
