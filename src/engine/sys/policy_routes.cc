#include "core/keys.h"
#include "core/policy/policy.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;

/// The built-in policy that cannot be read, written or removed.
constexpr std::string_view kRootPolicy = "root";

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

}  // namespace

Result<Reply> SysEngine::list_policies(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  // The older route names them twice.
  for (const std::string_view member : {"keys", "policies"}) {
    writer.key(member).begin_array();
    for (const std::string& name : call.config().policy_names(call.namespace_id())) writer.string(name);
    writer.string(kRootPolicy).end_array();
  }
  writer.end_object();
  return reply;
}

Result<Reply> SysEngine::read_policy(Call& call) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  Reply reply;
  json::Writer writer(reply.data);
  std::string text;
  if (name != kRootPolicy) {
    TRY_ASSIGN(const auto record,
               call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
    if (record == nullptr || record->removed()) return Reply::not_found();
    text = record->text();
  }
  // "rules" is what the older route calls it.
  writer.begin_object().key("name").string(name).key("policy").string(text).key("rules").string(text).end_object();
  return reply;
}

Result<Reply> SysEngine::write_policy(Call& call) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  if (name == kRootPolicy) return Error{Code::kInvalid, "cannot update \"root\" policy"};
  const std::string text = call.fields().text("policy");
  if (text.empty()) return Error{Code::kInvalid, "'policy' parameter not supplied or empty"};
  auto parsed = core::parse_policy(text);
  if (!parsed.ok()) return Error{Code::kInvalid, "failed to parse policy: " + parsed.error().message};
  core::records::Policy record;
  record.set_text(text);
  TRY(change_policy(call, name, std::move(record)));
  return Reply::none();
}

Result<Reply> SysEngine::remove_policy(Call& call) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  if (name == kRootPolicy || name == "default") return Error{Code::kInvalid, "this policy cannot be removed"};
  TRY_ASSIGN(const auto old, call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
  if (old == nullptr || old->removed()) return Reply::none();
  core::records::Policy record;
  record.set_removed(true);
  TRY(change_policy(call, name, std::move(record)));
  return Reply::none();
}

}  // namespace keyhold::engine
