#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/formats/secret_source.h"
#include "cli/kv_path.h"
#include "cli/session.h"

namespace keyhold::cli {

enum class ImportState : std::uint8_t {
  kNew,      // Nothing to read is there.
  kSame,     // What is there is what the source has.
  kBehind,   // Its current content is an older one of the source's: the newer ones follow.
  kChanged,  // Something else is there.
};

/// What becomes of one secret of a source.
struct PlannedSecret {
  const SourceSecret* source = nullptr;
  std::string path{};  // As people name it: "secret/app".
  MountedPath target{};
  ImportState state = ImportState::kNew;
  std::vector<std::string> added{}, changed{}, removed{};  // Names of fields.
  std::int64_t current_version = 0;  // Of an engine of version 2: what the write is conditional on.
  std::size_t first = 0;             // Of the source's contents, the first that is to be written.
  SecretBytes seen{};                // Of an engine of version 1: what was there, since it has no conditions.
  std::vector<std::int64_t> written{};  // The numbers of the versions that were written; 0 by version 1.
};

/// How two sets of fields differ; names in order.
struct FieldChanges {
  std::vector<std::string> added{}, changed{}, removed{};
  bool none() const { return added.empty() && changed.empty() && removed.empty(); }
};

/// From what is there to what the source has. Values are the same when they mean the same: texts by their characters, numbers by their
/// digits, objects by their members in any order.
FieldChanges changes_between(const json::Value& there, const Fields& source);

/// Looks at what is where the secrets go.
///
/// errors   of the server; kInvalid: a secret would have no name.
Result<std::vector<PlannedSecret>> plan_import(Session& session, const Source& source, const MountedPath& target);

enum class Existing : std::uint8_t { kLeaveAlone, kOverwrite };

/// What came of writing.
struct ImportOutcome {
  std::size_t left_alone = 0;   // Other content is there, and it was not to be overwritten.
  std::size_t conflicts = 0;    // Changed between the plan and the write: not written.
  int interrupted_by = 0;       // The number of a signal, after which nothing more was written.
  std::vector<std::string> conflicting{};  // Their paths.
  Result<void> ended{};         // The error that ended it early.
};

/// Writes what the plan says, one secret after the other, each under the condition that it is as it was when it was planned. Signals that
/// end a program are taken between two writes; a second one ends it at once. Fills in PlannedSecret::written.
ImportOutcome apply_import(Session& session, std::vector<PlannedSecret>& plan, Existing existing);

}  // namespace keyhold::cli
