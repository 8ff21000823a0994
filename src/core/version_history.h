#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/records.pb.h"
#include "core/transaction.h"

/// Which versions of the program have opened the store, and when each did first. One record a version.
namespace keyhold::core::version_history {

/// Notes that `version` runs on the store; does nothing when it has before.
Result<void> note(Transaction& tx, std::string_view version, UnixMillis now_ms);

/// In order of their first time.
Result<std::vector<records::InstalledVersion>> all(Transaction& tx);

}  // namespace keyhold::core::version_history
