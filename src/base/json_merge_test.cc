#include "base/json_merge.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/sanitizer_test_util.h"

namespace keyhold::json {
namespace {

std::string merged(std::string_view target, std::string_view patch) {
  const auto old = Document::parse(target);
  const auto change = Document::parse(patch);
  EXPECT_TRUE(old.ok() && change.ok()) << target << " " << patch;
  SecretBytes out;
  append_merged(out, old->root(), change->root());
  return std::string(out.reveal());
}

/// The pseudocode of RFC 7396, section 2.
boost::json::value reference(boost::json::value target, const boost::json::value& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = boost::json::object();
  for (const auto& [name, value] : patch.get_object()) {
    if (value.is_null()) {
      target.get_object().erase(name);
    } else {
      boost::json::value& member = target.get_object()[name];
      member = reference(member, value);
    }
  }
  return target;
}

TEST(JsonMerge, ExamplesOfTheSpecification) {
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), R"({})");
  EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
  EXPECT_EQ(merged(R"({})", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
  EXPECT_EQ(merged(R"({})", R"({"a":[null,{"b":null}]})"), R"({"a":[null,{"b":null}]})");
}

TEST(JsonMerge, WhatIsNotTouchedStaysByteForByte) {
  constexpr std::string_view kTarget =
      R"({ "big" : 12345678901234567890123456789, "\u0065xp":1e400 ,"price":1.10, "s":"\ud83d\ude00\/é" ,
  "deep":{"x" : [1.0 , 2] , "y":-0.0} })";
  EXPECT_EQ(merged(kTarget, "{}"), kTarget);
  EXPECT_EQ(merged(kTarget, R"({"none":null})"), kTarget);
  EXPECT_EQ(merged(kTarget, R"({"price":2.20})"), std::string(kTarget).replace(kTarget.find("1.10"), 4, "2.20"));
  EXPECT_EQ(merged(kTarget, R"({"exp":2})"), std::string(kTarget).replace(kTarget.find("1e400"), 5, "2")) << "names meet unescaped";
  EXPECT_EQ(merged(kTarget, R"({"deep":{"y":7}})"), std::string(kTarget).replace(kTarget.find("-0.0"), 4, "7"));
}

TEST(JsonMerge, RemovingLeavesNoCommaBehind) {
  EXPECT_EQ(merged(R"({ "a":1 , "b":2 , "c":3 })", R"({"a":null})"), R"({ "b":2 , "c":3 })");
  EXPECT_EQ(merged(R"({ "a":1 , "b":2 , "c":3 })", R"({"b":null})"), R"({ "a":1, "c":3 })");
  EXPECT_EQ(merged(R"({ "a":1 , "b":2 , "c":3 })", R"({"c":null})"), R"({ "a":1 , "b":2 })");
  EXPECT_EQ(merged(R"({ "a":1 , "b":2 })", R"({"a":null,"b":null})"), R"({ })");
  EXPECT_EQ(merged(R"({ "a":1 })", R"({"a":null,"z":1e400})"), R"({"z":1e400 })");
}

/// Documents with few names, so that patches meet targets often.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  std::string object(int depth) {
    std::vector<std::string> names{"a", "b", "\\u0061b", "c\\n", "é"};
    std::shuffle(names.begin(), names.end(), engine_);
    std::string text = "{" + space();
    const std::size_t members = pick(names.size() + 1);
    for (std::size_t i = 0; i < members; ++i) {
      if (i > 0) text += "," + space();
      text += "\"" + names[i] + "\"" + space() + ":" + space() + value(depth - 1) + space();
    }
    return text + "}";
  }

 private:
  std::string value(int depth) {
    switch (pick(depth > 0 ? 7 : 5)) {
      case 0: return "null";
      case 1: return "true";
      case 2: return std::to_string(pick(1000));
      case 3: return R"("x\u00e9")";
      case 4: return "[1," + space() + "null]";
      default: return object(depth);
    }
  }
  std::string space() { return std::string(pick(3), " \t\n"[pick(3)]); }
  std::size_t pick(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_); }

  std::mt19937 engine_;
};

TEST(JsonMerge, AgreesWithTheReferenceOnRandomDocuments) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int i = 0; i < inputs(20'000); ++i) {
    const std::string target = random.object(4);
    const std::string patch = random.object(4);
    const std::string ours = merged(target, patch);
    ASSERT_TRUE(Document::parse(ours).ok()) << target << " " << patch << " " << ours;
    ASSERT_EQ(boost::json::parse(ours), reference(boost::json::parse(target), boost::json::parse(patch)))
        << target << " " << patch << " " << ours;
  }
}

}  // namespace
}  // namespace keyhold::json
