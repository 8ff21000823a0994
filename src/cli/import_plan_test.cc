#include "cli/import_plan.h"

namespace keyhold::cli {
namespace {

/// "+added ~changed -removed", from one object to the other.
std::string changes(std::string_view there, std::string_view source) {
  const auto old_document = json::Document::parse(there), new_document = json::Document::parse(source);
  EXPECT_TRUE(old_document.ok() && new_document.ok());
  const FieldChanges found = changes_between(old_document->root(), fields_of(new_document->root()));
  std::string text;
  for (const std::string& name : found.added) text += "+" + name;
  for (const std::string& name : found.changed) text += "~" + name;
  for (const std::string& name : found.removed) text += "-" + name;
  EXPECT_EQ(text.empty(), found.none());
  return text;
}

TEST(ImportPlan, TellsWhichFieldsDiffer) {
  EXPECT_EQ(changes(R"({"a":"1","b":"2","c":"3"})", R"({"d":"4","b":"x","a":"1"})"), "+d~b-c");
  EXPECT_EQ(changes("{}", "{}"), "");
  EXPECT_EQ(changes("{}", R"({"a":null})"), "+a");
}

TEST(ImportPlan, ComparesWhatValuesMean) {
  EXPECT_EQ(changes(R"({"a":"\u0041\n","o":{"x":1,"y":[true,null]}})", R"({"o":{"y":[true, null],"x":1},"a":"A\u000a"})"), "");
  EXPECT_EQ(changes(R"({"a":1})", R"({"a":1.0})"), "~a") << "digits are kept, so they count";
  EXPECT_EQ(changes(R"({"a":1})", R"({"a":"1"})"), "~a");
  EXPECT_EQ(changes(R"({"a":[1,2]})", R"({"a":[2,1]})"), "~a");
  EXPECT_EQ(changes(R"({"a":{"x":1}})", R"({"a":{"x":1,"y":2}})"), "~a");
  EXPECT_EQ(changes(R"({"a":{"x":1}})", R"({"a":{"y":1}})"), "~a");
}

}  // namespace
}  // namespace keyhold::cli
