#include "cli/key_values.h"

namespace keyhold::cli {
namespace {

std::string object(std::vector<std::string_view> arguments) {
  ValueSources sources;
  sources.file = [](std::string_view path) -> Result<SecretBytes> {
    if (path == "text") return SecretBytes::copy_of("of a file\n");
    if (path == "json") return SecretBytes::copy_of(R"({"a": 1.50, "b": {"c": [true]}})");
    if (path == "list") return SecretBytes::copy_of("[1]");
    if (path == "bytes") return SecretBytes::copy_of("\xff\xfe");
    return Error{Code::kInvalid, "none"};
  };
  sources.input = [](std::string_view key) -> Result<SecretBytes> {
    return SecretBytes::copy_of(key == "the JSON" ? R"({"from": "input"})" : "typed");
  };
  const auto made = object_from(arguments, sources);
  return made.ok() ? std::string(made->reveal()) : "error: " + made.error().message;
}

TEST(KeyValues, MakesStrings) {
  EXPECT_EQ(object({}), "{}");
  EXPECT_EQ(object({"a=1", "b=x=y", "c="}), R"({"a":"1","b":"x=y","c":""})");
  EXPECT_EQ(object({"a=\"quoted\"\n"}), R"({"a":"\"quoted\"\n"})");
}

TEST(KeyValues, ReadsFilesAndInput) {
  EXPECT_EQ(object({"a=@text"}), R"({"a":"of a file\n"})");
  EXPECT_EQ(object({"a=-"}), R"({"a":"typed"})");
  EXPECT_EQ(object({"a=\\@text"}), R"({"a":"@text"})");
  EXPECT_EQ(object({"@json", "d=2"}), R"({"a":1.50,"b":{"c": [true]},"d":"2"})") << "numbers stay as they are written";
  EXPECT_EQ(object({"-"}), R"({"from":"input"})");
}

TEST(KeyValues, MakesListsOfRepeatedKeys) { EXPECT_EQ(object({"a=1", "b=2", "a=3"}), R"({"a":["1","3"],"b":"2"})"); }

TEST(KeyValues, RefusesTheRest) {
  for (const std::vector<std::string_view>& arguments : std::vector<std::vector<std::string_view>>{
           {"word"}, {"=x"}, {"a=@none"}, {"@list"}, {"@text"}, {"a=@bytes"}, {"a=-", "-"}, {"a=-", "b=-"}}) {
    EXPECT_TRUE(object(arguments).starts_with("error: ")) << arguments.front();
  }
  EXPECT_EQ(object({"hunter2"}).find("hunter2"), std::string::npos) << "what was meant as a value is not repeated";
}

}  // namespace
}  // namespace keyhold::cli
