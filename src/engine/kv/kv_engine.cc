#include "engine/kv/kv_engine.h"

#include "base/limits.h"
#include "base/time_format.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using core::Call;
using core::Reply;

void append_map(json::Writer& writer, const google::protobuf::Map<std::string, std::string>& map) {
  if (map.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [name, value] : map) writer.key(name).string(value);
  writer.end_object();
}

/// What every answer about one version carries. `full` adds what writes and reads also say of the secret.
enum class Detail { kVersionOnly, kWithSecret };

void append_version(json::Writer& writer, const secrets::Head& head, const secrets::Version& version, Detail detail) {
  writer.begin_object();
  writer.key("created_time").string(format_rfc3339(version.created_ms()));
  if (detail == Detail::kWithSecret) append_map(writer.key("custom_metadata"), head.custom_metadata());
  writer.key("deletion_time");
  if (version.deleted_ms() == 0) {
    writer.string("");
  } else {
    writer.string(format_rfc3339(version.deleted_ms()));
  }
  writer.key("destroyed").boolean(version.state() == secrets::Version::DESTROYED);
  if (detail == Detail::kWithSecret) writer.key("version").number(static_cast<std::int64_t>(version.number()));
  writer.end_object();
}

std::string audit_version(const secrets::Version& version) {
  return "\"version\":" + std::to_string(version.number());
}

Error no_versions() { return {Code::kInvalid, "no versions provided: give at least one version number"}; }

/// The check-and-set option of a write. source: Vault API, kv-v2 create/update.
Result<void> check_cas(const Call& call, const secrets::Head* head) {
  std::optional<json::Value> cas;
  if (const auto options = call.fields().object("options")) cas = options->find("cas");
  if (!cas) {
    if (head != nullptr && head->cas_required()) {
      return Error{Code::kInvalid, "check-and-set parameter required for this call"};
    }
    return {};
  }
  const auto wanted = core::weak_integer(*cas);
  if (!wanted) return Error{Code::kInvalid, "the check-and-set parameter must be an integer"};
  std::uint64_t current = 0;
  if (head != nullptr) {
    if (const auto* version = secrets::current_version(*head)) current = version->number();
  }
  if (*wanted < 0 || static_cast<std::uint64_t>(*wanted) != current) {
    return Error{Code::kInvalid, "check-and-set parameter did not match the current version"};
  }
  return {};
}

}  // namespace

Result<Reply> KvEngine::read(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::not_found();
  const std::int64_t wanted = call.fields().integer("version");
  if (wanted < 0) return Error{Code::kInvalid, "the version must not be negative"};
  const auto* version = wanted == 0 ? secrets::current_version(*head)
                                    : secrets::version_numbered(*head, static_cast<std::uint64_t>(wanted));
  if (version == nullptr) return Reply::not_found();

  Reply reply = secrets::readable(*version, call.now()) ? Reply() : Reply::not_found();
  json::Writer writer(reply.data);
  writer.begin_object().key("data");
  reply.audit_members = audit_version(*version);
  if (reply.outcome == Reply::Outcome::kFound) {
    TRY_ASSIGN(const auto content,
               secrets::content(call.tx(), call.mount_id(), *head, *version, call.session().redactor));
    reply.data.reserve(content.reveal().size() + 256);
    writer.raw(content.reveal());
    reply.audit_members.append(",\"data\":").append(content.redacted());
  } else {
    writer.null();
  }
  append_version(writer.key("metadata"), *head, *version, Detail::kWithSecret);
  writer.end_object();
  return reply;
}

Result<bool> KvEngine::exists(Call& call) {
  // As Vault: a deleted secret is still there, so that who may only create cannot write over it.
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  return head != nullptr;
}

Result<Reply> KvEngine::write(Call& call) {
  const auto data = call.fields().object("data");
  if (!data) return Error{Code::kInvalid, "no data provided: the body needs a \"data\" object"};
  const std::string_view name = call.fields().path_text("path");
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), name));
  TRY(check_cas(call, head.get()));

  secrets::NewContent content;
  content.bytes = data->raw();
  content.created_by = call.principal().token->accessor();
  TRY_ASSIGN(const auto written,
             secrets::put_current(call.tx(), call.mount_id(), call.namespace_id(), name, content,
                                  call.session().fingerprints, call.now(), call.rng()));
  const auto& version = *written.versions().rbegin();
  Reply reply;
  json::Writer writer(reply.data);
  append_version(writer, written, version, Detail::kWithSecret);
  reply.audit_members = audit_version(version);
  return reply;
}

Result<Reply> KvEngine::erase_latest(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::none();
  const auto* version = secrets::current_version(*head);
  if (version == nullptr) return Reply::none();
  const std::array numbers{static_cast<std::int64_t>(version->number())};
  TRY(secrets::change_versions(call.tx(), call.mount_id(), *head, numbers, secrets::StateChange::kDelete,
                               call.now()));
  Reply reply = Reply::none();
  reply.audit_members = audit_version(*version);
  return reply;
}

Result<Reply> KvEngine::change(Call& call, secrets::StateChange change) {
  const auto numbers = call.fields().integer_list("versions");
  if (numbers.empty()) return no_versions();
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::none();
  TRY(secrets::change_versions(call.tx(), call.mount_id(), *head, numbers, change, call.now()));
  return Reply::none();
}

Result<Reply> KvEngine::erase(Call& call) { return change(call, secrets::StateChange::kDelete); }
Result<Reply> KvEngine::undelete(Call& call) { return change(call, secrets::StateChange::kUndelete); }
Result<Reply> KvEngine::destroy(Call& call) { return change(call, secrets::StateChange::kDestroy); }

Result<Reply> KvEngine::read_metadata(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::not_found();
  const auto* current = secrets::current_version(*head);
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("cas_required").boolean(head->cas_required());
  writer.key("created_time").string(format_rfc3339(head->created_ms()));
  writer.key("current_version").number(current == nullptr ? 0 : static_cast<std::int64_t>(current->number()));
  append_map(writer.key("custom_metadata"), head->custom_metadata());
  writer.key("delete_version_after").string(format_duration_s(head->delete_after_s()));
  writer.key("max_versions").number(head->max_versions());
  writer.key("oldest_version").number(static_cast<std::int64_t>(head->oldest_number()));
  writer.key("updated_time").string(format_rfc3339(head->updated_ms()));
  writer.key("versions").begin_object();
  for (const auto& version : head->versions()) {
    if (version.number() == 0) continue;  // Pending: it has never been current.
    append_version(writer.key(std::to_string(version.number())), *head, version, Detail::kVersionOnly);
  }
  writer.end_object().end_object();
  return reply;
}

Result<Reply> KvEngine::list(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("keys").begin_array();
  const std::string_view prefix = call.fields().path_text("path");
  std::string after;
  bool any = false;
  for (;;) {
    TRY_ASSIGN(const auto page,
               secrets::list(call.tx(), call.mount_id(), prefix, after, limits::kStorageListMax));
    for (const std::string& name : page.names) writer.string(name);
    any = any || !page.names.empty();
    if (!page.more) break;
    after = page.names.back();
  }
  if (!any) return Reply::not_found();
  writer.end_array().end_object();
  return reply;
}

}  // namespace keyhold::engine
