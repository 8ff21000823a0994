#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"

/// Files that hold secrets: .env, YAML, Kubernetes's manifests.
namespace keyhold::cli {

inline constexpr std::size_t kFieldsMax = 4000;          // Of one secret; the server takes 10,000 values and keys.
inline constexpr std::size_t kSourceSecretsMax = 10'000;  // Of one source.

/// One field of a secret.
struct Field {
  std::string name;
  SecretBytes json;  // Its value, as JSON.
};
using Fields = std::vector<Field>;

/// A field whose value is a text.
inline Field text_field(std::string name, std::string_view text) {
  Field field{std::move(name), {}};
  json::append_quoted(field.json, text);
  return field;
}

/// {"name":value,…} in their order.
inline SecretBytes object_of(const Fields& fields) {
  SecretBytes out;
  json::Writer writer(out);
  writer.begin_object();
  for (const Field& field : fields) writer.key(field.name).raw(field.json.reveal());
  writer.end_object();
  return out;
}

/// The members of an object; none of what is no object.
inline Fields fields_of(const json::Value& object) {
  Fields fields;
  for (std::size_t i = 0; object.is_object() && i < object.size(); ++i) fields.push_back({object.key_at(i), SecretBytes::copy_of(object.at(i).raw())});
  return fields;
}

/// A string's characters, anything else as JSON: what a program gets that knows texts alone.
Result<SecretBytes> text_of(const Field& field);
inline bool is_text(const Field& field) { return field.json.reveal().starts_with('"'); }

}  // namespace keyhold::cli
