#include "auth/access_key/aws_role.h"

#include <algorithm>

namespace keyhold::auth::aws_roles {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::string_view kEngine = "access-key";

}  // namespace

bool valid_name(std::string_view name) {
  const auto allowed = [](char c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || std::string_view("+=,.@_-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), allowed);
}

Result<std::shared_ptr<const Role>> find_in(core::Transaction& tx, core::keys::MountId mount, std::string_view name) {
  return tx.load<Role>(core::keys::aws_role(mount, name));
}

Result<Found> find(const core::Call& call, std::string_view name) {
  Found found;
  for (const core::MountPoint* mount : call.config().mounts(call.namespace_id())) {
    if (mount->engine != kEngine) continue;
    TRY_ASSIGN(auto role, find_in(call.tx(), mount->record.id(), name));
    if (role != nullptr) found = {std::move(role), mount};
  }
  return found;
}

}  // namespace keyhold::auth::aws_roles
