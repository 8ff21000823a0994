// Making, reading and writing values.
#include <algorithm>

#include "core/iam_access.h"
#include "core/secret_write.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/listing.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"
#include "engine/secretsmanager/targets.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using namespace secretsmanager;
using core::Call;
using core::Reply;

constexpr std::int64_t kBatchMax = 20;
constexpr std::size_t kVersionsAVersionedSecretMax = 1000;  // With a label each, more are a client's mistake.

/// The known labels stand in the text, since clients compare it; of others it says nothing.
Error no_such_label(std::string_view label) {
  const bool known = label == secrets::kCurrentLabel || label == secrets::kPreviousLabel || label == kPendingLabel;
  return not_found("Secrets Manager can't find the specified secret value for staging label: " +
                   (known ? std::string(label) : std::string("(the one you named)")));
}

/// errors: ResourceNotFoundException, InvalidRequestException.
Result<const secrets::Version*> wanted_version(const Call& call, const secrets::Head& head, const std::string& id,
                                               const std::string& label) {
  const secrets::Version* version = nullptr;
  if (!id.empty()) {
    version = secrets::version_with_id(head, id);
    if (version == nullptr) return not_found("Secrets Manager can't find the specified secret value for the VersionId you named.");
    if (!label.empty() && secrets::version_labelled(head, label) != version) {
      return invalid_request("You provided a VersionStage that is not associated to the provided VersionId.");
    }
  } else {
    const std::string_view wanted = label.empty() ? secrets::kCurrentLabel : std::string_view(label);
    version = secrets::version_labelled(head, wanted);
    if (version == nullptr || version->empty()) return no_such_label(wanted);
  }
  if (version->empty() || !secrets::readable(*version, call.now())) {
    return not_found("Secrets Manager can't find the specified secret value: the version has none, or it was deleted.");
  }
  return version;
}

Result<void> check_type(const core::FieldValues& fields) {
  if (!fields.has("Type")) return {};
  return invalid_parameter("Secrets of a Type, which partners manage, are not offered here.");
}

/// Adds the value to the head as a version with these labels. Saves it.
/// returns  The version's id. errors: ResourceExistsException; LimitExceededException.
Result<std::string> add_value(Call& call, secrets::Head& head, const Value& value, std::vector<std::string> labels,
                              Reply& reply) {
  TRY_ASSIGN(std::string token, request_token(call));
  if (const auto* same = secrets::version_with_id(head, token); same != nullptr && !same->empty()) {
    if (same->state() != secrets::Version::ENABLED ||
        !secrets::same_content(*same, value.bytes.reveal(), value.kind, call.session().fingerprints)) {
      return resource_exists("You can't use this ClientRequestToken: a version of the secret with another value has it.");
    }
    return token;
  }
  if (static_cast<std::size_t>(head.versions_size()) >= kVersionsAVersionedSecretMax) {
    return limit_exceeded("The secret has too many versions with staging labels: remove labels from those that are not needed.");
  }
  if (secrets::current_version(head) == nullptr && std::find(labels.begin(), labels.end(), secrets::kCurrentLabel) == labels.end()) {
    labels.emplace_back(secrets::kCurrentLabel);
  }
  TRY(check_label_count(head, labels));
  TRY_ASSIGN(const auto settings, secrets::settings(call.tx(), call.mount_id()));
  secrets::NewContent content;
  content.bytes = value.bytes.reveal();
  content.kind = value.kind;
  content.created_by = call.principal().token->accessor();
  content.client_token = token;
  content.labels = std::move(labels);
  const auto& version = secrets::put_version(call.tx(), call.mount_id(), head, content, settings, call.session().fingerprints,
                                             call.now(), call.rng());
  reply.audit_members = audit_version(version);
  return token;
}

/// The answer of a write.
void append_written(Reply& reply, const Call& call, const secrets::Head& head, const std::string& version_id, bool with_stages) {
  json::Writer writer(reply.data);
  writer.begin_object();
  append_identity(writer, call, head);
  if (!version_id.empty()) {
    writer.key("VersionId").string(version_id);
    const auto* version = with_stages ? secrets::version_with_id(head, version_id) : nullptr;
    if (version != nullptr) writer.key("VersionStages").strings(secrets::labels_of(head, *version));
  }
  append_replicas(writer, head);
  writer.end_object();
}

}  // namespace

Result<Reply> SecretsManager::create_secret(Call& call) {
  const auto& fields = call.fields();
  TRY(check_type(fields));
  const std::string path = path_of(fields.text("Name"));
  TRY_ASSIGN(const auto value, value_of(fields));
  TRY_ASSIGN(const auto attributes, attributes_of(fields));
  TRY_ASSIGN(const auto tags, tags_of(fields));
  TRY_ASSIGN(const auto replicas, replicas_of(call));
  TRY_ASSIGN(auto existing, secrets::find(call.tx(), call.mount_id(), path));
  Reply reply;
  if (existing != nullptr && secrets::purge_due(*existing, call.now())) {
    secrets::purge(call.tx(), call.mount_id(), *existing, call.now());
    existing = nullptr;
  }
  if (existing != nullptr) {
    if (secrets::marked_for_deletion(*existing)) {
      return invalid_request("You can't create this secret because a secret with this name is already scheduled for deletion.");
    }
    // The same request once more, whose answer was lost.
    const std::string token = fields.text("ClientRequestToken");
    const auto* made = token.empty() ? nullptr : secrets::version_with_id(*existing, token);
    if (made == nullptr || !value || !secrets::same_content(*made, value->bytes.reveal(), value->kind, call.session().fingerprints)) {
      return resource_exists("The operation failed because the secret already exists.");
    }
    append_written(reply, call, *existing, token, false);
    return reply;
  }
  secrets::Head head = secrets::open_head(call.tx(), {call.mount_id(), call.namespace_id(), path}, nullptr, call.now(), call.rng());
  apply(attributes, head);
  for (const auto& [key, tag] : tags) (*head.mutable_tags())[key] = tag;
  add_replicas(head, replicas, region_of(call), call.now());
  std::string version_id;
  if (value) {
    TRY_ASSIGN(version_id, add_value(call, head, *value, {std::string(secrets::kCurrentLabel)}, reply));
  } else {
    save_changed(call, head);
  }
  append_written(reply, call, head, version_id, false);
  return reply;
}

Result<Reply> SecretsManager::get_secret_value(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY_ASSIGN(const auto* version,
             wanted_version(call, *found, call.fields().text("VersionId"), call.fields().text("VersionStage")));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  TRY(append_value(writer, call, *found, *version, reply.audit_members));
  writer.end_object();
  return reply;
}

Result<Reply> SecretsManager::put_secret_value(Call& call) {
  const auto& fields = call.fields();
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY_ASSIGN(const auto value, value_of(fields));
  if (!value) return invalid_parameter("You must provide either SecretString or SecretBinary.");
  TRY_ASSIGN(auto labels, stages_of(fields));
  TRY(check_primary(call, *found));
  Reply reply;
  secrets::Head head = *found;
  TRY_ASSIGN(const std::string version_id, add_value(call, head, *value, std::move(labels), reply));
  append_written(reply, call, head, version_id, true);
  return reply;
}

Result<Reply> SecretsManager::update_secret(Call& call) {
  const auto& fields = call.fields();
  TRY(check_type(fields));
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY_ASSIGN(const auto value, value_of(fields));
  TRY_ASSIGN(const auto attributes, attributes_of(fields));
  TRY(check_primary(call, *found));
  Reply reply;
  secrets::Head head = *found;
  apply(attributes, head);
  std::string version_id;
  if (value) {
    TRY_ASSIGN(version_id, add_value(call, head, *value, {std::string(secrets::kCurrentLabel)}, reply));
  }
  if (attributes.description || attributes.kms_key_id) {
    save_changed(call, head);
  }
  append_written(reply, call, head, version_id, false);
  return reply;
}

namespace {

/// One of a batch: its value, or why not.
struct Batch {
  SecretBytes values;
  SecretBytes errors;
  std::string audited;
  json::Writer value_writer{values};
  json::Writer error_writer{errors};
};

void append_batch_error(Batch& batch, std::string_view secret_id, const Error& error) {
  const bool denied = error.code == Code::kDenied;
  batch.error_writer.begin_object();
  batch.error_writer.key("SecretId").string(secret_id);
  batch.error_writer.key("ErrorCode").string(denied ? std::string_view("AccessDeniedException") : error.name);
  batch.error_writer.key("Message").string(error.message).end_object();
}

/// What the journal says of one of them: what was answered, or that it was denied.
void append_audited(Batch& batch, std::string_view path, std::string_view members) {
  if (!batch.audited.empty()) batch.audited.push_back(',');
  batch.audited.append("{\"name\":");
  json::append_quoted(batch.audited, path);
  batch.audited.append(",").append(members).append("}");
}

/// errors: those that concern this secret have a name or are kDenied; any other ends the request.
Result<void> append_batch_value(Batch& batch, Call& call, std::string_view secret_id) {
  TRY_ASSIGN(const Located located, locate(call, secret_id));
  TRY_ASSIGN(const bool permitted, core::permits(call, target_of(call, core::iam::Action::kGetSecretValue, located.path, located.head)));
  if (!permitted) {
    append_audited(batch, located.path, R"("outcome":"denied")");
    return Error{Code::kDenied, "You may not read this secret."};
  }
  if (located.head == nullptr) return no_such_secret();
  if (secrets::marked_for_deletion(*located.head)) return marked_for_deletion();
  TRY_ASSIGN(const auto* version, wanted_version(call, *located.head, {}, {}));
  std::string audited;
  batch.value_writer.begin_object();
  TRY(append_value(batch.value_writer, call, *located.head, *version, audited));
  batch.value_writer.end_object();
  append_audited(batch, located.path, audited);
  return {};
}

}  // namespace

Result<Reply> SecretsManager::batch_get_secret_value(Call& call) {
  const auto& fields = call.fields();
  std::vector<std::string> ids = fields.string_list("SecretIdList");
  if (ids.empty() == fields.elements("Filters").empty()) {
    return invalid_parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
  }
  if (!ids.empty() && (fields.has("MaxResults") || fields.has("NextToken"))) {
    return invalid_parameter("MaxResults and NextToken go with Filters, not with SecretIdList.");
  }
  if (ids.size() > static_cast<std::size_t>(kBatchMax)) return invalid_parameter("SecretIdList must have at most 20 members.");
  std::string next_token;
  if (ids.empty()) {
    TRY_ASSIGN(const std::size_t results_max, max_results(fields, kBatchMax));
    TRY_ASSIGN(const Page page, list_page(call, results_max, Listed::kReadable));
    for (const auto& head : page.heads) ids.push_back(*core::aws::name_of(head->name()));
    next_token = page.next_token;
  }
  Batch batch;
  batch.value_writer.begin_array();
  batch.error_writer.begin_array();
  for (const std::string& id : ids) {
    const auto appended = append_batch_value(batch, call, id);
    if (appended.ok()) continue;
    if (appended.error().name.empty() && appended.code() != Code::kDenied) return appended.error();
    append_batch_error(batch, id, appended.error());
  }
  batch.value_writer.end_array();
  batch.error_writer.end_array();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("SecretValues").raw(batch.values.reveal());
  writer.key("Errors").raw(batch.errors.reveal());
  if (!next_token.empty()) writer.key("NextToken").string(next_token);
  writer.end_object();
  reply.audit_members = "\"secrets\":[" + batch.audited + "]";
  return reply;
}

}  // namespace keyhold::engine
