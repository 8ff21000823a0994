#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/keys.h"
#include "core/transaction.h"

/// What a token keeps for itself: secrets of the mount "cubbyhole/" in a folder that is named by the token's liveness id. That id
/// is random and never used again, so a token made anew with a chosen id does not see what the old one kept.
namespace keyhold::core::cubbyhole {

/// Where the names of this token begin; ends with a slash.
std::string folder_of(std::string_view liveness_id);

/// Puts the erasure of some of what an ended token kept into `tx`, at most as much as fits its commit. To be called with a
/// new transaction until it answers false. The token's liveness must be gone, so that it can write no more.
///
/// returns   Whether there was anything to erase.
Result<bool> erase_some(Transaction& tx, keys::MountId mount, std::string_view liveness_id, UnixMillis now);

}  // namespace keyhold::core::cubbyhole
