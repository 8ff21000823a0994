#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/policy/iam_arn.h"

namespace keyhold::core::iam {

/// What conditions can ask about. Index into kConditionKeys.
enum class ConditionKey : std::uint8_t {
  kSourceIp,
  kCurrentTime,
  kEpochTime,
  kTokenIssueTime,
  kSecureTransport,
  kUserName,
  kUserId,
  kPrincipalArn,
  kPrincipalAccount,
  kPrincipalType,
  kRequestedRegion,
  kResourceAccount,
  kTagKeys,
  kRequestTag,
  kResourceTag,
  kExternalId,
  kRoleSessionName,
  kSecretId,
  kSecretName,
  kDescription,
  kKmsKeyId,
  kVersionId,
  kVersionStage,
  kAllowRotationLambdaArn,
  kRotationLambdaArn,
  kRecoveryWindowInDays,
  kForceDeleteWithoutRecovery,
  kBlockPublicPolicy,
  kAddReplicaRegions,
  kForceOverwriteReplicaSecret,
};

/// How the text of a value is read, which decides which operators fit.
enum class KeyType : std::uint8_t { kText, kArn, kBool, kNumber, kTime, kEpoch, kAddress };
enum class KeyShape : std::uint8_t {
  kOne,
  kMany,  // Several values: conditions say ForAllValues or ForAnyValue.
  kTags,  // A family: the key's name goes on with a tag's.
};

struct ConditionKeyRule {
  ConditionKey key;
  std::string_view name;  // In any case; of a family with its slash.
  KeyType type = KeyType::kText;
  KeyShape shape = KeyShape::kOne;
  bool variable = false;  // May stand in ${}.
};

inline constexpr std::array kConditionKeys{
    ConditionKeyRule{ConditionKey::kSourceIp, "aws:SourceIp", KeyType::kAddress},
    ConditionKeyRule{ConditionKey::kCurrentTime, "aws:CurrentTime", KeyType::kTime},
    ConditionKeyRule{ConditionKey::kEpochTime, "aws:EpochTime", KeyType::kEpoch},
    ConditionKeyRule{ConditionKey::kTokenIssueTime, "aws:TokenIssueTime", KeyType::kTime},
    ConditionKeyRule{ConditionKey::kSecureTransport, "aws:SecureTransport", KeyType::kBool},
    ConditionKeyRule{ConditionKey::kUserName, "aws:username", KeyType::kText, KeyShape::kOne, true},
    ConditionKeyRule{ConditionKey::kUserId, "aws:userid", KeyType::kText, KeyShape::kOne, true},
    ConditionKeyRule{ConditionKey::kPrincipalArn, "aws:PrincipalArn", KeyType::kArn, KeyShape::kOne, true},
    ConditionKeyRule{ConditionKey::kPrincipalAccount, "aws:PrincipalAccount", KeyType::kText, KeyShape::kOne, true},
    ConditionKeyRule{ConditionKey::kPrincipalType, "aws:PrincipalType"},
    ConditionKeyRule{ConditionKey::kRequestedRegion, "aws:RequestedRegion", KeyType::kText, KeyShape::kOne, true},
    ConditionKeyRule{ConditionKey::kResourceAccount, "aws:ResourceAccount"},
    ConditionKeyRule{ConditionKey::kTagKeys, "aws:TagKeys", KeyType::kText, KeyShape::kMany},
    ConditionKeyRule{ConditionKey::kRequestTag, "aws:RequestTag/", KeyType::kText, KeyShape::kTags},
    ConditionKeyRule{ConditionKey::kResourceTag, "aws:ResourceTag/", KeyType::kText, KeyShape::kTags},
    ConditionKeyRule{ConditionKey::kExternalId, "sts:ExternalId"},
    ConditionKeyRule{ConditionKey::kRoleSessionName, "sts:RoleSessionName"},
    ConditionKeyRule{ConditionKey::kSecretId, "secretsmanager:SecretId", KeyType::kArn},
    ConditionKeyRule{ConditionKey::kSecretName, "secretsmanager:Name"},
    ConditionKeyRule{ConditionKey::kDescription, "secretsmanager:Description"},
    ConditionKeyRule{ConditionKey::kKmsKeyId, "secretsmanager:KmsKeyId"},
    ConditionKeyRule{ConditionKey::kVersionId, "secretsmanager:VersionId"},
    ConditionKeyRule{ConditionKey::kVersionStage, "secretsmanager:VersionStage"},
    ConditionKeyRule{ConditionKey::kAllowRotationLambdaArn, "secretsmanager:resource/AllowRotationLambdaArn", KeyType::kArn},
    ConditionKeyRule{ConditionKey::kRotationLambdaArn, "secretsmanager:RotationLambdaARN", KeyType::kArn},
    ConditionKeyRule{ConditionKey::kRecoveryWindowInDays, "secretsmanager:RecoveryWindowInDays", KeyType::kNumber},
    ConditionKeyRule{ConditionKey::kForceDeleteWithoutRecovery, "secretsmanager:ForceDeleteWithoutRecovery", KeyType::kBool},
    ConditionKeyRule{ConditionKey::kBlockPublicPolicy, "secretsmanager:BlockPublicPolicy", KeyType::kBool},
    ConditionKeyRule{ConditionKey::kAddReplicaRegions, "secretsmanager:AddReplicaRegions", KeyType::kText, KeyShape::kMany},
    ConditionKeyRule{ConditionKey::kForceOverwriteReplicaSecret, "secretsmanager:ForceOverwriteReplicaSecret", KeyType::kBool},
};

constexpr const ConditionKeyRule& rule_of(ConditionKey key) { return kConditionKeys[static_cast<std::size_t>(key)]; }

/// What is known of one request, for conditions and variables.
///
/// A key is absent (the request does not carry it), has values, or is unknown. What depends on an unknown key fails safe: an Allow does
/// not apply, a Deny does. So whoever cannot tell a key's value says so rather than leave it out.
///
/// threads   One at a time for setting; any for asking.
class Context {
 public:
  /// What a key is that nobody set. Of a request through Vault's API, whose fields are not AWS's, kUnknown is the honest one.
  enum class Unset : std::uint8_t { kAbsent, kUnknown };
  enum class State : std::uint8_t { kAbsent, kUnknown, kValues };
  struct Entry {
    State state = State::kAbsent;
    std::span<const std::string> values;  // As long as the Context stays as it is.
  };

  Context() = default;
  explicit Context(Unset unset);

  /// One value: text as AWS writes it ("true", "7", "192.0.2.1", a time in ISO 8601). A second, different one makes the key unknown.
  Context& set(ConditionKey key, std::string_view value);
  /// All values of a key that may have several; none = absent.
  Context& set_all(ConditionKey key, std::vector<std::string> values);
  /// One tag of kRequestTag or kResourceTag. Names are the same in any case, so two that differ in case alone make it unknown.
  Context& set_tag(ConditionKey family, std::string_view tag, std::string_view value);
  /// aws:CurrentTime and aws:EpochTime.
  Context& set_time(UnixMillis now_ms);
  /// aws:PrincipalArn (of a session its role's), aws:PrincipalAccount and aws:PrincipalType.
  Context& set_principal(const Principal& principal);
  /// Of a family: all its tags that were not set.
  Context& set_unknown(ConditionKey key);
  Context& set_absent(ConditionKey key);

  /// `tag` in lower case; empty for a key that is no family.
  Entry find(ConditionKey key, std::string_view tag) const;

 private:
  struct Slot {
    State state = State::kAbsent;
    std::vector<std::string> values;
  };
  using Tags = std::map<std::string, Slot, std::less<>>;

  static void store(Slot& slot, std::string_view value);
  Slot& slot(ConditionKey key) { return slots_[static_cast<std::size_t>(key)]; }
  const Tags& tags_of(ConditionKey family) const { return family == ConditionKey::kRequestTag ? request_tags_ : resource_tags_; }

  std::array<Slot, kConditionKeys.size()> slots_;  // Of a family: what its other tags are.
  Tags request_tags_;                              // By name in lower case.
  Tags resource_tags_;
};

}  // namespace keyhold::core::iam
