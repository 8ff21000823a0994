#include "base/encoding.h"
#include "core/keys.h"
#include "core/policy/policy.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;

Result<std::string> policy_name(const Call& call) { return core::normalize_policy_name(call.fields().text("name")); }

/// Writes the record under its name and, so that the past can be asked about, under its number.
void put_versioned(core::Transaction& tx, const core::records::Policy& record) {
  tx.put(core::keys::policy(record.namespace_id(), record.name()), core::encode_record(record));
  tx.put(core::keys::policy_version(record.namespace_id(), record.name(), record.number()),
         core::encode_record(record));
}

Result<void> change_policy(Call& call, const std::string& name, core::records::Policy record) {
  TRY_ASSIGN(const auto old, call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
  record.set_namespace_id(call.namespace_id());
  record.set_name(name);
  record.set_number(old == nullptr ? 1 : old->number() + 1);
  record.set_changed_ms(call.now());
  record.set_changed_by(call.principal().token->accessor());
  put_versioned(call.tx(), record);
  return {};
}

void append_names(json::Writer& writer, const Call& call) {
  writer.begin_array();
  for (const std::string& name : call.config().policy_names(call.namespace_id())) writer.string(name);
  writer.string(core::kRootPolicyName).end_array();
}

/// Answers {name, `text_member`: the policy's text}. The root policy is there, and has none.
Result<Reply> read(Call& call, std::string_view text_member) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  std::string text;
  if (name != core::kRootPolicyName) {
    TRY_ASSIGN(const auto record,
               call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
    if (record == nullptr || record->removed()) return Reply::not_found();
    text = record->text();
  }
  Reply reply;
  json::Writer(reply.data).begin_object().key("name").string(name).key(text_member).string(text).end_object();
  return reply;
}

Result<Reply> write(Call& call, std::string text) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  if (core::reserved_policy_name(name)) return Error{Code::kInvalid, "cannot update \"" + name + "\" policy"};
  if (text.empty()) return Error{Code::kInvalid, "'policy' parameter not supplied or empty"};
  if (auto decoded = base64_decode(text); decoded.ok()) text = std::move(*decoded);
  auto parsed = core::parse_policy(text);
  if (!parsed.ok()) return Error{Code::kInvalid, "failed to parse policy: " + parsed.error().message};
  core::records::Policy record;
  record.set_text(std::move(text));
  TRY(change_policy(call, name, std::move(record)));
  Reply reply = Reply::none();
  reply.warnings = std::move(parsed->warnings);
  return reply;
}

}  // namespace

Result<Reply> SysEngine::list_policies(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  append_names(writer.begin_object().key("keys"), call);
  writer.end_object();
  return reply;
}

Result<Reply> SysEngine::list_policies_old(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  append_names(writer.begin_object().key("keys"), call);
  append_names(writer.key("policies"), call);
  writer.end_object();
  return reply;
}

Result<Reply> SysEngine::read_policy(Call& call) { return read(call, "policy"); }

Result<Reply> SysEngine::read_policy_old(Call& call) { return read(call, "rules"); }

Result<Reply> SysEngine::write_policy(Call& call) { return write(call, call.fields().text("policy")); }

Result<Reply> SysEngine::write_policy_old(Call& call) {
  std::string text = call.fields().text("policy");
  const bool by_old_name = text.empty() && call.fields().has("rules");
  if (by_old_name) text = call.fields().text("rules");
  TRY_ASSIGN(Reply reply, write(call, std::move(text)));
  if (by_old_name) reply.warnings.push_back("'rules' is deprecated, please use 'policy' instead");
  return reply;
}

Result<Reply> SysEngine::remove_policy(Call& call) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  if (core::reserved_policy_name(name)) return Error{Code::kInvalid, "cannot delete \"" + name + "\" policy"};
  if (name == core::kDefaultPolicyName) return Error{Code::kInvalid, "cannot delete default policy"};
  TRY_ASSIGN(const auto old, call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
  if (old == nullptr || old->removed()) return Reply::none();
  core::records::Policy record;
  record.set_removed(true);
  TRY(change_policy(call, name, std::move(record)));
  return Reply::none();
}

}  // namespace keyhold::engine
