#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/call.h"
#include "core/keys.h"

/// Roles of AWS's form: what STS's AssumeRole gives out temporary credentials of. Each belongs to the mount of an access-key method;
/// its ARN names no mount, and so a name is taken once in a namespace.
namespace keyhold::auth::aws_roles {

using Role = core::records::AwsRole;

inline constexpr std::int64_t kSessionSecondsMin = 900;
inline constexpr std::int64_t kSessionSecondsMax = 43'200;
inline constexpr std::int64_t kSessionSecondsDefault = 3'600;

/// 1 to 64 letters, digits and +=,.@_- as AWS allows.
bool valid_name(std::string_view name);

/// Of one mount; nullptr: there is none.
Result<std::shared_ptr<const Role>> find_in(core::Transaction& tx, core::keys::MountId mount, std::string_view name);

struct Found {
  std::shared_ptr<const Role> role;  // nullptr: there is none.
  const core::MountPoint* mount = nullptr;
};
/// Of whichever mount. What was looked at becomes a condition, so that no other mount comes to have the name beside it.
Result<Found> find(const core::Call& call, std::string_view name);

}  // namespace keyhold::auth::aws_roles
