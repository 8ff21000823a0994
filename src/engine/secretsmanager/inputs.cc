#include "engine/secretsmanager/inputs.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/utf8.h"
#include "core/secret_write.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/secret_id.h"

namespace keyhold::engine::secretsmanager {
namespace {

namespace secrets = core::secrets;
using core::FieldValues;

constexpr std::size_t kValueBytesMax = 65536;
constexpr std::size_t kTokenBytesMin = 32;
constexpr std::size_t kTokenBytesMax = 64;
constexpr std::size_t kDescriptionCharactersMax = 2048;
constexpr std::size_t kKmsKeyIdCharactersMax = 2048;
constexpr std::size_t kTagKeyCharactersMax = 128;
constexpr std::size_t kTagValueCharactersMax = 256;
constexpr std::size_t kLabelCharactersMax = 256;
constexpr std::size_t kReplicasMax = 32;
constexpr std::size_t kUuidBytes = 16;

/// A member of an object in a list. nullopt: not there, or no string.
std::optional<std::string> member_text(json::Value element, std::string_view name) {
  const auto member = element.is_object() ? element.find(name) : std::nullopt;
  if (!member || !member->is_string()) return std::nullopt;
  auto text = member->as_string();
  return text.ok() ? std::optional(std::move(*text)) : std::nullopt;
}

bool is_json_object(std::string_view text) {
  const auto document = json::Document::parse(text);
  return document.ok() && document->root().is_object();
}

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

Result<std::optional<Value>> value_of(const FieldValues& fields) {
  const bool text = fields.has("SecretString");
  const bool binary = fields.has("SecretBinary");
  if (text && binary) return invalid_parameter("You can't specify both a binary secret value and a string secret value in the same secret.");
  if (!text && !binary) return std::optional<Value>();
  Value value;
  if (text) {
    value.bytes = fields.secret("SecretString");
    value.kind = is_json_object(value.bytes.reveal()) ? secrets::Version::JSON_OBJECT : secrets::Version::TEXT;
  } else {
    auto decoded = base64_decode_secret(fields.secret("SecretBinary").reveal());
    if (!decoded.ok()) return invalid_parameter("SecretBinary must be bytes in base64.");
    value.bytes = std::move(*decoded);
    value.kind = secrets::Version::BINARY;
  }
  if (value.bytes.empty() || value.bytes.size() > kValueBytesMax) {
    return invalid_parameter("The value of a secret must be 1 to 65536 bytes long.");
  }
  return std::optional(std::move(value));
}

Result<std::string> request_token(const core::Call& call) {
  if (!call.fields().has("ClientRequestToken")) return format_uuid(call.rng().bytes(kUuidBytes));
  std::string token = call.fields().text("ClientRequestToken");
  if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax || !std::all_of(token.begin(), token.end(), is_visible)) {
    return invalid_parameter("ClientRequestToken must be 32-64 characters long.");
  }
  return token;
}

Result<Attributes> attributes_of(const FieldValues& fields) {
  Attributes attributes;
  if (fields.has("Description")) attributes.description = fields.text("Description");
  if (fields.has("KmsKeyId")) attributes.kms_key_id = fields.text("KmsKeyId");
  if (attributes.description && utf8::characters(*attributes.description) > kDescriptionCharactersMax) {
    return invalid_parameter("Description must be at most 2048 characters long.");
  }
  if (attributes.kms_key_id && utf8::characters(*attributes.kms_key_id) > kKmsKeyIdCharactersMax) {
    return invalid_parameter("KmsKeyId must be at most 2048 characters long.");
  }
  return attributes;
}

void apply(const Attributes& attributes, secrets::Head& head) {
  if (attributes.description) head.set_description(*attributes.description);
  if (attributes.kms_key_id) head.set_kms_key_id(*attributes.kms_key_id);
}

Result<Tags> tags_of(const FieldValues& fields) {
  Tags tags;
  for (const json::Value element : fields.elements("Tags")) {
    auto key = member_text(element, "Key");
    auto value = member_text(element, "Value");
    if (!key || key->empty() || utf8::characters(*key) > kTagKeyCharactersMax) {
      return invalid_parameter("Each of Tags must have a Key of 1 to 128 characters.");
    }
    if (key->starts_with("aws:")) return invalid_parameter("Tag keys that begin with aws: are reserved.");
    if (value && utf8::characters(*value) > kTagValueCharactersMax) return invalid_parameter("The Value of a tag must be at most 256 characters long.");
    if (!tags.emplace(std::move(*key), value.value_or("")).second) return invalid_parameter("Tags must not name a Key twice.");
  }
  if (tags.size() > kTagsMax) return invalid_parameter("A secret can have at most 50 tags.");
  return tags;
}

bool valid_label(std::string_view label) { return !label.empty() && valid_utf8(label) && utf8::characters(label) <= kLabelCharactersMax; }

Result<std::vector<std::string>> stages_of(const FieldValues& fields) {
  std::vector<std::string> labels = fields.string_list("VersionStages");
  if (labels.empty()) labels.emplace_back(secrets::kCurrentLabel);
  if (labels.size() > kLabelsMax) return invalid_parameter("VersionStages must have at most 20 members.");
  if (!std::all_of(labels.begin(), labels.end(), valid_label)) {
    return invalid_parameter("Each of VersionStages must be 1 to 256 characters long.");
  }
  return labels;
}

Result<void> check_label_count(const secrets::Head& head, const std::vector<std::string>& added) {
  std::set<std::string_view> labels(added.begin(), added.end());
  for (const auto& [label, version] : head.labels()) labels.insert(label);
  if (labels.size() <= std::max<std::size_t>(kLabelsMax, head.labels().size())) return {};
  return limit_exceeded("The versions of a secret can have at most 20 staging labels in all: remove those that are not needed.");
}

bool valid_region(std::string_view region) {
  // "us-east-1", "us-gov-west-1": words of lower-case letters, then a number.
  if (region.empty() || region.size() > 32) return false;
  const std::size_t last = region.rfind('-');
  if (last == std::string_view::npos || last == 0 || last + 1 == region.size()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  return std::all_of(region.begin() + static_cast<std::ptrdiff_t>(last) + 1, region.end(), is_digit) &&
         std::all_of(region.begin(), region.begin() + static_cast<std::ptrdiff_t>(last), is_word);
}

Result<std::vector<NewReplica>> replicas_of(const core::Call& call) {
  std::vector<NewReplica> replicas;
  for (const json::Value element : call.fields().elements("AddReplicaRegions")) {
    auto region = member_text(element, "Region");
    if (!region || !valid_region(*region) || *region == region_of(call)) return invalid_parameter("Invalid replica region.");
    replicas.push_back({std::move(*region), member_text(element, "KmsKeyId").value_or("")});
    if (utf8::characters(replicas.back().kms_key_id) > kKmsKeyIdCharactersMax) return invalid_parameter("KmsKeyId must be at most 2048 characters long.");
  }
  if (replicas.size() > kReplicasMax) return invalid_parameter("AddReplicaRegions has too many members.");
  return replicas;
}

void add_replicas(secrets::Head& head, const std::vector<NewReplica>& replicas, const std::string& own_region, UnixMillis now) {
  if (!replicas.empty() && head.replicas_size() == 0) head.set_primary_region(own_region);
  for (const NewReplica& replica : replicas) {
    auto& all = *head.mutable_replicas();
    const auto there = std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.region() == replica.region; });
    auto& kept = there == all.end() ? *all.Add() : *there;
    if (there == all.end()) kept.set_created_ms(now);
    kept.set_region(replica.region);
    kept.set_kms_key_id(replica.kms_key_id);
  }
}

Result<void> check_primary(const core::Call& call, const secrets::Head& head) {
  const std::string region = region_of(call);
  const bool replica = std::any_of(head.replicas().begin(), head.replicas().end(),
                                   [&](const auto& other) { return other.region() == region; });
  if (!replica) return {};
  return invalid_request("Operation not permitted on a replica secret. Call must be made in primary secret's region.");
}

void save_changed(core::Call& call, secrets::Head& head) {
  head.set_changed_ms(call.now());
  secrets::save(call.tx(), call.mount_id(), head);
}

Result<std::size_t> max_results(const FieldValues& fields, std::int64_t most) {
  const std::int64_t wanted = fields.integer("MaxResults", most);
  if (wanted < 1 || wanted > most) return invalid_parameter("MaxResults must be between 1 and " + std::to_string(most) + ".");
  return static_cast<std::size_t>(wanted);
}

}  // namespace keyhold::engine::secretsmanager
