#include "engine/secretsmanager/targets.h"

#include <algorithm>

#include "core/aws_names.h"
#include "core/iam_access.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {
namespace secretsmanager {

using core::Call;
using core::Target;
using core::iam::Action;

Target target_of(const Call& call, Action action, const std::string& path, std::shared_ptr<const core::secrets::Head> head) {
  const auto& need = core::iam::rule_of(action).need;
  CHECK(need);
  Target target;
  target.path = call.mount().record.path() + std::string(need->folder) + path;
  target.capability = need->capability;
  target.action = action;
  target.aws_name = core::aws::name_of(path).value_or(path);
  target.head = std::move(head);
  return target;
}

Target target_in_list(const Call& call, const std::string& path, std::shared_ptr<const core::secrets::Head> head) {
  Target target = target_of(call, Action::kDescribeSecret, path, std::move(head));
  target.action = Action::kListSecrets;
  return target;
}

}  // namespace secretsmanager

using namespace secretsmanager;

namespace {

/// Of the operation that is called.
Action action_of(const Call& call) {
  std::string name(call.request().path);
  std::replace(name.begin(), name.end(), '/', ':');
  const auto action = core::iam::action_of(name);
  CHECK(action);
  return *action;
}

Target open_to_all(const Call& call, std::string path, core::Capability capability) {
  Target target;
  target.path = std::move(path);
  target.capability = capability;
  target.action = action_of(call);
  target.need = Target::Need::kUnlessDenied;
  return target;
}

}  // namespace

Result<std::vector<Target>> SecretsManager::of_secret(Call& call) {
  TRY_ASSIGN(auto located, locate(call, call.fields().text("SecretId")));
  return std::vector{target_of(call, action_of(call), located.path, std::move(located.head))};
}

Result<std::vector<Target>> SecretsManager::of_new_secret(Call& call) {
  const std::string name = call.fields().text("Name");
  if (!valid_name(name)) {
    return invalid_parameter("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!");
  }
  std::vector targets{target_of(call, Action::kCreateSecret, path_of(name), nullptr)};
  if (call.fields().has("Tags")) {
    targets.push_back(target_of(call, Action::kTagResource, path_of(name), nullptr));
    targets.back().need = Target::Need::kUnlessDenied;
  }
  if (call.fields().has("AddReplicaRegions")) {
    targets.push_back(target_of(call, Action::kReplicateSecretToRegions, path_of(name), nullptr));
    targets.back().need = Target::Need::kUnlessDenied;
  }
  return targets;
}

/// Each is asked about by itself.
Result<std::vector<Target>> SecretsManager::of_several(Call& call) {
  return std::vector{open_to_all(call, call.mount().record.path() + "data", core::Capability::kRead)};
}

/// Of whoever may see nothing at all it is refused; of the others it tells what they may see.
Result<std::vector<Target>> SecretsManager::of_list(Call& call) {
  Target target = target_of(call, Action::kListSecrets, "", nullptr);
  target.aws_name.clear();
  if (call.principal().policies.reach(target.path)) target.need = Target::Need::kUnlessDenied;
  return std::vector{std::move(target)};
}

Result<std::vector<Target>> SecretsManager::of_no_secret(Call& call) {
  return std::vector{open_to_all(call, "sys/tools/random", core::Capability::kUpdate)};
}

/// Of a secret, if one is named.
Result<std::vector<Target>> SecretsManager::of_policy_text(Call& call) {
  if (call.fields().has("SecretId")) return of_secret(call);
  return std::vector{open_to_all(call, call.mount().record.path() + "policy", core::Capability::kRead)};
}

}  // namespace keyhold::engine
