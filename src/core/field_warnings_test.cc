#include "core/field_warnings.h"

#include <gtest/gtest.h>

#include <array>

namespace keyhold::core {
namespace {

using Warnings = std::vector<std::string>;

constexpr std::array kFields{Field{.name = "name", .source = FieldSource::kPath},
                             Field{.name = "version", .type = FieldType::kInteger, .source = FieldSource::kQuery},
                             Field{.name = "text"}};
constexpr std::array kContent{Field{.name = "name", .source = FieldSource::kPath},
                              Field{.name = "data", .type = FieldType::kObject, .source = FieldSource::kWholeBody}};

Warnings warnings(Operation operation, std::string_view body, std::vector<std::pair<std::string, std::string>> query = {},
                  std::span<const Field> fields = kFields) {
  const RouteInfo route{.operation = operation, .path = "x/{name}", .access = Capability::kUpdate, .fields = fields,
                        .cost = Cost::kDisk, .reply = Payload::kSecret};
  Request request;
  request.operation = operation;
  request.query = std::move(query);
  const auto values = FieldValues::parse(fields, {"some"}, request.query, body);
  EXPECT_TRUE(values.ok());
  Warnings told;
  for (const SecretBytes& warning : field_warnings(route, request, *values)) told.emplace_back(warning.reveal());
  return told;
}

TEST(FieldWarnings, OfAWriteTheBodyCounts) {
  EXPECT_EQ(warnings(Operation::kUpdate, R"({"text":"x"})", {{"odd", "1"}}), Warnings{});
  EXPECT_EQ(warnings(Operation::kUpdate, R"({"zeta":"hunter2","text":"x","alpha":null})"),
            Warnings{"Endpoint ignored these unrecognized parameters: [alpha zeta]"});
  EXPECT_EQ(warnings(Operation::kUpdate, R"({"t\u0065xt":"x"})"), Warnings{"Endpoint ignored these unrecognized parameters: [t\\u0065xt]"});
  EXPECT_EQ(warnings(Operation::kPatch, R"({"name":"hunter2"})"),
            Warnings{"Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]"});
}

TEST(FieldWarnings, OfAReadTheQueryCounts) {
  EXPECT_EQ(warnings(Operation::kRead, "", {{"version", "1"}}), Warnings{});
  EXPECT_EQ(warnings(Operation::kRead, "", {{"versoin", "1"}}), Warnings{"Endpoint ignored these unrecognized parameters: [versoin]"});
  EXPECT_EQ(warnings(Operation::kList, "", {{"list", "true"}}), Warnings{});
}

TEST(FieldWarnings, ContentMayHaveAnyNames) {
  EXPECT_EQ(warnings(Operation::kUpdate, R"({"a":1,"name":2})", {}, kContent), Warnings{});
}

TEST(FieldWarnings, TellABoundedPart) {
  std::string body = "{\"" + std::string(1'000, 'a') + "\":1";
  for (int i = 100; i < 1'000; ++i) body += ",\"n" + std::to_string(i) + "\":1";
  const Warnings told = warnings(Operation::kUpdate, body + "}");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_LT(told[0].size(), 400u);
  EXPECT_TRUE(told[0].ends_with(" …]")) << told[0];
}

}  // namespace
}  // namespace keyhold::core
