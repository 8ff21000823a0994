#include "auth/access_key/access_key_auth.h"

#include "base/limits.h"
#include "base/time_format.h"
#include "core/access_key.h"

namespace keyhold::auth {
namespace {

namespace access_keys = core::access_keys;
using access_keys::AccessKey;
using core::Call;
using core::FieldValues;
using core::Reply;
using Record = core::records::AccessKey;

Error invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }

/// nullptr when this mount has none of the id in the path.
Result<std::shared_ptr<const AccessKey>> find(const Call& call) {
  TRY_ASSIGN(auto key, access_keys::find(call.tx(), call.namespace_id(), call.fields().path_text("access_key_id")));
  if (key != nullptr && key->record.mount_id() != call.mount_id()) key = nullptr;
  return key;
}

bool given(const FieldValues& fields, std::string_view name) { return fields.has(name) && !fields.is_null(name); }

access_keys::AccessKeySpec spec_of(const Call& call) {
  const FieldValues& fields = call.fields();
  access_keys::AccessKeySpec spec;
  spec.namespace_id = call.namespace_id();
  spec.mount_id = call.mount_id();
  spec.mount_path = call.mount().record.path();
  spec.policies = fields.policy_names("policies");
  spec.bound_cidrs = fields.string_list("bound_cidrs");
  spec.description = fields.text("description");
  spec.ttl_s = fields.duration_s("ttl");
  return spec;
}

access_keys::AccessKeyChange change_of(const FieldValues& fields) {
  access_keys::AccessKeyChange change;
  if (given(fields, "policies")) change.policies = fields.policy_names("policies");
  if (given(fields, "bound_cidrs")) change.bound_cidrs = fields.string_list("bound_cidrs");
  if (given(fields, "description")) change.description = fields.text("description");
  if (given(fields, "ttl")) change.ttl_s = fields.duration_s("ttl");
  if (given(fields, "disabled")) {
    change.status = fields.boolean("disabled") ? access_keys::Status::kDisabled : access_keys::Status::kEnabled;
  }
  return change;
}

std::string_view status_of(const Record& key, UnixMillis now_ms) {
  if (key.disabled()) return "disabled";
  return key.expires_ms() != 0 && key.expires_ms() <= now_ms ? "expired" : "active";
}

void append_time(json::Writer& writer, UnixMillis time_ms) {
  if (time_ms == 0) {
    writer.null();
  } else {
    writer.string(format_rfc3339(time_ms));
  }
}

/// What is told of a key, without its secret; the object stays open.
void append_key(json::Writer& writer, const Record& key, UnixMillis now_ms) {
  writer.begin_object();
  writer.key("access_key_id").string(key.id());
  writer.key("accessor").string(key.accessor());
  writer.key("bound_cidrs").strings(key.bound_cidrs());
  writer.key("created").string(format_rfc3339(key.created_ms()));
  writer.key("description").string(key.description());
  writer.key("disabled").boolean(key.disabled());
  append_time(writer.key("expires"), key.expires_ms());
  writer.key("policies").strings(key.policies());
  writer.key("status").string(status_of(key, now_ms));
}

/// For the audit record: which key it was about, and how later records name it.
std::string audit_key(const Record& key) {
  return "\"access_key_id\":\"" + key.id() + "\",\"accessor\":\"" + key.accessor() + "\"";
}

Reply told(const Record& key, UnixMillis now_ms) {
  Reply reply;
  json::Writer writer(reply.data);
  append_key(writer, key, now_ms);
  writer.end_object();
  reply.audit_members = audit_key(key);
  return reply;
}

Result<Reply> import_pair(const Call& call) {
  const FieldValues& fields = call.fields();
  if (!given(fields, "secret_access_key")) {
    return invalid("there is no access key with this id: to import one, give its secret_access_key");
  }
  if (fields.boolean("disabled")) return invalid("a new access key is not disabled");
  access_keys::AccessKeySpec spec = spec_of(call);
  spec.id = fields.path_text("access_key_id");
  spec.secret = fields.secret("secret_access_key");
  TRY_ASSIGN(const auto made, access_keys::create(call.tx(), call.session().tokens, std::move(spec), call.rng()));
  return told(made.record, call.now());
}

}  // namespace

Result<Reply> AccessKeyAuth::create(Call& call) {
  TRY_ASSIGN(const auto made, access_keys::create(call.tx(), call.session().tokens, spec_of(call), call.rng()));
  Reply reply;
  json::Writer writer(reply.data);
  append_key(writer, made.record, call.now());
  writer.key("secret_access_key").string(made.secret.reveal());
  writer.end_object();
  reply.audit_members = audit_key(made.record);
  return reply;
}

Result<Reply> AccessKeyAuth::list(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("keys").begin_array();
  access_keys::Ids page;
  bool any = false;
  do {
    const std::string after = page.ids.empty() ? std::string() : page.ids.back();
    TRY_ASSIGN(page, access_keys::list(call.tx(), call.mount_id(), after, limits::kStorageListMax));
    for (const std::string& id : page.ids) writer.string(id);
    any = any || !page.ids.empty();
  } while (page.more);
  writer.end_array().end_object();
  if (!any) return Reply::not_found();
  return reply;
}

Result<Reply> AccessKeyAuth::read(Call& call) {
  TRY_ASSIGN(const auto key, find(call));
  if (key == nullptr) return Reply::not_found();
  TRY_ASSIGN(const UnixMillis used_ms, access_keys::last_used(call.tx(), *key));
  Reply reply;
  json::Writer writer(reply.data);
  append_key(writer, key->record, call.now());
  append_time(writer.key("last_used"), used_ms);
  writer.end_object();
  reply.audit_members = audit_key(key->record);
  return reply;
}

Result<bool> AccessKeyAuth::exists(Call& call) {
  TRY_ASSIGN(const auto key, find(call));
  return key != nullptr;
}

Result<Reply> AccessKeyAuth::write(Call& call) {
  TRY_ASSIGN(const auto key, find(call));
  if (key == nullptr) return import_pair(call);
  if (given(call.fields(), "secret_access_key")) {
    return invalid("an access key with this id exists already, and keeps its secret: delete it to import another");
  }
  TRY_ASSIGN(const Record changed,
             access_keys::change(call.tx(), call.session().tokens, *key, change_of(call.fields()), call.rng()));
  return told(changed, call.now());
}

Result<Reply> AccessKeyAuth::remove(Call& call) {
  TRY_ASSIGN(const auto key, find(call));
  if (key == nullptr) return Reply::none();
  TRY(access_keys::erase(call.tx(), call.session().tokens, *key));
  Reply reply = Reply::none();
  reply.audit_members = audit_key(key->record);
  return reply;
}

}  // namespace keyhold::auth
