#include "base/encoding.h"
#include "core/keys.h"
#include "core/policy/iam_policy.h"
#include "core/policy/policy.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;
using Language = core::records::Policy::Language;

Result<std::string> policy_name(const Call& call) { return core::normalize_policy_name(call.fields().text("name")); }

/// Writes the record under its name and, so that the past can be asked about, under its number.
void put_versioned(core::Transaction& tx, const core::records::Policy& record) {
  tx.put(core::keys::policy(record.namespace_id(), record.name()), core::encode_record(record));
  tx.put(core::keys::policy_version(record.namespace_id(), record.name(), record.number()),
         core::encode_record(record));
}

Result<void> change_policy(Call& call, const std::string& name, core::records::Policy record) {
  TRY_ASSIGN(const auto old, call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
  if (old != nullptr && !old->removed() && old->language() != record.language()) {
    return Error{Code::kInvalid, "a policy of the other language has this name: sys/policies/acl and sys/policies/iam share their names"};
  }
  record.set_namespace_id(call.namespace_id());
  record.set_name(name);
  record.set_number(old == nullptr ? 1 : old->number() + 1);
  record.set_changed_ms(call.now());
  record.set_changed_by(call.principal().token->accessor());
  put_versioned(call.tx(), record);
  return {};
}

/// The policy of this language and name, or nullptr.
Result<std::shared_ptr<const core::records::Policy>> find(Call& call, const std::string& name, Language language) {
  TRY_ASSIGN(auto record, call.tx().load<core::records::Policy>(core::keys::policy(call.namespace_id(), name)));
  if (record == nullptr || record->removed() || record->language() != language) return std::shared_ptr<const core::records::Policy>();
  return record;
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
    TRY_ASSIGN(const auto record, find(call, name, core::records::Policy::ACL));
    if (record == nullptr) return Reply::not_found();
    text = record->text();
  }
  Reply reply;
  json::Writer(reply.data).begin_object().key("name").string(name).key(text_member).string(text).end_object();
  return reply;
}

/// What it was accepted with.
Result<std::vector<std::string>> warnings_of(const std::string& text, Language language) {
  if (language == core::records::Policy::IAM) {
    auto parsed = core::iam::parse_policy(text, core::iam::PolicyKind::kIdentity);
    if (!parsed.ok()) return Error{Code::kInvalid, "failed to parse policy: " + parsed.error().message};
    return core::iam::warnings_of(*parsed);
  }
  auto parsed = core::parse_policy(text);
  if (!parsed.ok()) return Error{Code::kInvalid, "failed to parse policy: " + parsed.error().message};
  return std::move(parsed->warnings);
}

Result<Reply> write(Call& call, std::string text, Language language) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  const bool default_of_iam = language == core::records::Policy::IAM && name == core::kDefaultPolicyName;
  if (core::reserved_policy_name(name) || default_of_iam) return Error{Code::kInvalid, "cannot update \"" + name + "\" policy"};
  if (text.empty()) return Error{Code::kInvalid, "'policy' parameter not supplied or empty"};
  if (auto decoded = base64_decode(text); decoded.ok()) text = std::move(*decoded);
  TRY_ASSIGN(auto warnings, warnings_of(text, language));
  core::records::Policy record;
  record.set_text(std::move(text));
  record.set_language(language);
  TRY(change_policy(call, name, std::move(record)));
  Reply reply = Reply::none();
  reply.warnings = std::move(warnings);
  return reply;
}

Result<Reply> remove(Call& call, Language language) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  if (core::reserved_policy_name(name)) return Error{Code::kInvalid, "cannot delete \"" + name + "\" policy"};
  if (name == core::kDefaultPolicyName) return Error{Code::kInvalid, "cannot delete default policy"};
  TRY_ASSIGN(const auto old, find(call, name, language));
  if (old == nullptr) return Reply::none();
  core::records::Policy record;
  record.set_removed(true);
  record.set_language(language);
  TRY(change_policy(call, name, std::move(record)));
  return Reply::none();
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

Result<Reply> SysEngine::write_policy(Call& call) { return write(call, call.fields().text("policy"), core::records::Policy::ACL); }

Result<Reply> SysEngine::write_policy_old(Call& call) {
  std::string text = call.fields().text("policy");
  const bool by_old_name = text.empty() && call.fields().has("rules");
  if (by_old_name) text = call.fields().text("rules");
  TRY_ASSIGN(Reply reply, write(call, std::move(text), core::records::Policy::ACL));
  if (by_old_name) reply.warnings.push_back("'rules' is deprecated, please use 'policy' instead");
  return reply;
}

Result<Reply> SysEngine::remove_policy(Call& call) { return remove(call, core::records::Policy::ACL); }

Result<Reply> SysEngine::list_iam_policies(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("keys").strings(call.config().iam_policy_names(call.namespace_id())).end_object();
  return reply;
}

Result<Reply> SysEngine::read_iam_policy(Call& call) {
  TRY_ASSIGN(const std::string name, policy_name(call));
  TRY_ASSIGN(const auto record, find(call, name, core::records::Policy::IAM));
  if (record == nullptr) return Reply::not_found();
  Reply reply;
  json::Writer(reply.data).begin_object().key("name").string(name).key("policy").string(record->text()).end_object();
  return reply;
}

Result<Reply> SysEngine::write_iam_policy(Call& call) { return write(call, call.fields().text("policy"), core::records::Policy::IAM); }

Result<Reply> SysEngine::remove_iam_policy(Call& call) { return remove(call, core::records::Policy::IAM); }

}  // namespace keyhold::engine
