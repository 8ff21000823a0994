#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/aws_names.h"
#include "core/call.h"
#include "core/route.h"
#include "core/secret.h"

/// What a SecretId names, and ARNs the other way.
namespace keyhold::engine::secretsmanager {

inline constexpr std::size_t kSecretIdBytesMax = 2048;

using core::aws::arn_suffix;
using core::aws::kAccount;
using core::aws::path_of;
using core::aws::valid_name;

std::string region_of(const core::Call& call);
/// arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX
std::string arn_of(const core::Call& call, const core::secrets::Head& head);
std::string arn_of(const core::Call& call, std::string_view aws_name, std::string_view suffix);

/// The secret that a SecretId names: by its name, its ARN, or its ARN without the suffix.
struct Located {
  std::string path;  // Below the mount.
  std::shared_ptr<const core::secrets::Head> head;  // nullptr: there is none.
};

/// errors: InvalidParameterException: no SecretId, or not one.
Result<Located> locate(core::Call& call, std::string_view secret_id);

/// For handlers, of the secret that the request was authorised for: the one of the field "SecretId".
///
/// As it is there, marked for deletion or not. errors: ResourceNotFoundException.
Result<std::shared_ptr<const core::secrets::Head>> present_secret(const core::Call& call);
/// The same of one that is not marked for deletion either. errors: InvalidRequestException.
Result<std::shared_ptr<const core::secrets::Head>> living_secret(const core::Call& call);

}  // namespace keyhold::engine::secretsmanager
