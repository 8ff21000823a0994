#include "engine/secretsmanager/secret_id.h"

#include <algorithm>

#include "engine/secretsmanager/errors.h"

namespace keyhold::engine::secretsmanager {
namespace {

namespace secrets = core::secrets;
using core::Call;

constexpr std::string_view kArnPrefix = "arn:";
constexpr std::string_view kArnHead = "arn:aws:secretsmanager:";
constexpr std::string_view kResource = "secret:";
constexpr std::size_t kSuffixBytes = 6;

/// Takes the text up to the next colon off `rest`. nullopt: there is none.
std::optional<std::string_view> take_part(std::string_view& rest) {
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view part = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  return part;
}

/// What stands for the secret in an ARN of this account; any region is served.
std::optional<std::string_view> resource_of(std::string_view arn) {
  if (!arn.starts_with(kArnHead)) return std::nullopt;
  arn.remove_prefix(kArnHead.size());
  const auto region = take_part(arn);
  const auto account = region ? take_part(arn) : std::nullopt;
  if (!account || *account != kAccount || !arn.starts_with(kResource)) return std::nullopt;
  return arn.substr(kResource.size());
}

Result<Located> locate_name(Call& call, std::string_view name) {
  Located located{std::string(name), path_of(name), nullptr};
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
    const auto resource = resource_of(secret_id);
    if (!resource) return no_such_secret();  // Another account's, or another service's.
    name = *resource;
    // With the suffix, which only tells one secret of a name from those before and after it.
    if (name.size() > kSuffixBytes + 1 && name[name.size() - kSuffixBytes - 1] == '-') {
      const std::string_view bare = name.substr(0, name.size() - kSuffixBytes - 1);
      if (valid_name(bare)) {
        TRY_ASSIGN(Located located, locate_name(call, bare));
        if (located.head != nullptr && arn_suffix(located.head->id()) == name.substr(bare.size() + 1)) return located;
      }
    }
  }
  if (!valid_name(name)) {
    return invalid_parameter("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!");
  }
  return locate_name(call, name);
}

Result<Located> locate(Call& call) { return locate(call, call.fields().text("SecretId")); }

Result<Located> locate_present(Call& call) {
  TRY_ASSIGN(Located located, locate(call));
  if (located.head == nullptr) return no_such_secret();
  return located;
}

Result<Located> locate_living(Call& call) {
  TRY_ASSIGN(Located located, locate_present(call));
  if (secrets::marked_for_deletion(*located.head)) return marked_for_deletion();
  return located;
}

}  // namespace keyhold::engine::secretsmanager
