#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold::core::audit {

/// What was found in one stream file, or in one stream.
struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t unsigned_records = 0;  // After the last checkpoint: chained only.
  bool whole = false;                  // Ends with a closing checkpoint: no tail was cut.
  std::uint64_t first_sequence = 0;    // Of the first and the last line.
  std::uint64_t last_sequence = 0;
  std::string public_key;  // 32 bytes: signs the checkpoints; empty without any.
};

/// What the absence of a stream's oldest files means.
enum class OldFiles : std::uint8_t {
  kDroppedByPolicy,  // A problem, unless a signed line of the journal tells that it dropped just those.
  kArchived,         // None: somebody keeps them elsewhere.
};

/// Verifies one stream file offline, reading it once in bounded memory. `public_key` (32 bytes) pins the signer; empty = the
/// one the file names, in which case the report proves integrity only against someone without the key.
/// errors   kCorrupt with the line number and what is wrong; kNotFound; kUnavailable: cannot be read; kInvalid: the key's size.
Result<VerifyReport> verify_file(const std::string& path, std::string_view public_key);

/// One stream across its files.
struct StreamReport {
  int stream = 0;
  std::uint64_t files = 0;
  /// Files before the first one here are gone. What is here is verified from `first_sequence` on.
  bool begins_late = false;
  /// They were dropped because the journal reached its bound: a signed line says so.
  bool dropped_by_policy = false;
  VerifyReport total;  // `unsigned_records` counts what no later file's checkpoint covers either.
};

/// What is wrong with a file of a directory.
struct Problem {
  std::string file;
  std::string message;  // With the line number, where there is one.
};

struct DirectoryReport {
  std::vector<StreamReport> streams;
  std::vector<Problem> problems;  // Empty: nothing has been tampered with or damaged.
};

/// Verifies every file in a journal's directory and that each goes on where the one before ends: a chain value refers
/// back across files, so a later checkpoint covers the earlier files, closed in good order or not.
/// errors   kNotFound; kUnavailable; kInvalid: the key's size.
Result<DirectoryReport> verify_directory(const std::string& path, std::string_view public_key,
                                         OldFiles old_files = OldFiles::kDroppedByPolicy);

}  // namespace keyhold::core::audit
