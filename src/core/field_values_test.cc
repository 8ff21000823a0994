#include "core/field_values.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace keyhold::core {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

constexpr std::array kFields{
    Field{.name = "path", .source = FieldSource::kPath},
    Field{.name = "q", .type = FieldType::kInteger, .source = FieldSource::kQuery},
    Field{.name = "string", .type = FieldType::kString},
    Field{.name = "integer", .type = FieldType::kInteger},
    Field{.name = "boolean", .type = FieldType::kBoolean},
    Field{.name = "duration", .type = FieldType::kDuration},
    Field{.name = "strings", .type = FieldType::kStringList},
    Field{.name = "integers", .type = FieldType::kIntegerList},
    Field{.name = "map", .type = FieldType::kStringMap},
    Field{.name = "object", .type = FieldType::kObject},
};

Result<FieldValues> parse(std::string_view body, const Query& query = {}) {
  return FieldValues::parse(kFields, {"some/name"}, query, body);
}

FieldValues values(std::string_view body, const Query& query = {}) {
  auto parsed = parse(body, query);
  EXPECT_TRUE(parsed.ok()) << body;
  return std::move(parsed).value();
}

TEST(FieldValues, ExactTypesAreWhatTheyAre) {
  for (const std::string_view body : {"{}", R"({"string":"5","integer":5,"boolean":true,"strings":["a"],"object":{},"map":null})", R"({"unknown":5})"}) {
    EXPECT_TRUE(values(body).check_exact_types().ok()) << body;
  }
  for (const std::string_view body : {R"({"string":5})", R"({"integer":"5"})", R"({"boolean":"true"})", R"({"strings":"a,b"})", R"({"string":true})"}) {
    EXPECT_EQ(values(body).check_exact_types().code(), Code::kInvalid) << body;
  }
}

TEST(FieldValues, AbsentOrNullIsAbsent) {
  for (const std::string_view body : {"", "null", "{}", R"({"string":null,"integer":null,"map":null,"object":null})"}) {
    const FieldValues fields = values(body);
    EXPECT_FALSE(fields.has("string"));
    EXPECT_EQ(fields.text("string"), "");
    EXPECT_TRUE(fields.secret("string").empty());
    EXPECT_EQ(fields.integer("integer", 7), 7);
    EXPECT_TRUE(fields.boolean("boolean", true));
    EXPECT_EQ(fields.duration_s("duration", 5), 5);
    EXPECT_TRUE(fields.string_list("strings").empty());
    EXPECT_TRUE(fields.integer_list("integers").empty());
    EXPECT_TRUE(fields.string_map("map").empty());
    EXPECT_FALSE(fields.object("object").has_value());
  }
}

TEST(FieldValues, TakesPathAndQuery) {
  const Query query{{"q", "12"}, {"other", "x"}};
  const FieldValues fields = values("", query);
  EXPECT_EQ(fields.text("path"), "some/name");
  EXPECT_EQ(fields.integer("q"), 12);
}

TEST(FieldValues, OnlyItsOwnSourceFillsAField) {
  const Query query{{"string", "from the query"}};
  const FieldValues fields = values(R"({"path":"other","q":3})", query);
  EXPECT_EQ(fields.text("path"), "some/name");
  EXPECT_FALSE(fields.has("q"));
  EXPECT_FALSE(fields.has("string"));
}

TEST(FieldValues, ScalarsAreWeak) {
  EXPECT_EQ(values(R"({"string":"a\u00e9\n"})").text("string"), "a\xc3\xa9\n");
  EXPECT_EQ(values(R"({"string":1.10})").text("string"), "1.10");
  EXPECT_EQ(values(R"({"string":true})").text("string"), "true");
  EXPECT_EQ(values(R"({"string":12})").secret("string").reveal(), "12");
  EXPECT_EQ(values(R"({"string":"s\"s"})").secret("string").reveal(), "s\"s");
  EXPECT_EQ(values(R"({"integer":"-3"})").integer("integer"), -3);
  EXPECT_EQ(values(R"({"integer":3.0})").integer("integer"), 3);
  EXPECT_EQ(values(R"({"integer":9223372036854775807})").integer("integer"), 9223372036854775807);
  EXPECT_TRUE(values(R"({"boolean":"true"})").boolean("boolean"));
  EXPECT_TRUE(values(R"({"boolean":1})").boolean("boolean"));
  EXPECT_FALSE(values(R"({"boolean":"F"})").boolean("boolean", true));
  EXPECT_EQ(values(R"({"duration":90})").duration_s("duration"), 90);
  EXPECT_EQ(values(R"({"duration":"90"})").duration_s("duration"), 90);
  EXPECT_EQ(values(R"({"duration":"1h30m"})").duration_s("duration"), 5400);
}

TEST(FieldValues, ListsAndMaps) {
  using Strings = std::vector<std::string>;
  using Integers = std::vector<std::int64_t>;
  EXPECT_EQ(values(R"({"strings":["a","b,c",1]})").string_list("strings"), (Strings{"a", "b,c", "1"}));
  EXPECT_EQ(values(R"({"strings":"a, b ,,c"})").string_list("strings"), (Strings{"a", "b", "c"}));
  EXPECT_EQ(values(R"({"strings":[]})").string_list("strings"), Strings{});
  EXPECT_EQ(values(R"({"integers":[1,"2"]})").integer_list("integers"), (Integers{1, 2}));
  EXPECT_EQ(values(R"({"integers":"1,2"})").integer_list("integers"), (Integers{1, 2}));
  EXPECT_EQ(values(R"({"integers":3})").integer_list("integers"), Integers{3});
  const auto map = values(R"({"map":{"b":"2","a":1,"n":null}})").string_map("map");
  EXPECT_EQ(map, (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(values(R"({"map":["a=1","b=x=y","c="]})").string_map("map"), (Map{{"a", "1"}, {"b", "x=y"}, {"c", ""}}));
  EXPECT_EQ(values(R"({"map":"a=1,b=2"})").string_map("map"), (Map{{"a", "1,b=2"}}));
  EXPECT_EQ(values(R"({"map":[]})").string_map("map"), Map{});
  EXPECT_EQ(values(R"({"object": {"z": 1.10, "a": 2} })").object("object")->raw(), R"({"z": 1.10, "a": 2})");
}

TEST(FieldValues, AWrongTypeNamesTheFieldAndNeverTheValue) {
  for (const std::string_view body :
       {R"({"string":["hunter2"]})", R"({"string":{"hunter2":1}})", R"({"integer":"hunter2"})", R"({"integer":1.5})",
        R"({"integer":9223372036854775808})", R"({"integer":true})", R"({"integer":""})", R"({"boolean":"hunter2"})",
        R"({"boolean":2})", R"({"boolean":[]})", R"({"duration":"hunter2"})", R"({"duration":"-1s"})",
        R"({"duration":"-1"})", R"({"strings":{"a":"hunter2"}})", R"({"strings":[["hunter2"]]})", R"({"strings":[null]})",
        R"({"integers":["hunter2"]})", R"({"integers":[1.5]})", R"({"map":"hunter2"})", R"({"map":["hunter2"]})", R"({"map":["=hunter2"]})", R"({"map":["a=1",["b=hunter2"]]})",
        R"({"map":{"a":{"hunter2":1}}})", R"({"object":"hunter2"})", R"({"object":[1]})"}) {
    const auto parsed = parse(body);
    ASSERT_FALSE(parsed.ok()) << body;
    EXPECT_EQ(parsed.code(), Code::kInvalid) << body;
    const std::string field(body.substr(2, body.find('"', 2) - 2));
    EXPECT_NE(parsed.error().message.find("\"" + field + "\""), std::string::npos) << parsed.error().message;
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos) << parsed.error().message;
  }
  const auto parsed = parse("", {{"q", "hunter2"}});
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message.find("\"q\""), std::string::npos);
  EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
}

TEST(FieldValues, TheBodyIsOneObject) {
  for (const std::string_view body : {"[]", "1", "\"hunter2\"", "{", "{\"a\":1}x", R"({"a":1,"a":2})", R"({"a":hunter2})"}) {
    const auto parsed = parse(body);
    ASSERT_FALSE(parsed.ok()) << body;
    EXPECT_EQ(parsed.code(), Code::kInvalid);
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace keyhold::core
