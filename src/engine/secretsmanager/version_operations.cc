// Versions and the staging labels on them.
#include <algorithm>

#include "core/last_read.h"
#include "core/secret_write.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/listing.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using namespace secretsmanager;
using core::Call;
using core::Reply;

constexpr std::int64_t kListMax = 100;
constexpr std::string_view kVersionList = "versions";

Error no_such_version() { return not_found("Secrets Manager can't find the specified secret version."); }

/// The version that has the label must be the one it is to be removed from; nobody moves a label whose holder he does not know.
Result<void> check_holder(const secrets::Head& head, const std::string& label, const std::string& remove_from,
                          const secrets::Version* to) {
  const auto* holder = secrets::version_labelled(head, label);
  if (!remove_from.empty()) {
    const auto* named = secrets::version_with_id(head, remove_from);
    if (named == nullptr) return no_such_version();
    if (named != holder) return invalid_parameter("The staging label is not attached to the version of RemoveFromVersionId.");
    return {};
  }
  if (holder == nullptr || holder == to) return {};
  return invalid_parameter("The staging label is attached to another version: name that in RemoveFromVersionId to move it.");
}

}  // namespace

Result<Reply> SecretsManager::list_secret_version_ids(Call& call) {
  TRY_ASSIGN(const auto found, present_secret(call));
  TRY_ASSIGN(const std::size_t results_max, max_results(call.fields(), kListMax));
  TRY_ASSIGN(const std::string after, page_position(call, kVersionList));
  const secrets::Head& head = *found;
  TRY_ASSIGN(const auto last_read, secrets::last_read(call.tx(), call.mount_id(), head.id()));
  const bool with_deprecated = call.fields().boolean("IncludeDeprecated");
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("Versions").begin_array();
  bool begun = after.empty();
  std::size_t told = 0;
  std::string last;
  bool more = false;
  for (int i = head.versions_size() - 1; i >= 0 && !more; --i) {  // The newest first.
    const auto& version = head.versions(i);
    const auto labels = secrets::labels_of(head, version);
    const bool wanted = begun && (with_deprecated || !labels.empty());
    begun = begun || version.id() == after;
    if (!wanted) continue;
    more = told == results_max;
    if (more) break;
    ++told;
    last = version.id();
    writer.begin_object().key("VersionId").string(secrets::version_id(version));
    if (!labels.empty()) writer.key("VersionStages").strings(labels);
    append_time(writer, "CreatedDate", version.created_ms());
    append_last_accessed(writer, secrets::version_read_ms(last_read.get(), version.id()));
    writer.end_object();
  }
  writer.end_array();
  if (more) writer.key("NextToken").string(page_token(call, kVersionList, last));
  append_identity(writer, call, head);
  writer.end_object();
  return reply;
}

Result<Reply> SecretsManager::update_secret_version_stage(Call& call) {
  const auto& fields = call.fields();
  TRY_ASSIGN(const auto found, living_secret(call));
  const std::string label = fields.text("VersionStage");
  const std::string move_to = fields.text("MoveToVersionId");
  const std::string remove_from = fields.text("RemoveFromVersionId");
  if (!valid_label(label)) return invalid_parameter("VersionStage must be 1 to 256 characters long.");
  if (move_to.empty() && remove_from.empty()) {
    return invalid_parameter("You must name a version in MoveToVersionId, in RemoveFromVersionId or in both.");
  }
  if (move_to.empty() && label == secrets::kCurrentLabel) {
    return invalid_parameter("You can only move the staging label AWSCURRENT to another version, not remove it.");
  }
  TRY(check_primary(call, *found));
  secrets::Head head = *found;
  const auto* to = move_to.empty() ? nullptr : secrets::version_with_id(head, move_to);
  if (!move_to.empty() && to == nullptr) return no_such_version();
  TRY(check_holder(head, label, remove_from, to));
  if (to == nullptr) {
    secrets::remove_label(head, label);
  } else {
    if (label == secrets::kCurrentLabel && (to->empty() || !secrets::readable(*to, call.now()))) {
      return invalid_request("The version has no value, or it was deleted: it can't become AWSCURRENT.");
    }
    TRY(check_label_count(head, {label}));
    secrets::move_label(head, label, *to);
  }
  save_changed(call, head);
  return identity_reply(call, head);
}

}  // namespace keyhold::engine
