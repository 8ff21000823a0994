#pragma once

#include <string>
#include <string_view>

#include "core/audit/redactor.h"
#include "core/call.h"
#include "core/field_values.h"
#include "core/request.h"
#include "core/route.h"

/// Renders what the journal keeps of a request. Only fields that their route declares clear stay in clear; the rest is
/// hashed, or left out while there is no key to hash with (docs/audit_journal.md).
namespace keyhold::core {

enum class RecordType {
  kAccess,   // A request that changed nothing, and its outcome.
  kIntent,   // A write that is about to be committed.
  kOutcome,  // What came of an intent; refers to it by request id.
};

struct RecordSubject {
  std::string_view request_id;
  const Request& request;
  const RouteInfo* route = nullptr;        // nullptr: nothing matched, so nothing of the path is known to be harmless.
  const MountPoint* mount = nullptr;
  std::string_view path;
  const FieldValues* fields = nullptr;
  const Principal* principal = nullptr;
  const audit::Redactor* redactor = nullptr;
  Capability used = Capability::kDeny;     // kCreate tells an update that makes something from one that changes it.
};

/// What came of a request; nothing of it is in an intent.
struct RecordOutcome {
  std::string_view word;
  std::string_view error = {};          // Its message, which never holds input.
  std::string_view reply_members = {};  // Rendered and redacted by the handler.
};

struct Deed;

// Each replaces `out` by the members of a record.
void render_record(std::string& out, RecordType type, const RecordSubject& subject, const RecordOutcome& outcome);
/// Of what the server does by itself (core/background_records.h).
void render_intent(std::string& out, std::string_view id, const Deed& deed);
void render_outcome(std::string& out, std::string_view id, const RecordOutcome& outcome);

// What many records say alike, rendered once and kept with its owner.
/// `token_hash` is that of the token itself, so that whoever has a token finds what was done with it.
std::string render_principal(const Principal& principal, std::string_view token_hash);
std::string render_mount(const records::Mount& mount);

/// The word for an error's code in the record.
std::string_view outcome_word(Code code);

}  // namespace keyhold::core
