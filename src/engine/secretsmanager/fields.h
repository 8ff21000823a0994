#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/route.h"

/// The inputs of AWS Secrets Manager's operations, by the names that its clients send.
namespace keyhold::engine::secretsmanager {

using core::clear_field;
using core::FieldType;

constexpr core::Field hashed(std::string_view name, core::FieldType type, std::string_view help) {
  return {.name = name, .type = type, .help = help};
}

inline constexpr core::Field kSecretId = clear_field("SecretId", FieldType::kString, "Name or ARN of the secret.");
inline constexpr core::Field kClientRequestToken =
    clear_field("ClientRequestToken", FieldType::kString, "Id of the new version: the same again is the same request.");
inline constexpr core::Field kSecretString = hashed("SecretString", FieldType::kString, "The value, a text.");
inline constexpr core::Field kSecretBinary = hashed("SecretBinary", FieldType::kString, "The value, bytes in base64.");
inline constexpr core::Field kDescription = hashed("Description", FieldType::kString, "A note for people.");
inline constexpr core::Field kKmsKeyId = clear_field("KmsKeyId", FieldType::kString, "Kept for whoever reads it back: the barrier's keys encrypt.");
inline constexpr core::Field kTags = hashed("Tags", FieldType::kArray, "Objects with Key and Value.");
inline constexpr core::Field kMaxResults = clear_field("MaxResults", FieldType::kInteger, "How many a page has at most.");
inline constexpr core::Field kNextToken = hashed("NextToken", FieldType::kString, "Of the page before.");
inline constexpr core::Field kFilters = hashed("Filters", FieldType::kArray, "Objects with Key and Values, all of which must hold.");
inline constexpr core::Field kAddReplicaRegions = clear_field("AddReplicaRegions", FieldType::kArray, "Objects with Region and KmsKeyId.");
inline constexpr core::Field kForceOverwrite =
    clear_field("ForceOverwriteReplicaSecret", FieldType::kBoolean, "Of no effect: a replica cannot collide with another secret here.");
inline constexpr core::Field kType = clear_field("Type", FieldType::kString, "Refused: secrets that partners manage are not offered.");
inline constexpr core::Field kIncludePlannedDeletion =
    clear_field("IncludePlannedDeletion", FieldType::kBoolean, "Tell those too that are marked for deletion.");
inline constexpr core::Field kSortOrder = clear_field("SortOrder", FieldType::kString, "asc or desc.");

inline constexpr std::array kSecretIdFields{kSecretId};
inline constexpr std::array kCreateFields{clear_field("Name", FieldType::kString, "Name of the secret."),
                                          kClientRequestToken,
                                          kDescription,
                                          kKmsKeyId,
                                          kSecretBinary,
                                          kSecretString,
                                          kTags,
                                          kAddReplicaRegions,
                                          kForceOverwrite,
                                          kType};
inline constexpr std::array kGetFields{kSecretId, clear_field("VersionId", FieldType::kString, "Of the version."),
                                       clear_field("VersionStage", FieldType::kString, "Staging label of the version.")};
inline constexpr std::array kBatchFields{clear_field("SecretIdList", FieldType::kStringList, "Names or ARNs."), kFilters, kMaxResults, kNextToken};
inline constexpr std::array kPutFields{kSecretId,
                                       kClientRequestToken,
                                       kSecretBinary,
                                       kSecretString,
                                       clear_field("VersionStages", FieldType::kStringList, "Staging labels that move to it; AWSCURRENT if none are given."),
                                       hashed("RotationToken", FieldType::kString, "Of a rotation function: not looked at.")};
inline constexpr std::array kUpdateFields{kSecretId, kClientRequestToken, kDescription, kKmsKeyId, kSecretBinary, kSecretString, kType};
inline constexpr std::array kListVersionsFields{
    kSecretId, kMaxResults, kNextToken,
    clear_field("IncludeDeprecated", FieldType::kBoolean, "Tell those too that have no staging label.")};
inline constexpr std::array kUpdateStageFields{kSecretId, clear_field("VersionStage", FieldType::kString, "The label."),
                                               clear_field("MoveToVersionId", FieldType::kString, "Version that gets it."),
                                               clear_field("RemoveFromVersionId", FieldType::kString, "Version that has it.")};
inline constexpr std::array kListFields{kFilters,
                                        kIncludePlannedDeletion,
                                        kMaxResults,
                                        kNextToken,
                                        clear_field("SortBy", FieldType::kString, "created-date, last-accessed-date, last-changed-date or name."),
                                        kSortOrder};
inline constexpr std::array kDeleteFields{
    kSecretId, clear_field("RecoveryWindowInDays", FieldType::kInteger, "7 to 30; 30 if not given."),
    clear_field("ForceDeleteWithoutRecovery", FieldType::kBoolean, "Erase it now.")};
inline constexpr std::array kTagFields{kSecretId, kTags};
inline constexpr std::array kUntagFields{kSecretId, hashed("TagKeys", FieldType::kArray, "Keys of the tags.")};
inline constexpr std::array kAddRegionsFields{kSecretId, kAddReplicaRegions, kForceOverwrite};
inline constexpr std::array kRemoveRegionsFields{kSecretId, clear_field("RemoveReplicaRegions", FieldType::kStringList, "Names of regions.")};

inline constexpr core::Field kResourcePolicy = clear_field("ResourcePolicy", FieldType::kString, "A policy in AWS's JSON, as a text.");
inline constexpr std::array kPutPolicyFields{
    kSecretId, kResourcePolicy, clear_field("BlockPublicPolicy", FieldType::kBoolean, "Refuse one that lets everybody in.")};
inline constexpr std::array kValidatePolicyFields{kSecretId, kResourcePolicy};

inline constexpr std::array kRotateFields{
    kSecretId, kClientRequestToken,
    clear_field("RotationLambdaARN", FieldType::kString, "ARN of a Lambda function, whose name is that of a rotator."),
    clear_field("RotationRules", FieldType::kObject, "AutomaticallyAfterDays or ScheduleExpression, and Duration."),
    clear_field("RotateImmediately", FieldType::kBoolean, "Rotate now, which is the default; else the rotator is only tried."),
    hashed("ExternalSecretRotationMetadata", FieldType::kArray, "Of secrets that partners manage: of no effect."),
    hashed("ExternalSecretRotationRoleArn", FieldType::kString, "The same.")};
inline constexpr std::array kRandomPasswordFields{
    clear_field("PasswordLength", FieldType::kInteger, "1 to 4096; 32 if not given."),
    clear_field("ExcludeCharacters", FieldType::kString, "Characters that are not to be in it."),
    clear_field("ExcludeLowercase", FieldType::kBoolean, "No lower-case letters."),
    clear_field("ExcludeUppercase", FieldType::kBoolean, "No upper-case letters."),
    clear_field("ExcludeNumbers", FieldType::kBoolean, "No digits."),
    clear_field("ExcludePunctuation", FieldType::kBoolean, "No punctuation."),
    clear_field("IncludeSpace", FieldType::kBoolean, "Spaces may be in it."),
    clear_field("RequireEachIncludedType", FieldType::kBoolean, "At least one of each kind, which is the default.")};

}  // namespace keyhold::engine::secretsmanager
