#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/call.h"
#include "core/field_values.h"
#include "core/rotation/rotation.h"
#include "core/secret.h"

/// Inputs that several operations share, checked against AWS's bounds. errors (all): InvalidParameterException, naming the input.
namespace keyhold::engine::secretsmanager {

using core::rotation::kPendingLabel;
inline constexpr std::size_t kLabelsMax = 20;  // Of all versions of a secret.
inline constexpr std::size_t kTagsMax = 50;

struct Value {
  SecretBytes bytes;
  core::secrets::Version::ContentKind kind = core::secrets::Version::TEXT;
};
/// SecretString or SecretBinary; nullopt = neither.
Result<std::optional<Value>> value_of(const core::FieldValues& fields);

/// ClientRequestToken, or a random UUID in its place.
Result<std::string> request_token(const core::Call& call);

struct Attributes {
  std::optional<std::string> description;
  std::optional<std::string> kms_key_id;
};
Result<Attributes> attributes_of(const core::FieldValues& fields);
void apply(const Attributes& attributes, core::secrets::Head& head);

using Tags = std::map<std::string, std::string>;
Result<Tags> tags_of(const core::FieldValues& fields);

/// VersionStages; AWSCURRENT when there are none.
Result<std::vector<std::string>> stages_of(const core::FieldValues& fields);
/// Whether the secret may have these labels too. errors: LimitExceededException.
Result<void> check_label_count(const core::secrets::Head& head, const std::vector<std::string>& added);
bool valid_label(std::string_view label);

struct NewReplica {
  std::string region;
  std::string kms_key_id;
};
Result<std::vector<NewReplica>> replicas_of(const core::Call& call);
bool valid_region(std::string_view region);
void add_replicas(core::secrets::Head& head, const std::vector<NewReplica>& replicas, const std::string& own_region, UnixMillis now);
/// errors: InvalidRequestException: asked in a region that has a replica only, which cannot be written.
Result<void> check_primary(const core::Call& call, const core::secrets::Head& head);

/// Saves a head of which something changed now.
void save_changed(core::Call& call, core::secrets::Head& head);

/// MaxResults, from 1 to `most`, which is also what it is when it was not given.
Result<std::size_t> max_results(const core::FieldValues& fields, std::int64_t most);

}  // namespace keyhold::engine::secretsmanager
