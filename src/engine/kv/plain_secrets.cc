#include "engine/kv/plain_secrets.h"

#include "core/last_read.h"
#include "core/secret_write.h"

namespace keyhold::engine::plain {
namespace {

namespace secrets = core::secrets;
using core::Call;
using core::Reply;

std::string name_of(const Call& call, const std::string& folder) { return std::string(folder).append(call.fields().path_text("path")); }

Result<std::shared_ptr<const secrets::Head>> find(Call& call, const std::string& folder) {
  return secrets::find(call.tx(), call.mount_id(), name_of(call, folder));
}

}  // namespace

Result<Reply> read(Call& call, const std::string& folder) {
  TRY_ASSIGN(const auto head, find(call, folder));
  if (head == nullptr) return Reply::not_found();
  const auto* version = secrets::current_version(*head);
  if (version == nullptr || !secrets::readable(*version, call.now())) return Reply::not_found();
  TRY_ASSIGN(const auto content,
             secrets::content(call.tx(), call.mount_id(), *head, *version, call.session().redactor));
  if (folder.empty()) secrets::note_read(call, *head, *version, content);
  Reply reply = Reply::of(SecretBytes::copy_of(content.reveal()));
  reply.audit_members.append("\"data\":").append(content.redacted());
  return reply;
}

Result<Reply> write(Call& call, const std::string& folder) {
  const auto data = call.fields().object("data");
  if (!data || data->size() == 0) return Error{Code::kInvalid, "missing data fields"};
  TRY_ASSIGN(const auto existing, find(call, folder));
  const std::string name = name_of(call, folder);
  secrets::Head head = secrets::open_head(call.tx(), {call.mount_id(), call.namespace_id(), name}, existing.get(),
                                          call.now(), call.rng());
  secrets::NewContent content;
  content.bytes = data->raw();
  content.created_by = call.principal().token->accessor();
  secrets::put_only(call.tx(), call.mount_id(), head, content, call.session().fingerprints, call.now(), call.rng());
  return Reply::none();
}

Result<Reply> erase(Call& call, const std::string& folder) {
  TRY_ASSIGN(const auto head, find(call, folder));
  if (head != nullptr) secrets::purge(call.tx(), call.mount_id(), *head, call.now());
  return Reply::none();
}

Result<bool> exists(Call& call, const std::string& folder) {
  TRY_ASSIGN(const auto head, find(call, folder));
  return head != nullptr;
}

}  // namespace keyhold::engine::plain
