#include "engine/secretsmanager/secret_reply.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "base/encoding.h"
#include "core/last_read.h"
#include "engine/secretsmanager/secret_id.h"

namespace keyhold::engine::secretsmanager {
namespace {

namespace secrets = core::secrets;

void text_if_any(json::Writer& writer, std::string_view key, std::string_view text) {
  if (!text.empty()) writer.key(key).string(text);
}

void append_tags(json::Writer& writer, const secrets::Head& head) {
  writer.key("Tags").begin_array();
  for (const auto& [key, value] : std::map<std::string_view, std::string_view>(head.tags().begin(), head.tags().end())) {
    writer.begin_object().key("Key").string(key).key("Value").string(value).end_object();
  }
  writer.end_array();
}

void append_labels(json::Writer& writer, std::string_view key, const secrets::Head& head) {
  if (head.labels().empty()) return;
  writer.key(key).begin_object();
  for (const auto& version : head.versions()) {
    const auto labels = secrets::labels_of(head, version);
    if (!labels.empty()) writer.key(secrets::version_id(version)).strings(labels);
  }
  writer.end_object();
}

std::string lambda_arn_of(const core::records::Rotation& rotation) {
  if (!rotation.lambda_arn().empty()) return rotation.lambda_arn();
  const std::string_view region = rotation.region().empty() ? core::aws::kDefaultRegion : std::string_view(rotation.region());
  return "arn:aws:lambda:" + std::string(region) + ":" + std::string(kAccount) + ":function:" + rotation.rotator();
}

void append_rotation(json::Writer& writer, const core::records::Rotation& rotation) {
  writer.key("RotationEnabled").boolean(rotation.enabled());
  writer.key("RotationLambdaARN").string(lambda_arn_of(rotation));
  const bool rules = rotation.automatically_after_days() != 0 || !rotation.schedule_expression().empty();
  if (rules) {
    writer.key("RotationRules").begin_object();
    if (rotation.automatically_after_days() != 0) writer.key("AutomaticallyAfterDays").number(rotation.automatically_after_days());
    text_if_any(writer, "ScheduleExpression", rotation.schedule_expression());
    text_if_any(writer, "Duration", rotation.duration());
    writer.end_object();
  }
  if (rotation.last_rotated_ms() != 0) append_time(writer, "LastRotatedDate", rotation.last_rotated_ms());
  if (rotation.enabled() && rotation.next_ms() != 0) append_time(writer, "NextRotationDate", rotation.next_end_ms());
}

}  // namespace

void append_time(json::Writer& writer, std::string_view key, UnixMillis time_ms) {
  std::array<char, 32> text{};
  const auto seconds = static_cast<long long>(time_ms / 1000);
  const auto rest = static_cast<int>(time_ms % 1000);
  const int bytes = rest == 0 ? std::snprintf(text.data(), text.size(), "%lld", seconds)
                              : std::snprintf(text.data(), text.size(), "%lld.%03d", seconds, rest);
  writer.key(key).raw({text.data(), static_cast<std::size_t>(bytes)});
}

void append_identity(json::Writer& writer, const core::Call& call, const secrets::Head& head) {
  writer.key("ARN").string(arn_of(call, head));
  writer.key("Name").string(core::aws::name_of(head.name()).value_or(head.name()));
}

core::Reply identity_reply(const core::Call& call, const secrets::Head& head) {
  core::Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_identity(writer, call, head);
  writer.end_object();
  return reply;
}

void append_last_accessed(json::Writer& writer, UnixMillis read_ms) {
  if (read_ms != 0) append_time(writer, "LastAccessedDate", read_ms / kDayMs * kDayMs);
}

Result<void> append_summary(json::Writer& writer, const core::Call& call, const secrets::Head& head, std::string_view labels_key) {
  append_identity(writer, call, head);
  text_if_any(writer, "Description", head.description());
  text_if_any(writer, "KmsKeyId", head.kms_key_id());
  append_time(writer, "CreatedDate", head.created_ms());
  append_time(writer, "LastChangedDate", std::max({head.changed_ms(), head.updated_ms(), head.created_ms()}));
  TRY_ASSIGN(const auto last_read, secrets::last_read(call.tx(), call.mount_id(), head.id()));
  if (last_read != nullptr) append_last_accessed(writer, last_read->read_ms());
  if (secrets::marked_for_deletion(head)) append_time(writer, "DeletedDate", head.deleted_ms());
  if (!head.tags().empty()) append_tags(writer, head);
  append_labels(writer, labels_key, head);
  if (head.replicas_size() > 0) writer.key("PrimaryRegion").string(head.primary_region());
  if (head.has_rotation()) append_rotation(writer, head.rotation());
  return {};
}

void append_replicas(json::Writer& writer, const secrets::Head& head) {
  if (head.replicas_size() == 0) return;
  writer.key("ReplicationStatus").begin_array();
  for (const auto& replica : head.replicas()) {
    writer.begin_object().key("Region").string(replica.region());
    text_if_any(writer, "KmsKeyId", replica.kms_key_id());
    writer.key("Status").string("InSync").end_object();
  }
  writer.end_array();
}

Result<void> append_value(json::Writer& writer, core::Call& call, const secrets::Head& head, const secrets::Version& version,
                          std::string& audited) {
  TRY_ASSIGN(const auto content, secrets::content(call.tx(), call.mount_id(), head, version, call.session().redactor));
  append_identity(writer, call, head);
  writer.key("VersionId").string(secrets::version_id(version));
  if (version.content_kind() == secrets::Version::BINARY) {
    SecretBytes encoded;
    append_base64(encoded, content.reveal());
    writer.key("SecretBinary").string(encoded.reveal());
  } else {
    writer.key("SecretString").string(content.reveal());
  }
  if (const auto labels = secrets::labels_of(head, version); !labels.empty()) writer.key("VersionStages").strings(labels);
  append_time(writer, "CreatedDate", version.created_ms());
  secrets::note_read(call, head, version, content);
  audited = audit_version(version);
  audited.append(",\"data\":").append(content.redacted());
  return {};
}

std::string audit_version(const secrets::Version& version) {
  std::string out = "\"version\":" + std::to_string(version.number()) + ",\"version_id\":";
  json::append_quoted(out, secrets::version_id(version));
  return out;
}

}  // namespace keyhold::engine::secretsmanager
