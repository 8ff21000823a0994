#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/route.h"

/// The inputs of AWS Secrets Manager's operations, by the names that its clients send.
namespace keyhold::engine::secretsmanager {

constexpr core::Field clear(std::string_view name, core::FieldType type, std::string_view help) {
  return {.name = name, .type = type, .audit = core::Audit::kClear, .help = help};
}
constexpr core::Field hashed(std::string_view name, core::FieldType type, std::string_view help) {
  return {.name = name, .type = type, .help = help};
}

using core::FieldType;

inline constexpr core::Field kSecretId = clear("SecretId", FieldType::kString, "Name or ARN of the secret.");
inline constexpr core::Field kClientRequestToken =
    clear("ClientRequestToken", FieldType::kString, "Id of the new version: the same again is the same request.");
inline constexpr core::Field kSecretString = hashed("SecretString", FieldType::kString, "The value, a text.");
inline constexpr core::Field kSecretBinary = hashed("SecretBinary", FieldType::kString, "The value, bytes in base64.");
inline constexpr core::Field kDescription = hashed("Description", FieldType::kString, "A note for people.");
inline constexpr core::Field kKmsKeyId = clear("KmsKeyId", FieldType::kString, "Kept for whoever reads it back: the barrier's keys encrypt.");
inline constexpr core::Field kTags = hashed("Tags", FieldType::kArray, "Objects with Key and Value.");
inline constexpr core::Field kMaxResults = clear("MaxResults", FieldType::kInteger, "How many a page has at most.");
inline constexpr core::Field kNextToken = hashed("NextToken", FieldType::kString, "Of the page before.");
inline constexpr core::Field kFilters = hashed("Filters", FieldType::kArray, "Objects with Key and Values, all of which must hold.");
inline constexpr core::Field kAddReplicaRegions = clear("AddReplicaRegions", FieldType::kArray, "Objects with Region and KmsKeyId.");
inline constexpr core::Field kForceOverwrite =
    clear("ForceOverwriteReplicaSecret", FieldType::kBoolean, "Of no effect: a replica cannot collide with another secret here.");
inline constexpr core::Field kType = clear("Type", FieldType::kString, "Refused: secrets that partners manage are not offered.");
inline constexpr core::Field kIncludePlannedDeletion =
    clear("IncludePlannedDeletion", FieldType::kBoolean, "Tell those too that are marked for deletion.");
inline constexpr core::Field kSortOrder = clear("SortOrder", FieldType::kString, "asc or desc.");

inline constexpr std::array kSecretIdFields{kSecretId};
inline constexpr std::array kCreateFields{clear("Name", FieldType::kString, "Name of the secret."),
                                          kClientRequestToken,
                                          kDescription,
                                          kKmsKeyId,
                                          kSecretBinary,
                                          kSecretString,
                                          kTags,
                                          kAddReplicaRegions,
                                          kForceOverwrite,
                                          kType};
inline constexpr std::array kGetFields{kSecretId, clear("VersionId", FieldType::kString, "Of the version."),
                                       clear("VersionStage", FieldType::kString, "Staging label of the version.")};
inline constexpr std::array kBatchFields{clear("SecretIdList", FieldType::kStringList, "Names or ARNs."), kFilters, kMaxResults, kNextToken};
inline constexpr std::array kPutFields{kSecretId,
                                       kClientRequestToken,
                                       kSecretBinary,
                                       kSecretString,
                                       clear("VersionStages", FieldType::kStringList, "Staging labels that move to it; AWSCURRENT if none are given."),
                                       hashed("RotationToken", FieldType::kString, "Of a rotation function: not looked at.")};
inline constexpr std::array kUpdateFields{kSecretId, kClientRequestToken, kDescription, kKmsKeyId, kSecretBinary, kSecretString, kType};
inline constexpr std::array kListVersionsFields{
    kSecretId, kMaxResults, kNextToken,
    clear("IncludeDeprecated", FieldType::kBoolean, "Tell those too that have no staging label.")};
inline constexpr std::array kUpdateStageFields{kSecretId, clear("VersionStage", FieldType::kString, "The label."),
                                               clear("MoveToVersionId", FieldType::kString, "Version that gets it."),
                                               clear("RemoveFromVersionId", FieldType::kString, "Version that has it.")};
inline constexpr std::array kListFields{kFilters,
                                        kIncludePlannedDeletion,
                                        kMaxResults,
                                        kNextToken,
                                        clear("SortBy", FieldType::kString, "created-date, last-accessed-date, last-changed-date or name."),
                                        kSortOrder};
inline constexpr std::array kDeleteFields{
    kSecretId, clear("RecoveryWindowInDays", FieldType::kInteger, "7 to 30; 30 if not given."),
    clear("ForceDeleteWithoutRecovery", FieldType::kBoolean, "Erase it now.")};
inline constexpr std::array kTagFields{kSecretId, kTags};
inline constexpr std::array kUntagFields{kSecretId, hashed("TagKeys", FieldType::kArray, "Keys of the tags.")};
inline constexpr std::array kAddRegionsFields{kSecretId, kAddReplicaRegions, kForceOverwrite};
inline constexpr std::array kRemoveRegionsFields{kSecretId, clear("RemoveReplicaRegions", FieldType::kStringList, "Names of regions.")};

inline constexpr core::Field kResourcePolicy = clear("ResourcePolicy", FieldType::kString, "A policy in AWS's JSON, as a text.");
inline constexpr std::array kPutPolicyFields{
    kSecretId, kResourcePolicy, clear("BlockPublicPolicy", FieldType::kBoolean, "Refuse one that lets everybody in.")};
inline constexpr std::array kValidatePolicyFields{kSecretId, kResourcePolicy};

inline constexpr std::array kRotateFields{
    kSecretId, kClientRequestToken,
    clear("RotationLambdaARN", FieldType::kString, "ARN of a Lambda function, whose name is that of a rotator."),
    clear("RotationRules", FieldType::kObject, "AutomaticallyAfterDays or ScheduleExpression, and Duration."),
    clear("RotateImmediately", FieldType::kBoolean, "Rotate now, which is the default; else the rotator is only tried."),
    hashed("ExternalSecretRotationMetadata", FieldType::kArray, "Of secrets that partners manage: of no effect."),
    hashed("ExternalSecretRotationRoleArn", FieldType::kString, "The same.")};
inline constexpr std::array kRandomPasswordFields{
    clear("PasswordLength", FieldType::kInteger, "1 to 4096; 32 if not given."),
    clear("ExcludeCharacters", FieldType::kString, "Characters that are not to be in it."),
    clear("ExcludeLowercase", FieldType::kBoolean, "No lower-case letters."),
    clear("ExcludeUppercase", FieldType::kBoolean, "No upper-case letters."),
    clear("ExcludeNumbers", FieldType::kBoolean, "No digits."),
    clear("ExcludePunctuation", FieldType::kBoolean, "No punctuation."),
    clear("IncludeSpace", FieldType::kBoolean, "Spaces may be in it."),
    clear("RequireEachIncludedType", FieldType::kBoolean, "At least one of each kind, which is the default.")};

/// A row of a table of operations.
template <typename Engine>
constexpr core::Route<Engine> operation(std::string_view name, std::span<const core::Field> fields, core::Cost cost,
                                        Result<core::Reply> (Engine::*handler)(core::Call&),
                                        Result<std::vector<core::Target>> (Engine::*targets)(core::Call&), std::string_view help) {
  return {.info = {.operation = core::Operation::kCall,
                   .path = name,
                   .access = core::Access::by_targets(),
                   .fields = fields,
                   .cost = cost,
                   .reply = core::Payload::kBare,
                   .help = help},
          .handler = handler,
          .targets = targets};
}

}  // namespace keyhold::engine::secretsmanager
