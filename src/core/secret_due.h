#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/background_records.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/transaction.h"
#include "crypto/random.h"

/// What is to happen to a secret at a time: it is filed in the index by time that tokens expire by (core/expiry.h).
///
/// An entry says when to look, not what to do: who restores a secret or moves its rotation leaves the old entry, which finds nothing
/// due. Each is part of the caller's transaction.
namespace keyhold::core::secrets {

/// Has the secret looked at when `at_ms` has come.
void file_due(Transaction& tx, keys::MountId mount, const records::Secret& head, UnixMillis at_ms);

/// Does what is due by now, and takes the entry away. What it does to the secret is added to `deeds`, for the journal.
Result<void> do_due(Transaction& tx, std::string_view entry_key, const records::TokenRef& entry, UnixMillis now,
                    crypto::Rng& rng, std::vector<Deed>& deeds);

}  // namespace keyhold::core::secrets
