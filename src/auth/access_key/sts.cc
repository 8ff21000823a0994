#include "auth/access_key/sts.h"

#include <algorithm>

#include "auth/access_key/aws_role.h"
#include "base/time_format.h"
#include "core/access_key.h"
#include "core/aws_names.h"
#include "core/iam_access.h"

namespace keyhold::auth {
namespace {

namespace iam = core::iam;
using core::Call;
using core::FieldValues;
using core::Reply;
using core::Target;

constexpr std::int64_t kOwnSecondsMin = 900;
constexpr std::int64_t kOwnSecondsMax = 129'600;
constexpr std::int64_t kOwnSecondsDefault = 43'200;
constexpr std::int64_t kChainedSecondsMax = 3'600;  // Of a role that another role's session assumes.
constexpr std::size_t kSessionNameBytesMin = 2;
constexpr std::size_t kSessionNameBytesMax = 64;

Error wrong(std::string message) { return {Code::kInvalid, std::move(message), "ValidationError"}; }
Error denied() { return {Code::kDenied, "You are not authorized to do this, or there is no such role.", "AccessDenied"}; }

bool temporary(const Call& call) { return call.principal().token->expires_ms() != 0 && call.principal().token->ancestors_size() > 0; }

/// Inputs that would restrict what is given out, and are not offered.
Result<void> check_refused(const FieldValues& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (fields.has(name)) return wrong("The input " + std::string(name) + " is not offered here.");
  }
  return {};
}

struct Spec {
  std::string arn;
  std::string id;
  std::int64_t ttl_s = 0;
  std::vector<std::string> policies;
  std::vector<std::string> bound_cidrs;
  core::keys::MountId mount_id = 0;
  std::string path;
};

/// Makes the token below the caller, and appends the member "Credentials".
Result<void> append_credentials(json::Writer& writer, Call& call, Spec spec, std::string& audited) {
  const core::records::Token& caller = *call.principal().token;
  core::TokenSpec token;
  token.namespace_id = call.namespace_id();
  token.policies = std::move(spec.policies);
  token.path = std::move(spec.path);
  token.mount_id = spec.mount_id;
  token.lease_path = "sts";
  token.display_name = "sts-" + spec.id;
  token.ttl_s = spec.ttl_s;
  token.explicit_max_ttl_s = spec.ttl_s;
  token.bound_cidrs = std::move(spec.bound_cidrs);
  token.principal_arn = std::move(spec.arn);
  token.principal_id = std::move(spec.id);
  token.ancestors.push_back(caller.liveness());
  for (const std::string& ancestor : caller.ancestors()) token.ancestors.push_back(ancestor);
  if (token.ancestors.size() > core::TokenStore::kAncestorsMax) return wrong("The sessions are chained too deep.");
  const core::Session& session = call.session();
  TRY_ASSIGN(const core::NewToken made, session.tokens.create(call.tx(), std::move(token), call.rng()));
  const std::string token_id = session.tokens.id_of(made.token.reveal());
  const std::string key_id = session.temporary_keys.access_key_id(token_id);
  writer.key("Credentials").begin_object();
  writer.key("AccessKeyId").string(key_id);
  writer.key("SecretAccessKey").string(session.temporary_keys.secret_access_key(token_id).reveal());
  writer.key("SessionToken").string(made.token.reveal());
  writer.key("Expiration").string(format_rfc3339(made.record.expires_ms() / 1000 * 1000)).end_object();
  audited = "\"access_key_id\":\"" + key_id + "\",\"accessor\":\"" + made.accessor + "\"";
  return {};
}

Result<std::string> role_name_of(const FieldValues& fields) {
  const std::string arn = fields.text("RoleArn");
  if (!arn.starts_with(core::aws::kRoleArn) || !aws_roles::valid_name(std::string_view(arn).substr(core::aws::kRoleArn.size()))) {
    return wrong("RoleArn must be arn:aws:iam::000000000000:role/ and the name of a role.");
  }
  return arn.substr(core::aws::kRoleArn.size());
}

Result<std::string> session_name_of(const FieldValues& fields) {
  std::string name = fields.text("RoleSessionName");
  if (name.size() < kSessionNameBytesMin || name.size() > kSessionNameBytesMax || !aws_roles::valid_name(name)) {
    return wrong("RoleSessionName must be 2 to 64 letters, digits and +=,.@_-");
  }
  return name;
}

Result<std::int64_t> duration_of(const Call& call, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
  const std::int64_t wanted = call.fields().integer("DurationSeconds", otherwise);
  if (wanted < least || wanted > most) {
    return wrong("DurationSeconds must be from " + std::to_string(least) + " to " + std::to_string(most) + " here.");
  }
  return wanted;
}

/// A trust policy that names the caller is enough, if no policy of his own denies it; one that names the account leaves it to them.
Result<bool> may_assume(Call& call, const aws_roles::Found& found) {
  const auto trust = iam::parse_policy(found.role->trust_policy(), iam::PolicyKind::kTrust);
  if (!trust.ok()) return Error{Code::kCorrupt, "the trust policy of the role cannot be read by this program"};
  const iam::Decision decision = core::trust_decision(call, *trust, iam::Action::kAssumeRole);
  if (decision == iam::Decision::kAllow) return true;
  if (decision != iam::Decision::kDelegated) return false;
  Target target;
  target.path = found.mount->record.path() + "role/" + found.role->name() + "/assume";
  target.capability = core::Capability::kUpdate;
  target.action = iam::Action::kAssumeRole;
  target.aws_name = found.role->name();
  return core::permits(call, target);
}

}  // namespace

Result<std::vector<Target>> Sts::of_nothing(Call& call) {
  Target target;
  target.path = call.request().path;
  target.capability = call.request().path.ends_with("Token") ? core::Capability::kUpdate : core::Capability::kRead;
  std::string action(call.request().path);
  std::replace(action.begin(), action.end(), '/', ':');
  target.action = iam::action_of(action);
  target.need = Target::Need::kUnlessDenied;
  return std::vector{std::move(target)};
}

Result<std::vector<Target>> Sts::of_role(Call& call) {
  TRY_ASSIGN(const std::string name, role_name_of(call.fields()));
  TRY_ASSIGN(const auto found, aws_roles::find(call, name));
  Target target;
  // Of a role that is not there it is refused like one that is.
  target.path = (found.mount == nullptr ? std::string("auth/access-key/") : found.mount->record.path()) + "role/" + name + "/assume";
  target.capability = core::Capability::kUpdate;
  target.action = iam::Action::kAssumeRole;
  target.aws_name = name;
  target.need = Target::Need::kUnlessDenied;
  return std::vector{std::move(target)};
}

Result<Reply> Sts::get_caller_identity(Call& call) {
  const core::IamIdentity identity = core::iam_identity_of(*call.principal().token);
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("UserId").string(identity.user_id);
  writer.key("Account").string(core::aws::kAccount);
  writer.key("Arn").string(identity.arn);
  writer.end_object();
  return reply;
}

Result<Reply> Sts::get_access_key_info(Call& call) {
  if (!core::access_keys::valid_id(call.fields().text("AccessKeyId"))) return wrong("AccessKeyId must be 16 to 128 letters, digits and '_'.");
  Reply reply;
  json::Writer(reply.data).begin_object().key("Account").string(core::aws::kAccount).end_object();
  return reply;
}

Result<Reply> Sts::get_session_token(Call& call) {
  TRY(check_refused(call.fields(), {"SerialNumber", "TokenCode"}));
  if (temporary(call)) return Error{Code::kDenied, "Cannot call GetSessionToken with session credentials.", "AccessDenied"};
  TRY_ASSIGN(const std::int64_t ttl_s, duration_of(call, kOwnSecondsDefault, kOwnSecondsMin, kOwnSecondsMax));
  const core::records::Token& key = *call.principal().token;
  Spec spec;
  spec.arn = key.principal_arn();
  spec.id = key.principal_id();
  spec.ttl_s = ttl_s;
  spec.policies.assign(key.policies().begin(), key.policies().end());
  spec.bound_cidrs.assign(key.bound_cidrs().begin(), key.bound_cidrs().end());
  spec.mount_id = key.mount_id();
  spec.path = key.path();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  TRY(append_credentials(writer, call, std::move(spec), reply.audit_members));
  writer.end_object();
  return reply;
}

Result<Reply> Sts::assume_role(Call& call) {
  TRY(check_refused(call.fields(), {"Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "SourceIdentity", "SerialNumber", "TokenCode"}));
  TRY_ASSIGN(const std::string name, role_name_of(call.fields()));
  TRY_ASSIGN(const std::string session_name, session_name_of(call.fields()));
  TRY_ASSIGN(const auto found, aws_roles::find(call, name));
  if (found.role == nullptr) return denied();
  TRY_ASSIGN(const bool may, may_assume(call, found));
  if (!may) return denied();
  const std::int64_t most = temporary(call) ? std::min(kChainedSecondsMax, found.role->max_session_s()) : found.role->max_session_s();
  TRY_ASSIGN(const std::int64_t ttl_s,
             duration_of(call, std::min(aws_roles::kSessionSecondsDefault, most), aws_roles::kSessionSecondsMin, most));
  Spec spec;
  spec.arn = std::string(core::aws::kSessionArn).append(name).append("/").append(session_name);
  spec.id = found.role->unique_id() + ":" + session_name;
  spec.ttl_s = ttl_s;
  spec.policies.assign(found.role->policies().begin(), found.role->policies().end());
  spec.bound_cidrs.assign(found.role->bound_cidrs().begin(), found.role->bound_cidrs().end());
  spec.mount_id = found.mount->record.id();
  spec.path = found.mount->record.path() + "role/" + name;
  const std::string arn = spec.arn;
  const std::string id = spec.id;
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  TRY(append_credentials(writer, call, std::move(spec), reply.audit_members));
  writer.key("AssumedRoleUser").begin_object();
  writer.key("AssumedRoleId").string(id).key("Arn").string(arn).end_object();
  writer.end_object();
  return reply;
}

}  // namespace keyhold::auth
