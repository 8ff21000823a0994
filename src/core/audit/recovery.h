#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/audit/genesis.h"
#include "core/audit/journal_file.h"
#include "core/audit/line.h"

namespace keyhold::core::audit {

struct JournalListing {
  std::vector<FileName> files;        // By stream, then by age.
  std::vector<std::string> damaged;  // Set aside by recover_stream().
};

/// The journal files in a directory. Other files are left out.
/// errors   kNotFound, kUnavailable.
Result<JournalListing> list_journal_files(const std::string& directory);

/// Where a stream stopped: what its next file refers to.
struct StreamEnd {
  std::string journal;  // Empty when no genesis could be read.
  Genesis::Previous previous;
  std::uint64_t torn_bytes = 0;
  Begin begin = Begin::kRestart;
};

/// Finds the end of a stream from its files (in order of age), before any is written to.
///
/// An incomplete last line is cut off. Only the last kRecoveryBytes are read, so that start-up is quick at any size: a crash
/// damages only what was not synced, and everything else is for verify. A last file without one whole line is removed
/// if it never had a newline, else set aside as `<name>.damaged`.
/// errors   kUnavailable.
Result<std::optional<StreamEnd>> recover_stream(const Descriptor& directory, std::vector<FileName> files);

}  // namespace keyhold::core::audit
