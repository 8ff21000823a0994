#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/policy/capability.h"

/// What AWS's operations are called in policies, and what each stands for on Vault's paths: the one table for both directions.
namespace keyhold::core::iam {

/// Index into kActions.
enum class Action : std::uint8_t {
  kBatchGetSecretValue,
  kCancelRotateSecret,
  kCreateSecret,
  kDeleteResourcePolicy,
  kDeleteSecret,
  kDescribeSecret,
  kGetRandomPassword,
  kGetResourcePolicy,
  kGetSecretValue,
  kListSecretVersionIds,
  kListSecrets,
  kPutResourcePolicy,
  kPutSecretValue,
  kRemoveRegionsFromReplication,
  kReplicateSecretToRegions,
  kRestoreSecret,
  kRotateSecret,
  kStopReplicationToReplica,
  kTagResource,
  kUntagResource,
  kUpdateSecret,
  kUpdateSecretVersionStage,
  kValidateResourcePolicy,
  kAssumeRole,
  kTagSession,
  kSetSourceIdentity,
  kGetSessionToken,
  kGetCallerIdentity,
};

/// What a statement's Resource is compared with.
enum class ActionResource : std::uint8_t {
  kSecret,  // The secret's ARN.
  kRole,    // The role's ARN.
  kNone,    // "*": AWS knows no resource for it, so that only "*" as a Resource fits.
};

/// A capability on a path below a KV v2 mount: `folder`, then the secret's name.
struct VaultNeed {
  std::string_view folder;  // "data/".
  Capability capability;
};

struct ActionRule {
  Action action;
  std::string_view name;  // As in policies.
  ActionResource resource;
  std::optional<VaultNeed> need;  // nullopt = any valid principal may, as far as Vault's policies go.
};

inline constexpr std::size_t kSecretsManagerActions = 23;
inline constexpr std::array kActions{
    // Each item of a batch needs GetSecretValue beside this.
    ActionRule{Action::kBatchGetSecretValue, "secretsmanager:BatchGetSecretValue", ActionResource::kNone, {}},
    ActionRule{Action::kCancelRotateSecret, "secretsmanager:CancelRotateSecret", ActionResource::kSecret,
               VaultNeed{"rotate/", Capability::kUpdate}},
    ActionRule{Action::kCreateSecret, "secretsmanager:CreateSecret", ActionResource::kSecret,
               VaultNeed{"data/", Capability::kCreate}},
    ActionRule{Action::kDeleteResourcePolicy, "secretsmanager:DeleteResourcePolicy", ActionResource::kSecret,
               VaultNeed{"policy/", Capability::kDelete}},
    ActionRule{Action::kDeleteSecret, "secretsmanager:DeleteSecret", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kDelete}},
    ActionRule{Action::kDescribeSecret, "secretsmanager:DescribeSecret", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kRead}},
    ActionRule{Action::kGetRandomPassword, "secretsmanager:GetRandomPassword", ActionResource::kNone, {}},
    ActionRule{Action::kGetResourcePolicy, "secretsmanager:GetResourcePolicy", ActionResource::kSecret,
               VaultNeed{"policy/", Capability::kRead}},
    ActionRule{Action::kGetSecretValue, "secretsmanager:GetSecretValue", ActionResource::kSecret,
               VaultNeed{"data/", Capability::kRead}},
    ActionRule{Action::kListSecretVersionIds, "secretsmanager:ListSecretVersionIds", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kRead}},
    ActionRule{Action::kListSecrets, "secretsmanager:ListSecrets", ActionResource::kNone,
               VaultNeed{"metadata/", Capability::kList}},
    ActionRule{Action::kPutResourcePolicy, "secretsmanager:PutResourcePolicy", ActionResource::kSecret,
               VaultNeed{"policy/", Capability::kUpdate}},
    ActionRule{Action::kPutSecretValue, "secretsmanager:PutSecretValue", ActionResource::kSecret,
               VaultNeed{"data/", Capability::kUpdate}},
    ActionRule{Action::kRemoveRegionsFromReplication, "secretsmanager:RemoveRegionsFromReplication", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kUpdate}},
    ActionRule{Action::kReplicateSecretToRegions, "secretsmanager:ReplicateSecretToRegions", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kUpdate}},
    ActionRule{Action::kRestoreSecret, "secretsmanager:RestoreSecret", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kUpdate}},
    ActionRule{Action::kRotateSecret, "secretsmanager:RotateSecret", ActionResource::kSecret,
               VaultNeed{"rotate/", Capability::kUpdate}},
    ActionRule{Action::kStopReplicationToReplica, "secretsmanager:StopReplicationToReplica", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kUpdate}},
    ActionRule{Action::kTagResource, "secretsmanager:TagResource", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kUpdate}},
    ActionRule{Action::kUntagResource, "secretsmanager:UntagResource", ActionResource::kSecret,
               VaultNeed{"metadata/", Capability::kUpdate}},
    // Of its description or key alone, too: who may write a secret may describe it.
    ActionRule{Action::kUpdateSecret, "secretsmanager:UpdateSecret", ActionResource::kSecret,
               VaultNeed{"data/", Capability::kUpdate}},
    ActionRule{Action::kUpdateSecretVersionStage, "secretsmanager:UpdateSecretVersionStage", ActionResource::kSecret,
               VaultNeed{"data/", Capability::kUpdate}},
    ActionRule{Action::kValidateResourcePolicy, "secretsmanager:ValidateResourcePolicy", ActionResource::kSecret,
               VaultNeed{"policy/", Capability::kRead}},
    // Of STS: what trust policies are asked about, and what needs no secret. Vault's policies do not speak of them.
    ActionRule{Action::kAssumeRole, "sts:AssumeRole", ActionResource::kRole, {}},
    ActionRule{Action::kTagSession, "sts:TagSession", ActionResource::kRole, {}},
    ActionRule{Action::kSetSourceIdentity, "sts:SetSourceIdentity", ActionResource::kRole, {}},
    ActionRule{Action::kGetSessionToken, "sts:GetSessionToken", ActionResource::kNone, {}},
    ActionRule{Action::kGetCallerIdentity, "sts:GetCallerIdentity", ActionResource::kNone, {}},
};

using ActionSet = std::bitset<kActions.size()>;

constexpr const ActionRule& rule_of(Action action) { return kActions[static_cast<std::size_t>(action)]; }

/// `name` as in policies, or of Secrets Manager as on the wire: "secretsmanager:GetSecretValue", "secretsmanager.GetSecretValue".
/// nullopt for what is no action here.
constexpr std::optional<Action> action_of(std::string_view name) {
  for (const ActionRule& rule : kActions) {
    const std::size_t colon = rule.name.find(':');
    const bool same_ends = name.size() == rule.name.size() && name.substr(0, colon) == rule.name.substr(0, colon) &&
                           name.substr(colon + 1) == rule.name.substr(colon + 1);
    if (same_ends && (name[colon] == ':' || name[colon] == '.')) return rule.action;
  }
  return std::nullopt;
}

/// What a request on a path below a KV v2 mount stands for: all of the actions.
struct PathRule {
  VaultNeed request;
  std::array<Action, 2> actions;  // The same twice where there is one.
};

inline constexpr std::array kPathRules{
    PathRule{{"data/", Capability::kRead}, {Action::kGetSecretValue, Action::kGetSecretValue}},
    PathRule{{"data/", Capability::kCreate}, {Action::kCreateSecret, Action::kCreateSecret}},
    PathRule{{"data/", Capability::kUpdate}, {Action::kPutSecretValue, Action::kPutSecretValue}},
    PathRule{{"data/", Capability::kPatch}, {Action::kPutSecretValue, Action::kPutSecretValue}},
    PathRule{{"data/", Capability::kDelete}, {Action::kDeleteSecret, Action::kDeleteSecret}},
    PathRule{{"subkeys/", Capability::kRead}, {Action::kGetSecretValue, Action::kGetSecretValue}},
    PathRule{{"delete/", Capability::kUpdate}, {Action::kDeleteSecret, Action::kDeleteSecret}},
    PathRule{{"destroy/", Capability::kUpdate}, {Action::kDeleteSecret, Action::kDeleteSecret}},
    PathRule{{"undelete/", Capability::kUpdate}, {Action::kRestoreSecret, Action::kRestoreSecret}},
    PathRule{{"metadata/", Capability::kRead}, {Action::kDescribeSecret, Action::kDescribeSecret}},
    PathRule{{"metadata/", Capability::kList}, {Action::kListSecrets, Action::kListSecrets}},
    PathRule{{"metadata/", Capability::kScan}, {Action::kListSecrets, Action::kListSecrets}},
    PathRule{{"metadata/", Capability::kCreate}, {Action::kUpdateSecret, Action::kTagResource}},
    PathRule{{"metadata/", Capability::kUpdate}, {Action::kUpdateSecret, Action::kTagResource}},
    PathRule{{"metadata/", Capability::kPatch}, {Action::kUpdateSecret, Action::kTagResource}},
    PathRule{{"metadata/", Capability::kDelete}, {Action::kDeleteSecret, Action::kDeleteSecret}},
    PathRule{{"policy/", Capability::kRead}, {Action::kGetResourcePolicy, Action::kGetResourcePolicy}},
    PathRule{{"policy/", Capability::kCreate}, {Action::kPutResourcePolicy, Action::kPutResourcePolicy}},
    PathRule{{"policy/", Capability::kUpdate}, {Action::kPutResourcePolicy, Action::kPutResourcePolicy}},
    PathRule{{"policy/", Capability::kDelete}, {Action::kDeleteResourcePolicy, Action::kDeleteResourcePolicy}},
    PathRule{{"rotate/", Capability::kRead}, {Action::kDescribeSecret, Action::kDescribeSecret}},
    PathRule{{"rotate/", Capability::kDelete}, {Action::kCancelRotateSecret, Action::kCancelRotateSecret}},
    PathRule{{"rotate/", Capability::kCreate}, {Action::kRotateSecret, Action::kRotateSecret}},
    PathRule{{"rotate/", Capability::kUpdate}, {Action::kRotateSecret, Action::kRotateSecret}},
};

}  // namespace keyhold::core::iam
