// Roles that are assumed by STS.
#include <algorithm>

#include "auth/access_key/access_key_auth.h"
#include "auth/access_key/aws_role.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "base/time_format.h"
#include "core/access_key.h"
#include "core/aws_names.h"
#include "core/policy/cidr.h"
#include "core/policy/iam_policy.h"
#include "core/policy/policy_name.h"
#include "core/record.h"
#include "core/stored_names.h"

namespace keyhold::auth {
namespace {

using aws_roles::Role;
using core::Call;
using core::FieldValues;
using core::Reply;

constexpr std::string_view kIdPrefix = "AROA";

Error invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }

std::string name_of(const Call& call) { return std::string(call.fields().path_text("name")); }

Result<void> set_policies(const FieldValues& fields, Role& role) {
  std::vector<std::string> names = fields.policy_names("policies");
  if (names.size() > core::TokenStore::kPoliciesMax) return invalid("the role has too many policies");
  if (std::any_of(names.begin(), names.end(), [](const std::string& name) { return core::reserved_policy_name(name); })) {
    return invalid("a policy that only the server gives cannot be a role's");
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  role.mutable_policies()->Assign(names.begin(), names.end());
  return {};
}

Result<void> set_trust_policy(const FieldValues& fields, Role& role) {
  std::string text = fields.text("trust_policy");
  const auto parsed = core::iam::parse_policy(text, core::iam::PolicyKind::kTrust);
  if (!parsed.ok()) return invalid("failed to parse trust_policy: " + parsed.error().message);
  role.set_trust_policy(std::move(text));
  return {};
}

Result<void> apply(const FieldValues& fields, Role& role) {
  if (fields.has("trust_policy")) TRY(set_trust_policy(fields, role));
  if (role.trust_policy().empty()) return invalid("a role needs a trust_policy, which says who may assume it");
  if (fields.has("max_session_duration")) role.set_max_session_s(fields.duration_s("max_session_duration"));
  if (role.max_session_s() < aws_roles::kSessionSecondsMin || role.max_session_s() > aws_roles::kSessionSecondsMax) {
    return invalid("max_session_duration must be from 15 minutes to 12 hours");
  }
  if (fields.has("policies")) TRY(set_policies(fields, role));
  if (fields.has("bound_cidrs")) {
    const auto blocks = fields.string_list("bound_cidrs");
    if (blocks.size() > core::TokenStore::kBoundCidrsMax) return invalid("the role has too many bound CIDRs");
    TRY(core::CidrList::parse(blocks));
    role.mutable_bound_cidrs()->Assign(blocks.begin(), blocks.end());
  }
  if (fields.has("description")) role.set_description(fields.text("description"));
  if (role.description().size() > core::access_keys::kDescriptionBytesMax || !valid_utf8(role.description())) {
    return invalid("the description must be UTF-8 of at most 512 bytes");
  }
  return {};
}

}  // namespace

Result<Reply> AccessKeyAuth::list_roles(Call& call) {
  TRY_ASSIGN(const auto names, core::names_below(call, core::keys::aws_role(call.mount_id())));
  return core::listed(names);
}

Result<Reply> AccessKeyAuth::read_role(Call& call) {
  TRY_ASSIGN(const auto role, aws_roles::find_in(call.tx(), call.mount_id(), name_of(call)));
  if (role == nullptr) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("arn").string(std::string(core::aws::kRoleArn).append(role->name()));
  writer.key("bound_cidrs").strings(role->bound_cidrs());
  writer.key("created").string(format_rfc3339(role->created_ms()));
  writer.key("description").string(role->description());
  writer.key("max_session_duration").number(role->max_session_s());
  writer.key("policies").strings(role->policies());
  writer.key("role_id").string(role->unique_id());
  writer.key("trust_policy").string(role->trust_policy());
  writer.end_object();
  return reply;
}

Result<bool> AccessKeyAuth::role_exists(Call& call) {
  TRY_ASSIGN(const auto role, aws_roles::find_in(call.tx(), call.mount_id(), name_of(call)));
  return role != nullptr;
}

Result<Reply> AccessKeyAuth::write_role(Call& call) {
  const std::string name = name_of(call);
  if (!aws_roles::valid_name(name)) return invalid("a role's name is 1 to 64 letters, digits and +=,.@_-");
  TRY_ASSIGN(const auto found, aws_roles::find(call, name));
  if (found.role != nullptr && found.mount->record.id() != call.mount_id()) {
    return invalid("another access-key method has a role of this name, and an ARN names no method");
  }
  Role role = found.role != nullptr ? *found.role : Role();
  if (found.role == nullptr) {
    role.set_namespace_id(call.namespace_id());
    role.set_mount_id(call.mount_id());
    role.set_name(name);
    role.set_unique_id(core::aws::unique_id(kIdPrefix, call.rng().bytes(core::aws::kUniqueIdBytes)));
    role.set_max_session_s(aws_roles::kSessionSecondsDefault);
    role.set_created_ms(call.now());
  }
  TRY(apply(call.fields(), role));
  call.tx().put(core::keys::aws_role(call.mount_id(), name), core::encode_record(role));
  return Reply::none();
}

Result<Reply> AccessKeyAuth::remove_role(Call& call) {
  TRY_ASSIGN(const auto role, aws_roles::find_in(call.tx(), call.mount_id(), name_of(call)));
  if (role != nullptr) call.tx().erase(core::keys::aws_role(call.mount_id(), role->name()));
  return Reply::none();
}

}  // namespace keyhold::auth
