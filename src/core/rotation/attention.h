#pragma once

#include <string_view>

#include "core/keys.h"
#include "core/records.pb.h"
#include "core/transaction.h"

/// The index of secrets that somebody is to look at: those that have a rule to rotate by, an owner, or a day by which something is to be done.
namespace keyhold::core::rotation {

/// Files the secret if it is one of them. Part of the caller's transaction; secrets::purge() takes the entry away.
void attend(Transaction& tx, keys::MountId mount, const records::Secret& head);

}  // namespace keyhold::core::rotation
