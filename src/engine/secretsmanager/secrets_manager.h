#pragma once

#include <array>
#include <string_view>

#include "core/call.h"
#include "core/route.h"
#include "engine/secretsmanager/fields.h"

namespace keyhold::engine {

/// AWS Secrets Manager's operations on the secret object of core/secret.h.
///
/// One object; it has no state.
/// source   AWS Secrets Manager API reference.
class SecretsManager {
 public:
  // value_operations.cc
  Result<core::Reply> create_secret(core::Call& call);
  Result<core::Reply> get_secret_value(core::Call& call);
  Result<core::Reply> batch_get_secret_value(core::Call& call);
  Result<core::Reply> put_secret_value(core::Call& call);
  Result<core::Reply> update_secret(core::Call& call);

  // version_operations.cc
  Result<core::Reply> list_secret_version_ids(core::Call& call);
  Result<core::Reply> update_secret_version_stage(core::Call& call);

  // list_operations.cc
  Result<core::Reply> describe_secret(core::Call& call);
  Result<core::Reply> list_secrets(core::Call& call);

  // life_operations.cc
  Result<core::Reply> delete_secret(core::Call& call);
  Result<core::Reply> restore_secret(core::Call& call);
  Result<core::Reply> tag_resource(core::Call& call);
  Result<core::Reply> untag_resource(core::Call& call);

  // replica_operations.cc
  Result<core::Reply> replicate_secret_to_regions(core::Call& call);
  Result<core::Reply> remove_regions_from_replication(core::Call& call);
  Result<core::Reply> stop_replication_to_replica(core::Call& call);

  // resource_policy_operations.cc
  Result<core::Reply> delete_resource_policy(core::Call& call);
  Result<core::Reply> get_resource_policy(core::Call& call);
  Result<core::Reply> put_resource_policy(core::Call& call);
  Result<core::Reply> validate_resource_policy(core::Call& call);

  // rotation_operations.cc
  Result<core::Reply> rotate_secret(core::Call& call);
  Result<core::Reply> cancel_rotate_secret(core::Call& call);
  Result<core::Reply> get_random_password(core::Call& call);

  // targets.cc: what each needs, by core/policy/iam_actions.h.
  Result<std::vector<core::Target>> of_secret(core::Call& call);
  Result<std::vector<core::Target>> of_new_secret(core::Call& call);
  Result<std::vector<core::Target>> of_several(core::Call& call);
  Result<std::vector<core::Target>> of_list(core::Call& call);
  Result<std::vector<core::Target>> of_policy_text(core::Call& call);
  Result<std::vector<core::Target>> of_no_secret(core::Call& call);

 private:
  static constexpr auto& operation = core::operation_route<SecretsManager>;

 public:
  static constexpr std::array kRoutes{
      operation("BatchGetSecretValue", secretsmanager::kBatchFields, core::Cost::kDisk, &SecretsManager::batch_get_secret_value,
                &SecretsManager::of_several, "Read the values of several secrets, by their ids or by filters."),
      operation("CancelRotateSecret", secretsmanager::kSecretIdFields, core::Cost::kDisk, &SecretsManager::cancel_rotate_secret,
                &SecretsManager::of_secret, "Turn a secret's rotation off, and end one that is in hand."),
      operation("CreateSecret", secretsmanager::kCreateFields, core::Cost::kDisk, &SecretsManager::create_secret,
                &SecretsManager::of_new_secret, "Make a secret, with a value or without."),
      operation("DeleteResourcePolicy", secretsmanager::kSecretIdFields, core::Cost::kDisk,
                &SecretsManager::delete_resource_policy, &SecretsManager::of_secret, "Remove the policy on a secret."),
      operation("DeleteSecret", secretsmanager::kDeleteFields, core::Cost::kDisk, &SecretsManager::delete_secret,
                &SecretsManager::of_secret,
                "Mark a secret for deletion after its recovery window, or erase it now."),
      operation("DescribeSecret", secretsmanager::kSecretIdFields, core::Cost::kCached, &SecretsManager::describe_secret,
                &SecretsManager::of_secret, "Tell all of a secret but its values."),
      operation("GetRandomPassword", secretsmanager::kRandomPasswordFields, core::Cost::kDisk,
                &SecretsManager::get_random_password, &SecretsManager::of_no_secret, "Make a password; nothing is kept of it."),
      operation("GetResourcePolicy", secretsmanager::kSecretIdFields, core::Cost::kDisk,
                &SecretsManager::get_resource_policy, &SecretsManager::of_secret, "Tell the policy on a secret."),
      operation("GetSecretValue", secretsmanager::kGetFields, core::Cost::kCached, &SecretsManager::get_secret_value,
                &SecretsManager::of_secret,
                "Read one version's value: the one of an id or a staging label, or the current one."),
      operation("ListSecretVersionIds", secretsmanager::kListVersionsFields, core::Cost::kCached,
                &SecretsManager::list_secret_version_ids, &SecretsManager::of_secret,
                "List the versions of a secret."),
      operation("ListSecrets", secretsmanager::kListFields, core::Cost::kDisk, &SecretsManager::list_secrets,
                &SecretsManager::of_list, "List secrets, of which those are told that the caller may describe."),
      operation("PutResourcePolicy", secretsmanager::kPutPolicyFields, core::Cost::kDisk,
                &SecretsManager::put_resource_policy, &SecretsManager::of_secret, "Put a policy on a secret."),
      operation("PutSecretValue", secretsmanager::kPutFields, core::Cost::kDisk, &SecretsManager::put_secret_value,
                &SecretsManager::of_secret, "Add a version with a value, and move staging labels to it."),
      operation("RemoveRegionsFromReplication", secretsmanager::kRemoveRegionsFields, core::Cost::kDisk,
                &SecretsManager::remove_regions_from_replication, &SecretsManager::of_secret,
                "Take a secret out of regions."),
      operation("ReplicateSecretToRegions", secretsmanager::kAddRegionsFields, core::Cost::kDisk,
                &SecretsManager::replicate_secret_to_regions, &SecretsManager::of_secret,
                "Show a secret in further regions."),
      operation("RestoreSecret", secretsmanager::kSecretIdFields, core::Cost::kDisk, &SecretsManager::restore_secret,
                &SecretsManager::of_secret, "Take the mark for deletion off a secret."),
      operation("RotateSecret", secretsmanager::kRotateFields, core::Cost::kDisk, &SecretsManager::rotate_secret,
                &SecretsManager::of_secret, "Set how a secret rotates, and rotate it now or at its next time."),
      operation("StopReplicationToReplica", secretsmanager::kSecretIdFields, core::Cost::kDisk,
                &SecretsManager::stop_replication_to_replica, &SecretsManager::of_secret,
                "Let go of the replica in the region that is asked."),
      operation("TagResource", secretsmanager::kTagFields, core::Cost::kDisk, &SecretsManager::tag_resource,
                &SecretsManager::of_secret, "Set tags."),
      operation("UntagResource", secretsmanager::kUntagFields, core::Cost::kDisk, &SecretsManager::untag_resource,
                &SecretsManager::of_secret, "Remove tags."),
      operation("UpdateSecret", secretsmanager::kUpdateFields, core::Cost::kDisk, &SecretsManager::update_secret,
                &SecretsManager::of_secret, "Set description or key, and a new current value."),
      operation("UpdateSecretVersionStage", secretsmanager::kUpdateStageFields, core::Cost::kDisk,
                &SecretsManager::update_secret_version_stage, &SecretsManager::of_secret,
                "Move a staging label from one version to another, or remove it."),
      operation("ValidateResourcePolicy", secretsmanager::kValidatePolicyFields, core::Cost::kDisk,
                &SecretsManager::validate_resource_policy, &SecretsManager::of_policy_text, "Tell whether a policy could be put on a secret."),
  };
};

}  // namespace keyhold::engine
