// A body and the value of a query field, parted by a NUL byte, read as fields of every type: what is accepted can be had by its
// getter, within its bounds, and a refusal tells which field and nothing of its value.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/field_values.h"
#include "core/policy/policy_name.h"

namespace {

using namespace keyhold;
using namespace keyhold::core;

using Query = std::vector<std::pair<std::string, std::string>>;

template <FieldSource source>
constexpr std::array kFields{
    Field{.name = "text", .type = FieldType::kString, .source = source},
    Field{.name = "integer", .type = FieldType::kInteger, .source = source},
    Field{.name = "boolean", .type = FieldType::kBoolean, .source = source},
    Field{.name = "duration", .type = FieldType::kDuration, .source = source},
    Field{.name = "strings", .type = FieldType::kStringList, .source = source},
    Field{.name = "policies", .type = FieldType::kPolicyNames, .source = source},
    Field{.name = "integers", .type = FieldType::kIntegerList, .source = source},
    Field{.name = "map", .type = FieldType::kStringMap, .source = source},
    Field{.name = "object", .type = FieldType::kObject, .source = source},
};

void check_refusal(const Error& error) {
  CHECK(error.message.starts_with("failed to parse JSON input: ") ||
        std::any_of(kFields<FieldSource::kBody>.begin(), kFields<FieldSource::kBody>.end(), [&](const Field& field) {
          return error.message.starts_with("the field \"" + std::string(field.name) + "\" must be ");
        }));
}

void check_policies(const FieldValues& values) {
  for (const std::string& name : values.policy_names("policies")) {
    const auto again = normalize_policy_name(name);
    CHECK(again.ok() && *again == name);
  }
}

void read_body(std::string_view body) {
  const auto values = FieldValues::parse(kFields<FieldSource::kBody>, {}, {}, body);
  if (!values.ok()) return check_refusal(values.error());
  if (const SecretBytes secret = values->secret("text"); !values->has("text")) CHECK(secret.empty());
  CHECK(values->secret("text").reveal() == values->text("text"));
  static_cast<void>(values->integer("integer"));
  static_cast<void>(values->boolean("boolean"));
  CHECK(values->duration_s("duration") >= 0 && values->duration_s("duration") <= 292LL * 366 * 24 * 3600);
  static_cast<void>(values->string_list("strings"));
  static_cast<void>(values->integer_list("integers"));
  for (const auto& pair : values->string_map("map")) static_cast<void>(pair);
  CHECK(values->object("object").has_value() == values->has("object"));
  check_policies(*values);
}

/// Each type alone: with one value for all of them most inputs would be refused.
void read_query(const std::string& text) {
  for (const Field& field : kFields<FieldSource::kQuery>) {
    if (field.type == FieldType::kStringMap || field.type == FieldType::kObject) continue;  // Only in bodies.
    const Query query{{std::string(field.name), text}};  // Values are views of it.
    const auto values = FieldValues::parse({&field, 1}, {}, query, "");
    if (!values.ok()) {
      check_refusal(values.error());
      continue;
    }
    if (field.type == FieldType::kPolicyNames) check_policies(*values);
    if (field.type != FieldType::kStringList) continue;
    std::string joined;
    const auto list = values->string_list(field.name);
    for (const std::string& part : list) {
      CHECK(!part.empty() && part.front() != ' ' && part.back() != ' ' && part.find(',') == std::string::npos);
      joined += part + ",";
    }
    const Query rejoined{{std::string(field.name), joined}};
    const auto again = FieldValues::parse({&field, 1}, {}, rejoined, "");
    CHECK(again.ok() && again->string_list(field.name) == list);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  read_body(input.substr(0, end));
  read_query(std::string(input.substr(std::min(end + 1, input.size()))));
  return 0;
}
