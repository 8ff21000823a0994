#include "core/iam_access.h"

#include <algorithm>
#include <array>

#include "base/time_format.h"
#include "core/aws_names.h"
#include "core/secret.h"

namespace keyhold::core {
namespace {

using iam::ConditionKey;
using iam::Context;
using iam::Decision;

bool speaks_of(const MountPoint& mount) { return mount.record.path() == aws::kMount && mount.engine == aws::kMountEngine; }

/// Whether any policy of IAM's can have a say about the secrets of the request's mount.
bool applies(const Call& call) {
  if (!call.has_mount() || !speaks_of(call.mount()) || call.principal().root()) return false;
  return !call.principal().iam.empty() || call.mount().record.has_resource_policies();
}

/// The same of an operation by name, which may be about no mount at all.
bool applies(const Call& call, const Target& target) {
  if (!target.action || call.principal().root()) return false;
  return call.has_mount() ? applies(call) : !call.principal().iam.empty();
}

std::string region_of(const Request& request) {
  return request.region.empty() ? std::string(aws::kDefaultRegion) : request.region;
}

std::vector<const iam::Policy*> policies_of(const Principal& principal, const iam::Policy* of_resource) {
  std::vector<const iam::Policy*> policies;
  for (const auto& policy : principal.iam) policies.push_back(policy.get());
  if (of_resource != nullptr) policies.push_back(of_resource);
  return policies;
}

void set_secret(Context& context, const Request& request, const records::Secret& head) {
  const std::string name = aws::name_of(head.name()).value_or(head.name());
  context.set(ConditionKey::kSecretId, iam::secret_arn(region_of(request), aws::kAccount, name, aws::arn_suffix(head.id())));
  context.set_absent(ConditionKey::kResourceTag);  // But for those it has.
  for (const auto& [key, value] : head.tags()) context.set_tag(ConditionKey::kResourceTag, key, value);
}

/// What is known of every request.
void set_request(Context& context, const Call& call, const IamIdentity& identity) {
  const Request& request = call.request();
  context.set_time(call.now());
  context.set_principal(identity.principal());
  context.set(ConditionKey::kSourceIp, request.peer_address);
  context.set(ConditionKey::kSecureTransport, request.secure ? "true" : "false");
  context.set(ConditionKey::kRequestedRegion, region_of(request));
  context.set(ConditionKey::kResourceAccount, aws::kAccount);
  context.set(ConditionKey::kUserId, identity.user_id);
  if (identity.role_arn.empty()) {
    context.set(ConditionKey::kUserName, identity.user_name);
  } else {
    context.set_absent(ConditionKey::kUserName);
  }
  const records::Token& token = *call.principal().token;
  if (token.principal_arn().starts_with(aws::kSessionArn)) {
    context.set(ConditionKey::kTokenIssueTime, format_rfc3339(token.created_ms()));
  } else {
    context.set_absent(ConditionKey::kTokenIssueTime);
  }
}

/// The inputs of an AWS operation that are one value each.
void set_scalars(Context& context, const FieldValues& fields) {
  struct Input {
    std::string_view field;
    ConditionKey key;
  };
  static constexpr std::array kInputs{Input{"Name", ConditionKey::kSecretName},
                                      Input{"Description", ConditionKey::kDescription},
                                      Input{"ExternalId", ConditionKey::kExternalId},
                                      Input{"RoleSessionName", ConditionKey::kRoleSessionName},
                                      Input{"KmsKeyId", ConditionKey::kKmsKeyId},
                                      Input{"VersionId", ConditionKey::kVersionId},
                                      Input{"VersionStage", ConditionKey::kVersionStage},
                                      Input{"RotationLambdaARN", ConditionKey::kRotationLambdaArn},
                                      Input{"RecoveryWindowInDays", ConditionKey::kRecoveryWindowInDays},
                                      Input{"ForceDeleteWithoutRecovery", ConditionKey::kForceDeleteWithoutRecovery},
                                      Input{"BlockPublicPolicy", ConditionKey::kBlockPublicPolicy},
                                      Input{"ForceOverwriteReplicaSecret", ConditionKey::kForceOverwriteReplicaSecret}};
  for (const Input& input : kInputs) {
    if (!fields.has(input.field)) continue;
    const auto raw = fields.raw(input.field);
    auto text = raw->json && raw->json->is_string() ? raw->json->as_string()
                                                    : Result<std::string>(raw->json ? std::string(raw->json->raw()) : std::string(raw->text));
    if (text.ok()) {
      context.set(input.key, *text);
    } else {
      context.set_unknown(input.key);
    }
  }
}

/// The elements of an input that is an array; none when it is something else, which its handler refuses.
std::vector<json::Value> elements_of(const FieldValues& fields, std::string_view name) {
  const auto body = fields.body();
  const auto array = body ? body->find(name) : std::nullopt;
  std::vector<json::Value> elements;
  for (std::size_t i = 0; array && array->is_array() && i < array->size(); ++i) elements.push_back(array->at(i));
  return elements;
}

std::optional<json::Value> member_of(json::Value element, std::string_view name) {
  return element.is_object() ? element.find(name) : std::nullopt;
}

/// Tags that are set, and the keys of those that are set or removed.
void set_tags(Context& context, const FieldValues& fields) {
  std::vector<std::string> tag_keys;
  for (const json::Value tag : elements_of(fields, "Tags")) {
    const auto key = member_of(tag, "Key");
    const auto value = member_of(tag, "Value");
    const auto key_text = key ? key->as_string() : Result<std::string>(Error{});
    const auto value_text = value ? value->as_string() : Result<std::string>(std::string());
    if (!key_text.ok() || !value_text.ok()) {
      context.set_unknown(ConditionKey::kRequestTag).set_unknown(ConditionKey::kTagKeys);
      return;
    }
    context.set_tag(ConditionKey::kRequestTag, *key_text, *value_text);
    tag_keys.push_back(*key_text);
  }
  for (const json::Value removed : elements_of(fields, "TagKeys")) {
    if (const auto key = removed.as_string(); key.ok()) tag_keys.push_back(*key);
  }
  context.set_all(ConditionKey::kTagKeys, std::move(tag_keys));
}

void set_regions(Context& context, const FieldValues& fields) {
  std::vector<std::string> regions;
  for (const json::Value replica : elements_of(fields, "AddReplicaRegions")) {
    const auto region = member_of(replica, "Region");
    if (const auto text = region ? region->as_string() : Result<std::string>(Error{}); text.ok()) regions.push_back(*text);
  }
  context.set_all(ConditionKey::kAddReplicaRegions, std::move(regions));
}

/// The inputs of an AWS operation that conditions can ask about, by their names.
void set_inputs(Context& context, const FieldValues& fields) {
  set_scalars(context, fields);
  set_tags(context, fields);
  set_regions(context, fields);
}

}  // namespace

iam::Principal IamIdentity::principal() const {
  return {.account = aws::kAccount, .arn = arn, .role_arn = role_arn};
}

IamIdentity iam_identity_of(const records::Token& token) {
  IamIdentity identity;
  identity.arn = token.principal_arn();
  identity.user_id = token.principal_id();
  if (identity.arn.empty()) {
    // Not by its display name, which whoever makes a token may choose.
    identity.user_name = "token/" + token.accessor();
    identity.user_id = token.accessor();
    identity.arn = std::string(aws::kUserArn) + identity.user_name;
  } else if (identity.arn.starts_with(aws::kSessionArn)) {
    const std::string_view rest = std::string_view(identity.arn).substr(aws::kSessionArn.size());
    identity.role_arn = std::string(aws::kRoleArn).append(rest.substr(0, rest.rfind('/')));
  } else if (identity.arn.starts_with(aws::kUserArn)) {
    identity.user_name = identity.arn.substr(aws::kUserArn.size());
  }
  return identity;
}

Result<std::shared_ptr<const iam::Policy>> ResourcePolicies::parsed(const std::string& text) {
  {
    MutexLock lock(mutex_);
    if (const auto known = policies_.find(text); known != policies_.end()) return known->second;
  }
  auto policy = iam::parse_policy(text, iam::PolicyKind::kResource);
  if (!policy.ok()) return Error{Code::kCorrupt, "the policy on a secret cannot be read by this program"};
  auto kept = std::make_shared<const iam::Policy>(std::move(*policy));
  MutexLock lock(mutex_);
  if (policies_.size() >= kMax) policies_.clear();
  policies_.insert_or_assign(text, kept);
  return kept;
}

Result<std::shared_ptr<const iam::Policy>> resource_policy_of(const Call& call, const records::Secret& head) {
  if (head.resource_policy().empty()) return std::shared_ptr<const iam::Policy>();
  return call.session().resource_policies->parsed(head.resource_policy());
}

Result<Decision> iam_decision_on_path(Call& call, Capability capability) {
  if (!applies(call)) return Decision::kNeither;
  std::string below(call.path().substr(std::min(call.mount().record.path().size(), call.path().size())));
  const std::size_t slash = std::min(below.find('/'), below.size());
  const std::string name = below.substr(std::min(slash + 1, below.size()));
  const IamIdentity identity = iam_identity_of(*call.principal().token);
  Context context(Context::Unset::kUnknown);
  set_request(context, call, identity);
  std::shared_ptr<const iam::Policy> of_resource;
  std::string suffix;
  if (!name.empty() && !name.ends_with('/')) {
    TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), name));
    if (head != nullptr) {
      TRY_ASSIGN(of_resource, resource_policy_of(call, *head));
      suffix = aws::arn_suffix(head->id());
      set_secret(context, call.request(), *head);
    }
    // What AWS cannot name keeps the name it has: a policy on "*" means it too.
    if (auto aws_name = aws::name_of(name)) below = below.substr(0, slash + 1) + *aws_name;
  }
  const std::string region = region_of(call.request());
  const auto policies = policies_of(call.principal(), of_resource.get());
  return iam::decide_path(policies, {.region = region, .account = aws::kAccount},
                          {.path = below, .capability = capability, .suffix = suffix, .principal = identity.principal()}, context);
}

namespace {

Result<Decision> decision_on(Call& call, const Target& target) {
  if (!applies(call, target)) return Decision::kNeither;
  const IamIdentity identity = iam_identity_of(*call.principal().token);
  Context context;
  set_request(context, call, identity);
  set_inputs(context, call.fields());
  std::shared_ptr<const iam::Policy> of_resource;
  std::string suffix;
  if (target.head != nullptr) {
    TRY_ASSIGN(of_resource, resource_policy_of(call, *target.head));
    suffix = aws::arn_suffix(target.head->id());
    set_secret(context, call.request(), *target.head);
  }
  const std::string region = region_of(call.request());
  const auto policies = policies_of(call.principal(), of_resource.get());
  iam::SecretResource resource;
  switch (iam::rule_of(*target.action).resource) {
    case iam::ActionResource::kSecret:
      resource = iam::secret_resource({.region = region, .account = aws::kAccount}, target.aws_name, suffix);
      break;
    case iam::ActionResource::kRole: resource.arn = std::string(aws::kRoleArn).append(target.aws_name); break;
    case iam::ActionResource::kNone: resource.arn = "*"; break;
  }
  return iam::decide(policies, {.action = *target.action, .resource = resource.subject(), .principal = identity.principal()}, context);
}

}  // namespace

Decision trust_decision(Call& call, const iam::Policy& trust, iam::Action action) {
  const IamIdentity identity = iam_identity_of(*call.principal().token);
  Context context;
  set_request(context, call, identity);
  set_inputs(context, call.fields());
  const iam::Policy* const policies[] = {&trust};
  return iam::decide(policies, {.action = action, .resource = {"*", 0}, .principal = identity.principal()}, context);
}

Result<bool> permits(Call& call, const Target& target) {
  const Principal& principal = call.principal();
  if (principal.root()) return true;
  TRY_ASSIGN(const Decision decision, decision_on(call, target));
  if (target.need == Target::Need::kUnlessDenied) return decision != Decision::kDeny;
  const Grant grant = principal.policies.lookup(target.path, asked_with(target.capability));
  if (!iam::permits(grant, target.capability, decision)) return false;
  return decision == Decision::kAllow || grant.restrictions == nullptr;
}

}  // namespace keyhold::core
