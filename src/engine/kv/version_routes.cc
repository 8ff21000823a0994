// Deleting, undeleting and destroying versions.
#include "engine/kv/kv_engine.h"
#include "engine/kv/kv_reply.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using core::Call;
using core::Reply;

Result<Reply> change(Call& call, std::span<const std::int64_t> numbers, secrets::StateChange change) {
  TRY_ASSIGN(const auto head,
             secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  if (head == nullptr) return Reply::none();
  TRY_ASSIGN(const auto settings, secrets::settings(call.tx(), call.mount_id()));
  secrets::change_versions(call.tx(), call.mount_id(), *head, numbers, change, settings, call.now());
  return Reply::none();
}

/// `none_given`: what Vault says when there are no numbers.
Result<Reply> change_listed(Call& call, secrets::StateChange how, const char* none_given) {
  const auto numbers = call.fields().integer_list("versions");
  if (numbers.empty()) return Error{Code::kInvalid, none_given};
  return change(call, numbers, how);
}

}  // namespace

Result<Reply> KvEngine::erase_latest(Call& call) {
  TRY_ASSIGN(const auto head,
             secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  const auto* version = head == nullptr ? nullptr : secrets::current_version(*head);
  if (version == nullptr) return Reply::none();
  const std::array numbers{static_cast<std::int64_t>(version->number())};
  TRY_ASSIGN(Reply reply, change(call, numbers, secrets::StateChange::kDelete));
  reply.audit_members = audit_version(*version);
  return reply;
}

Result<Reply> KvEngine::erase(Call& call) {
  return change_listed(call, secrets::StateChange::kDelete, "No version number provided");
}
Result<Reply> KvEngine::undelete(Call& call) {
  return change_listed(call, secrets::StateChange::kUndelete, "No version number provided");
}
Result<Reply> KvEngine::destroy(Call& call) {
  return change_listed(call, secrets::StateChange::kDestroy, "no version number provided");
}

}  // namespace keyhold::engine
