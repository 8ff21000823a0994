#include "engine/secretsmanager/secret_id.h"

#include "core/policy/iam_arn.h"
#include "engine/secretsmanager/errors.h"

namespace keyhold::engine::secretsmanager {
namespace {

namespace secrets = core::secrets;
using core::Call;

constexpr std::string_view kArnPrefix = "arn:";

Result<Located> locate_name(Call& call, std::string_view name) {
  Located located{path_of(name), nullptr};
  TRY_ASSIGN(located.head, secrets::find(call.tx(), call.mount_id(), located.path));
  // Nobody has erased it yet; it is gone all the same.
  if (located.head != nullptr && secrets::purge_due(*located.head, call.now())) located.head = nullptr;
  return located;
}

}  // namespace

std::string region_of(const Call& call) {
  return call.request().region.empty() ? std::string(core::aws::kDefaultRegion) : call.request().region;
}

std::string arn_of(const Call& call, std::string_view aws_name, std::string_view suffix) {
  return core::aws::secret_arn(region_of(call), aws_name, suffix);
}

std::string arn_of(const Call& call, const secrets::Head& head) {
  return arn_of(call, core::aws::name_of(head.name()).value_or(head.name()), arn_suffix(head.id()));
}

Result<Located> locate(Call& call, std::string_view secret_id) {
  if (secret_id.empty() || secret_id.size() > kSecretIdBytesMax) {
    return invalid_parameter("SecretId must be the name or the ARN of a secret, 1 to 2048 characters long.");
  }
  std::string_view name = secret_id;
  if (secret_id.starts_with(kArnPrefix)) {
    const auto arn = core::iam::parse_secret_arn(secret_id);
    if (!arn.ok() || arn->account != kAccount) return no_such_secret();  // Another account's, or another service's.
    name = arn->full_name;
    // With the suffix, which only tells one secret of a name from those before and after it.
    if (const auto parted = arn->parted(); parted && valid_name(parted->name)) {
      TRY_ASSIGN(Located located, locate_name(call, parted->name));
      if (located.head != nullptr && arn_suffix(located.head->id()) == parted->suffix) return located;
    }
  }
  if (!valid_name(name)) {
    return invalid_parameter("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!");
  }
  return locate_name(call, name);
}

Result<std::shared_ptr<const secrets::Head>> present_secret(const Call& call) {
  if (call.target().head == nullptr) return no_such_secret();
  return call.target().head;
}

Result<std::shared_ptr<const secrets::Head>> living_secret(const Call& call) {
  TRY_ASSIGN(auto head, present_secret(call));
  if (secrets::marked_for_deletion(*head)) return marked_for_deletion();
  return head;
}

}  // namespace keyhold::engine::secretsmanager
