#include <algorithm>
#include <map>

#include "core/policy/compiled_policies.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {
namespace {

using core::Asked;
using core::Call;
using core::CompiledPolicies;
using core::PolicyRule;
using core::Reply;

using Names = std::vector<std::string_view>;

constexpr std::string_view kDeny = core::to_string(core::Capability::kDeny);

/// As Vault tells them: in order of their names, and "deny" for nothing.
Names names_of(core::CapabilitySet capabilities) {
  Names names = capabilities.names();
  if (names.empty()) names.push_back(kDeny);
  std::sort(names.begin(), names.end());
  return names;
}

/// A path that ends with a slash is asked about as a list asks.
Names capabilities_at(const CompiledPolicies& policies, std::string_view path) {
  if (policies.root()) return {core::kRootPolicyName};
  if (path.starts_with('/')) path.remove_prefix(1);
  return names_of(policies.lookup(path, path.ends_with('/') ? Asked::kList : Asked::kOne).capabilities);
}

Result<Reply> answer(const Call& call, const CompiledPolicies& policies) {
  auto paths = call.fields().string_list("paths");
  if (paths.empty()) paths = call.fields().string_list("path");
  if (paths.empty()) return Error{Code::kInvalid, "paths must be supplied"};
  std::map<std::string, Names> by_member;
  for (const std::string& path : paths) {
    if (path.empty()) return Error{Code::kInvalid, "missing path"};
    by_member.emplace(path, capabilities_at(policies, path));
  }
  // Of a single path also under a name of its own, as it was of old.
  if (paths.size() == 1) by_member.emplace("capabilities", by_member.begin()->second);

  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  for (const auto& [member, names] : by_member) writer.key(member).strings(names);
  writer.end_object();
  return reply;
}

/// Of a token that is not the caller's own: whoever may ask about it learns whether it is valid.
Result<CompiledPolicies> policies_of(const Call& call, Result<core::TokenState> token, std::string_view what) {
  if (!token.ok() && token.code() == Code::kDenied) return Error{Code::kInvalid, "invalid " + std::string(what)};
  if (!token.ok()) return std::move(token).error();
  return call.config().policies_of(*token->record);
}

void append_parameters(json::Writer& writer, std::string_view member, const core::ParameterRules::ByName& parameters) {
  if (parameters.empty()) return;
  writer.key(member).begin_object();
  for (const auto& [name, values] : parameters) writer.key(name).strings(values);
  writer.end_object();
}

void append_permissions(json::Writer& writer, const core::Permissions& permissions) {
  writer.begin_object();
  writer.key("capabilities").strings(names_of(permissions.capabilities));
  if (permissions.restrictions != nullptr) {
    const core::Restrictions& bounds = *permissions.restrictions;
    if (bounds.min_wrapping_ttl_s > 0) writer.key("min_wrapping_ttl").number(bounds.min_wrapping_ttl_s);
    if (bounds.max_wrapping_ttl_s > 0) writer.key("max_wrapping_ttl").number(bounds.max_wrapping_ttl_s);
    if (bounds.pagination_limit > 0) writer.key("pagination_limit").number(bounds.pagination_limit);
    append_parameters(writer, "allowed_parameters", bounds.parameters.allowed);
    append_parameters(writer, "denied_parameters", bounds.parameters.denied);
    if (!bounds.parameters.required.empty()) writer.key("required_parameters").strings(bounds.parameters.required);
  }
  writer.end_object();
}

}  // namespace

Result<Reply> SysEngine::capabilities(Call& call) {
  const SecretBytes token = call.fields().secret("token");
  if (token.empty()) return Error{Code::kInvalid, "no token found"};
  auto found = call.session().tokens.find_presented(call.tx(), call.namespace_id(), token.reveal());
  TRY_ASSIGN(const auto policies, policies_of(call, std::move(found), "token"));
  return answer(call, policies);
}

Result<Reply> SysEngine::capabilities_self(Call& call) { return answer(call, call.principal().policies); }

Result<Reply> SysEngine::capabilities_accessor(Call& call) {
  const std::string accessor = call.fields().text("accessor");
  if (accessor.empty()) return Error{Code::kInvalid, "missing accessor"};
  auto found = call.session().tokens.find_accessor(call.tx(), call.namespace_id(), accessor);
  TRY_ASSIGN(const auto policies, policies_of(call, std::move(found), "accessor"));
  return answer(call, policies);
}

Result<Reply> SysEngine::resultant_acl(Call& call) {
  const core::Grants grants = call.config().grants_of(*call.principal().token);
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  if (!grants.root) {
    const auto rules = core::merge_rules(grants.policies);
    for (const bool exact : {true, false}) {
      writer.key(exact ? "exact_paths" : "glob_paths").begin_object();
      for (const PolicyRule& rule : rules) {
        if ((rule.match == PolicyRule::Match::kExact) != exact) continue;
        writer.key(rule.path);
        append_permissions(writer, rule.permissions);
      }
      writer.end_object();
    }
  }
  writer.key("root").boolean(grants.root).end_object();
  return reply;
}

}  // namespace keyhold::engine
