// Deletion, restoring, tags.
#include <algorithm>

#include "core/secret_due.h"
#include "core/secret_write.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using namespace secretsmanager;
using core::Call;
using core::Reply;

constexpr std::int64_t kWindowDaysMin = 7;
constexpr std::int64_t kWindowDaysMax = 30;
constexpr std::int64_t kDayMs = 86'400'000;

Reply deletion(std::string_view arn, std::string_view name, UnixMillis at_ms) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("ARN").string(arn);
  writer.key("Name").string(name);
  append_time(writer, "DeletionDate", at_ms);
  writer.end_object();
  return reply;
}

}  // namespace

Result<Reply> SecretsManager::delete_secret(Call& call) {
  const auto& fields = call.fields();
  const bool now = fields.boolean("ForceDeleteWithoutRecovery");
  const bool window = fields.has("RecoveryWindowInDays");
  if (now && window) {
    return invalid_parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  }
  const std::int64_t days = fields.integer("RecoveryWindowInDays", kWindowDaysMax);
  if (days < kWindowDaysMin || days > kWindowDaysMax) {
    return invalid_parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
  }
  const core::Target& target = call.target();
  if (target.head == nullptr) {
    // Whoever wants it gone has what he wants. source: AWS, DeleteSecret.
    if (now) return deletion(arn_of(call, target.aws_name, arn_suffix(call.rng().bytes(16))), target.aws_name, call.now());
    return no_such_secret();
  }
  secrets::Head head = *target.head;
  if (head.replicas_size() > 0) {
    return invalid_request("You can't delete secret that still has replica regions: remove it from them first.");
  }
  if (now) {
    secrets::purge(call.tx(), call.mount_id(), head, call.now());
    return deletion(arn_of(call, head), target.aws_name, call.now());
  }
  if (secrets::marked_for_deletion(head)) return marked_for_deletion();
  secrets::mark_for_deletion(call.tx(), call.mount_id(), head, call.now(), call.now() + days * kDayMs);
  return deletion(arn_of(call, head), target.aws_name, head.purge_ms());
}

Result<Reply> SecretsManager::restore_secret(Call& call) {
  TRY_ASSIGN(const auto found, present_secret(call));
  secrets::Head head = *found;
  if (secrets::marked_for_deletion(head)) {
    head.clear_deleted_ms();
    head.clear_purge_ms();
    save_changed(call, head);
    // What it was filed under may have passed meanwhile.
    if (const UnixMillis next_ms = head.rotation().next_ms(); next_ms != 0) {
      core::secrets::file_due(call.tx(), call.mount_id(), head, std::max(next_ms, call.now()));
    }
  }
  return identity_reply(call, head);
}

Result<Reply> SecretsManager::tag_resource(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY_ASSIGN(const Tags tags, tags_of(call.fields()));
  if (tags.empty()) return invalid_parameter("You must provide Tags.");
  secrets::Head head = *found;
  for (const auto& [key, value] : tags) (*head.mutable_tags())[key] = value;
  if (head.tags().size() > kTagsMax) return invalid_parameter("A secret can have at most 50 tags.");
  save_changed(call, head);
  return Reply::none();
}

Result<Reply> SecretsManager::untag_resource(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  const auto keys = call.fields().elements("TagKeys");
  if (keys.empty() || keys.size() > kTagsMax) return invalid_parameter("TagKeys must have 1 to 50 members.");
  secrets::Head head = *found;
  for (const json::Value key : keys) {
    auto text = key.as_string();
    if (!text.ok()) return invalid_parameter("Each of TagKeys must be a string.");
    head.mutable_tags()->erase(*text);
  }
  save_changed(call, head);
  return Reply::none();
}

}  // namespace keyhold::engine
