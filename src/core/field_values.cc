#include "core/field_values.h"

#include <algorithm>

#include "base/scalar.h"
#include "base/time_format.h"
#include "core/policy/policy_name.h"

namespace keyhold::core {
namespace {

std::string_view expected(FieldType type) {
  switch (type) {
    case FieldType::kString: return "a string";
    case FieldType::kInteger: return "an integer";
    case FieldType::kBoolean: return "a boolean";
    case FieldType::kDuration: return "seconds or a duration like \"1h30m\"";
    case FieldType::kStringList: return "a list of strings";
    case FieldType::kPolicyNames: return "a list of policy names";
    case FieldType::kIntegerList: return "a list of integers";
    case FieldType::kStringMap: return "an object of strings, or a list of \"name=value\"";
    case FieldType::kObject: return "an object";
    case FieldType::kArray: return "an array";
  }
  return "";
}

Error wrong_type(const Field& field) {
  return {Code::kInvalid,
          "the field \"" + std::string(field.name) + "\" must be " + std::string(expected(field.type))};
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

bool is_scalar(json::Kind kind) {
  return kind == json::Kind::kString || kind == json::Kind::kNumber || kind == json::Kind::kBool;
}

/// The scalar as text: a string's characters, or a number or boolean as written.
std::optional<std::string> scalar_text(json::Value value) {
  switch (value.kind()) {
    case json::Kind::kString:
      if (auto text = value.as_string(); text.ok()) return std::move(text).value();
      return std::nullopt;
    case json::Kind::kNumber:
    case json::Kind::kBool: return std::string(value.raw());
    case json::Kind::kNull:
    case json::Kind::kArray:
    case json::Kind::kObject: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> to_string_list(json::Value value) {
  if (value.kind() != json::Kind::kArray) {
    const auto text = scalar_text(value);
    if (!text) return std::nullopt;
    return split_commas(*text);
  }
  std::vector<std::string> list;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto text = scalar_text(value.at(i));
    if (!text) return std::nullopt;
    list.push_back(std::move(*text));
  }
  return list;
}

/// "name=value", or several in an array. source: Vault's framework, TypeKVPairs.
std::optional<std::map<std::string, std::string>> to_pairs(json::Value value) {
  std::map<std::string, std::string> map;
  const bool several = value.is_array();
  for (std::size_t i = 0; i < (several ? value.size() : 1); ++i) {
    const auto text = scalar_text(several ? value.at(i) : value);
    const std::size_t equals = text ? text->find('=') : std::string::npos;
    if (equals == std::string::npos || equals == 0) return std::nullopt;
    map.insert_or_assign(text->substr(0, equals), text->substr(equals + 1));
  }
  return map;
}

std::optional<std::map<std::string, std::string>> to_string_map(json::Value value) {
  if (!value.is_object()) return to_pairs(value);
  std::map<std::string, std::string> map;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.at(i).is_null()) continue;
    auto text = scalar_text(value.at(i));
    if (!text) return std::nullopt;
    map.emplace(value.key_at(i), std::move(*text));
  }
  return map;
}

std::optional<std::vector<std::int64_t>> to_integers(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> numbers;
  for (const std::string& text : texts) {
    const auto number = parse_integer(text);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<std::vector<std::string>> to_policy_names(const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  for (const std::string& text : texts) {
    auto name = normalize_policy_name(text);
    if (!name.ok()) return std::nullopt;
    names.push_back(std::move(*name));
  }
  return names;
}

std::optional<std::int64_t> to_duration(std::string_view text) {
  auto seconds = parse_duration_s(text);
  return seconds.ok() ? std::optional(*seconds) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> weak_integer(json::Value value) {
  if (value.kind() == json::Kind::kNumber) {
    if (auto number = value.as_int(); number.ok()) return *number;
    return std::nullopt;
  }
  const auto text = scalar_text(value);
  return text ? parse_integer(*text) : std::nullopt;
}

Result<FieldValues> FieldValues::parse(std::span<const Field> fields, const PathValues& path_values,
                                       const std::vector<std::pair<std::string, std::string>>& query,
                                       std::string_view body) {
  FieldValues values;
  std::optional<json::Value> root;
  const bool raw = std::any_of(fields.begin(), fields.end(), [](const Field& field) { return field.source == FieldSource::kRawBody; });
  if (!body.empty() && !raw) {
    auto document = json::Document::parse(body);
    if (!document.ok()) return Error{document.code(), "failed to parse JSON input: " + document.error().message};
    values.document_ = std::make_unique<const json::Document>(std::move(*document));
    root = values.document_->root();
    if (root->is_null()) {  // What Go's client sends when it is given nothing.
      root.reset();
      values.document_.reset();
    } else if (!root->is_object()) {
      return Error{Code::kInvalid, "failed to parse JSON input: the body must be an object"};
    }
  }
  values.slots_.reserve(fields.size());
  std::size_t path_index = 0;
  for (const Field& field : fields) {
    Slot slot{.field = &field, .json = {}, .text = {}, .present = false};
    if (field.source == FieldSource::kPath) {
      CHECK(path_index < path_values.size());
      slot.text = path_values[path_index++];
      slot.present = true;
    } else if (field.source == FieldSource::kQuery) {
      for (const auto& [name, text] : query) {
        if (name != field.name) continue;
        slot.text = text;
        slot.present = !text.empty();  // "?version=" asks for nothing.
      }
    } else if (field.source == FieldSource::kRawBody) {
      slot.text = body;
      slot.present = !body.empty();
    } else if (root) {
      slot.json = field.source == FieldSource::kWholeBody ? root : root->find(field.name);
      slot.present = slot.json && !slot.json->is_null();
    }
    if (slot.present) TRY(check(slot));
    values.slots_.push_back(std::move(slot));
  }
  return values;
}

namespace {

bool exact(FieldType type, json::Kind kind) {
  switch (type) {
    case FieldType::kString:
    case FieldType::kDuration: return kind == json::Kind::kString;
    case FieldType::kInteger: return kind == json::Kind::kNumber;
    case FieldType::kBoolean: return kind == json::Kind::kBool;
    case FieldType::kStringList:
    case FieldType::kPolicyNames:
    case FieldType::kIntegerList:
    case FieldType::kArray: return kind == json::Kind::kArray;
    case FieldType::kStringMap:
    case FieldType::kObject: return kind == json::Kind::kObject;
  }
  return false;
}

}  // namespace

Result<void> FieldValues::check_exact_types() const {
  for (const Slot& slot : slots_) {
    if (!slot.present || !slot.json || exact(slot.field->type, slot.json->kind())) continue;
    return Error{Code::kInvalid, "the field \"" + std::string(slot.field->name) + "\" has a value of the wrong type"};
  }
  return {};
}

Result<void> FieldValues::check(const Slot& slot) {
  const bool is_json = slot.json.has_value();
  bool fits = false;
  switch (slot.field->type) {
    case FieldType::kString: fits = !is_json || is_scalar(slot.json->kind()); break;
    case FieldType::kInteger:
      fits = is_json ? weak_integer(*slot.json).has_value() : parse_integer(slot.text).has_value();
      break;
    case FieldType::kBoolean: {
      const auto text = is_json ? scalar_text(*slot.json) : std::optional(std::string(slot.text));
      fits = text && parse_boolean(*text);
      break;
    }
    case FieldType::kDuration: {
      const auto text = is_json ? scalar_text(*slot.json) : std::optional(std::string(slot.text));
      fits = text && to_duration(*text);
      break;
    }
    case FieldType::kStringList: fits = !is_json || to_string_list(*slot.json); break;
    case FieldType::kPolicyNames:
    case FieldType::kIntegerList: {
      const auto texts = is_json ? to_string_list(*slot.json) : std::optional(split_commas(slot.text));
      const bool names = slot.field->type == FieldType::kPolicyNames;
      fits = texts && (names ? to_policy_names(*texts).has_value() : to_integers(*texts).has_value());
      break;
    }
    case FieldType::kStringMap: fits = is_json && to_string_map(*slot.json); break;
    case FieldType::kObject: fits = is_json && slot.json->is_object(); break;
    case FieldType::kArray: fits = is_json && slot.json->is_array(); break;
  }
  if (!fits) return wrong_type(*slot.field);
  return {};
}

const FieldValues::Slot* FieldValues::slot(std::string_view name, FieldType type) const {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [name](const Slot& slot) { return slot.field->name == name; });
  CHECK(found != slots_.end() && found->field->type == type);
  return found->present ? &*found : nullptr;
}

bool FieldValues::has(std::string_view name) const {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [name](const Slot& slot) { return slot.field->name == name; });
  return found != slots_.end() && found->present;
}

bool FieldValues::is_null(std::string_view name) const {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [name](const Slot& slot) { return slot.field->name == name; });
  return found != slots_.end() && found->json && found->json->is_null();
}

std::string FieldValues::text(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kString);
  if (found == nullptr) return {};
  return found->json ? *scalar_text(*found->json) : std::string(found->text);
}

std::string_view FieldValues::path_text(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kString);
  CHECK(found != nullptr && found->field->source == FieldSource::kPath);
  return found->text;
}

SecretBytes FieldValues::secret(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kString);
  if (found == nullptr) return {};
  if (!found->json) return SecretBytes::copy_of(found->text);
  if (!found->json->is_string()) return SecretBytes::copy_of(found->json->raw());
  auto value = found->json->as_secret();
  return value.ok() ? std::move(*value) : SecretBytes();
}

std::int64_t FieldValues::integer(std::string_view name, std::int64_t otherwise) const {
  const Slot* found = slot(name, FieldType::kInteger);
  if (found == nullptr) return otherwise;
  return found->json ? *weak_integer(*found->json) : *parse_integer(found->text);
}

bool FieldValues::boolean(std::string_view name, bool otherwise) const {
  const Slot* found = slot(name, FieldType::kBoolean);
  if (found == nullptr) return otherwise;
  return *parse_boolean(found->json ? *scalar_text(*found->json) : std::string(found->text));
}

std::int64_t FieldValues::duration_s(std::string_view name, std::int64_t otherwise) const {
  const Slot* found = slot(name, FieldType::kDuration);
  if (found == nullptr) return otherwise;
  return *to_duration(found->json ? *scalar_text(*found->json) : std::string(found->text));
}

std::vector<std::string> FieldValues::string_list(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kStringList);
  if (found == nullptr) return {};
  return found->json ? *to_string_list(*found->json) : split_commas(found->text);
}

std::vector<std::string> FieldValues::policy_names(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kPolicyNames);
  if (found == nullptr) return {};
  return *to_policy_names(found->json ? *to_string_list(*found->json) : split_commas(found->text));
}

std::vector<std::int64_t> FieldValues::integer_list(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kIntegerList);
  if (found == nullptr) return {};
  return *to_integers(found->json ? *to_string_list(*found->json) : split_commas(found->text));
}

std::map<std::string, std::string> FieldValues::string_map(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kStringMap);
  if (found == nullptr) return {};
  return *to_string_map(*found->json);
}

std::optional<json::Value> FieldValues::object(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kObject);
  return found == nullptr ? std::nullopt : found->json;
}

std::vector<json::Value> FieldValues::elements(std::string_view name) const {
  const Slot* found = slot(name, FieldType::kArray);
  std::vector<json::Value> elements;
  for (std::size_t i = 0; found != nullptr && i < found->json->size(); ++i) elements.push_back(found->json->at(i));
  return elements;
}

std::optional<json::Value> FieldValues::body() const {
  if (!document_) return std::nullopt;
  return document_->root();
}

void FieldValues::replace(std::string_view name, std::string text) {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [name](const Slot& slot) { return slot.field->name == name; });
  CHECK(found != slots_.end() && found->field->source == FieldSource::kQuery);
  found->text = replaced_.emplace_back(std::move(text));
  found->present = true;
}

std::optional<FieldValues::Raw> FieldValues::raw(std::string_view name) const {
  for (const Slot& slot : slots_) {
    if (slot.field->name == name && slot.present) return Raw{slot.json, slot.text};
  }
  return std::nullopt;
}

}  // namespace keyhold::core
