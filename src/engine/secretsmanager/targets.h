#pragma once

#include <memory>
#include <string>

#include "core/call.h"
#include "core/policy/iam_actions.h"
#include "core/route.h"
#include "core/secret.h"

namespace keyhold::engine::secretsmanager {

/// What an action on one secret needs: of Vault's policies the capability on "secret/FOLDER/PATH" that core/policy/iam_actions.h says,
/// of IAM's the action on its ARN. `path` is the name below the mount.
core::Target target_of(const core::Call& call, core::iam::Action action, const std::string& path,
                       std::shared_ptr<const core::secrets::Head> head);

/// What makes a list tell of a secret: IAM's ListSecrets, or that Vault's policies let its metadata be read.
core::Target target_in_list(const core::Call& call, const std::string& path, std::shared_ptr<const core::secrets::Head> head);

}  // namespace keyhold::engine::secretsmanager
