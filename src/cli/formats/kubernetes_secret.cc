#include "cli/formats/kubernetes_secret.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/scalar.h"

namespace keyhold::cli {
namespace {

constexpr std::size_t kNameBytesMax = 253;  // Of a DNS subdomain, and of a key of `data`.

bool is_name_part(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// A member that is a string; "" when it is absent or another.
std::string string_member(const json::Value& object, std::string_view name) {
  const auto value = object.is_object() ? object.find(name) : std::nullopt;
  auto text = value ? value->as_string() : Result<std::string>(Error{});
  return text.ok() ? std::move(text).value() : std::string();
}

void put(Fields& fields, Field field) {
  const auto same = std::find_if(fields.begin(), fields.end(), [&field](const Field& other) { return other.name == field.name; });
  if (same == fields.end()) {
    fields.push_back(std::move(field));
  } else {
    *same = std::move(field);
  }
}

/// Base64 as Kubernetes takes it: ends of lines are skipped.
Result<SecretBytes> decoded(std::string_view text) {
  SecretBytes compact;
  compact.reserve(text.size());
  for (const char c : text) {
    if (c != '\n' && c != '\r') compact.push_back(c);
  }
  return base64_decode_secret(compact.reveal());
}

Result<void> add_data(Manifests& manifests, KubernetesSecret& secret, const json::Value& data) {
  for (std::size_t i = 0; data.is_object() && i < data.size(); ++i) {
    const std::string name = data.key_at(i);
    const Error wrong{Code::kInvalid, "the data " + name + " of the Secret " + secret.name + " is not base64"};
    if (data.at(i).is_null()) {
      put(secret.fields, text_field(name, ""));
      continue;
    }
    const auto text = data.at(i).as_secret();
    if (!text.ok()) return wrong;
    const auto bytes = decoded(text->reveal());
    if (!bytes.ok()) return wrong;
    if (valid_utf8(bytes->reveal())) {
      put(secret.fields, text_field(name, bytes->reveal()));
      continue;
    }
    SecretBytes compact;
    append_base64(compact, bytes->reveal());
    put(secret.fields, text_field(name, compact.reveal()));
    manifests.warnings.push_back("the data " + name + " of the Secret " + secret.name + " is no text: it stays in base64");
  }
  return {};
}

Result<void> add_secret(Manifests& manifests, const json::Value& object) {
  if (manifests.secrets.size() == kSourceSecretsMax) return Error{Code::kTooLarge, "there are over 10,000 Secrets"};
  KubernetesSecret secret;
  if (const auto metadata = object.find("metadata")) {
    secret.name = string_member(*metadata, "name");
    secret.namespace_name = string_member(*metadata, "namespace");
  }
  // They become parts of a path.
  if (secret.name.empty() || kubernetes_name(secret.name) != secret.name || kubernetes_name(secret.namespace_name) != secret.namespace_name) {
    return Error{Code::kInvalid, "a Secret has no name, or one that Kubernetes does not take"};
  }
  if (const auto data = object.find("data")) TRY(add_data(manifests, secret, *data));
  if (const auto texts = object.find("stringData"); texts && texts->is_object()) {
    for (std::size_t i = 0; i < texts->size(); ++i) {
      const auto text = texts->at(i).as_secret();
      if (!text.ok()) return Error{Code::kInvalid, "the stringData " + texts->key_at(i) + " of the Secret " + secret.name + " is no string"};
      put(secret.fields, text_field(texts->key_at(i), text->reveal()));
    }
  }
  if (secret.fields.size() > kFieldsMax) return Error{Code::kTooLarge, "the Secret " + secret.name + " has over 4,000 fields"};
  manifests.secrets.push_back(std::move(secret));
  return {};
}

}  // namespace

bool is_kubernetes_object(const json::Value& document) {
  return !string_member(document, "apiVersion").empty() && !string_member(document, "kind").empty();
}

Result<void> add_manifest(Manifests& manifests, const json::Value& document) {
  if (document.is_null()) return {};  // Between two "---".
  if (!is_kubernetes_object(document)) return Error{Code::kInvalid, "a document is no object of Kubernetes: it has no apiVersion and kind"};
  const std::string kind = string_member(document, "kind");
  if (kind == "Secret") return add_secret(manifests, document);
  const auto items = document.find("items");
  if (kind.ends_with("List") && items && items->is_array()) {
    for (std::size_t i = 0; i < items->size(); ++i) {
      // Within a SecretList the items need not say what they are.
      if (kind == "SecretList" && items->at(i).is_object()) {
        TRY(add_secret(manifests, items->at(i)));
      } else {
        TRY(add_manifest(manifests, items->at(i)));
      }
    }
    return {};
  }
  manifests.warnings.push_back("an object of the kind " + kind + " is left out");
  return {};
}

Result<SecretBytes> kubernetes_manifest(std::string_view name, const Fields& fields) {
  if (name.empty() || kubernetes_name(name) != name) {
    return Error{Code::kInvalid, "Kubernetes takes no Secret of that name: lower case letters, digits, \"-\" and \".\""};
  }
  SecretBytes json;
  json::Writer writer(json);
  writer.begin_object().key("apiVersion").string("v1").key("kind").string("Secret").key("metadata").begin_object().key("name").string(name);
  writer.end_object().key("type").string("Opaque").key("data").begin_object();
  for (const Field& field : fields) {
    const auto fits = [](char c) { return is_name_part(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_'; };
    if (field.name.empty() || field.name.size() > kNameBytesMax || !std::all_of(field.name.begin(), field.name.end(), fits)) {
      return Error{Code::kInvalid, "Kubernetes has no form for the name of the field " + field.name};
    }
    TRY_ASSIGN(const SecretBytes text, text_of(field));
    SecretBytes encoded;
    append_base64(encoded, text.reveal());
    writer.key(field.name).string(encoded.reveal());
  }
  writer.end_object().end_object();
  return json;
}

std::string kubernetes_name(std::string_view text) {
  std::string name;
  for (const char c : to_lower(text)) name.push_back(is_name_part(c) || (c == '.' && !name.empty() && is_name_part(name.back())) ? c : '-');
  const auto is_end = [](char c) { return !is_name_part(c); };
  name.erase(name.begin(), std::find_if_not(name.begin(), name.end(), is_end));
  name.resize(std::min(name.size(), kNameBytesMax));
  while (!name.empty() && is_end(name.back())) name.pop_back();
  return name;
}

}  // namespace keyhold::cli
