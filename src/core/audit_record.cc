#include "core/audit_record.h"

#include "base/json.h"
#include "base/time_format.h"
#include "core/background_records.h"

namespace keyhold::core {
namespace {

void member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  json::append_quoted(out, text);
}

std::string_view type_word(RecordType type) {
  switch (type) {
    case RecordType::kAccess: return "access";
    case RecordType::kIntent: return "intent";
    case RecordType::kOutcome: return "outcome";
  }
  return "";
}

/// Of a value in clear; longer ones are hashed. A record must stay below the journal's bound whatever a client sends, since
/// the journal refuses a whole batch for one record that is too long.
constexpr std::size_t kClearBytesMax = 64 * 1024;

/// Without the white space between tokens, which as received may hold the newline that ends a record.
void append_compact(std::string& out, json::Value value) {
  if (!value.is_object() && !value.is_array()) {
    out.append(value.raw());
    return;
  }
  out.push_back(value.is_object() ? '{' : '[');
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0) out.push_back(',');
    if (value.is_object()) out.append(value.key_raw(i)).push_back(':');
    append_compact(out, value.at(i));
  }
  out.push_back(value.is_object() ? '}' : ']');
}

void append_value(std::string& out, const Field& field, const FieldValues::Raw& raw, const audit::Redactor* redactor) {
  const std::size_t bytes = raw.json ? raw.json->raw().size() : raw.text.size();
  if (field.audit == Audit::kClear && bytes <= kClearBytesMax) {
    if (raw.json) {
      append_compact(out, *raw.json);
    } else {
      json::append_quoted(out, raw.text);
    }
  } else if (redactor == nullptr) {
    out.append("\"(left out)\"");
  } else if (raw.json) {
    redactor->append_redacted(out, *raw.json);
  } else {
    json::append_quoted(out, redactor->hash(raw.text));
  }
}

void append_fields(std::string& out, const RecordSubject& subject) {
  bool first = true;
  for (const Field& field : subject.route->fields) {
    // A clear path field is in the path already.
    if (field.source == FieldSource::kPath && field.audit == Audit::kClear) continue;
    const auto raw = subject.fields->raw(field.name);
    if (!raw) continue;
    out.append(first ? ",\"fields\":{\"" : ",\"").append(field.name).append("\":");
    first = false;
    append_value(out, field, *raw, subject.redactor);
  }
  if (!first) out.push_back('}');
}

bool path_is_clear(const RecordSubject& subject) {
  if (subject.route == nullptr) return false;
  for (const Field& field : subject.route->fields) {
    if (field.source == FieldSource::kPath && field.audit == Audit::kHashed) return false;
  }
  return true;
}

/// Of a call the capability it used: what it did, in the words of the other APIs.
std::string_view operation_word(const RecordSubject& subject) {
  const bool by_capability = subject.used == Capability::kCreate ||
                             (subject.request.operation == Operation::kCall && subject.used != Capability::kDeny);
  return by_capability ? to_string(subject.used) : to_string(subject.request.operation);
}

void begin_record(std::string& out, RecordType type, std::string_view id) {
  out.assign("\"type\":\"").append(type_word(type)).append("\",\"id\":\"").append(id).push_back('"');
}

void append_outcome(std::string& out, const RecordOutcome& outcome) {
  member(out, "outcome", outcome.word);
  if (!outcome.error.empty()) member(out, "error", outcome.error);
  if (!outcome.reply_members.empty()) out.append(",\"reply\":{").append(outcome.reply_members).append("}");
}

}  // namespace

std::string_view outcome_word(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kDenied: return "denied";
    case Code::kNotFound: return "not-found";
    case Code::kUnsupported: return "unsupported";
    case Code::kTooLarge: return "too-large";
    case Code::kMediaType: return "media-type";
    case Code::kLimited: return "limited";
    case Code::kSealed: return "sealed";
    case Code::kUnavailable: return "unavailable";
    case Code::kConflict: return "conflict";
    case Code::kMiss: return "miss";
    case Code::kUnknown: return "unknown";
    case Code::kCorrupt: return "corrupt";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

std::string render_principal(const Principal& principal, std::string_view token_hash) {
  const records::Token& token = *principal.token;
  std::string out = ",\"auth\":{\"token\":";
  json::append_quoted(out, token_hash);
  member(out, "accessor", token.accessor());
  member(out, "display_name", token.display_name());
  out.append(",\"policies\":[");
  for (int i = 0; i < token.policies_size(); ++i) {
    if (i > 0) out.push_back(',');
    json::append_quoted(out, token.policies(i));
  }
  out.append(token.type() == records::Token::BATCH ? "],\"token_type\":\"batch\"" : "],\"token_type\":\"service\"");
  out.append(",\"token_ttl\":").append(std::to_string(token.creation_ttl_s()));
  member(out, "token_issue_time", format_rfc3339(token.created_ms()));
  out.push_back('}');
  return out;
}

std::string render_mount(const records::Mount& mount) {
  std::string out;
  member(out, "mount_point", mount.path());
  member(out, "mount_type", mount.engine());
  member(out, "mount_accessor", mount.accessor());
  return out;
}

void render_record(std::string& out, RecordType type, const RecordSubject& subject, const RecordOutcome& outcome) {
  begin_record(out, type, subject.request_id);
  if (type != RecordType::kOutcome) {
    const Request& request = subject.request;
    out.append(",\"api\":\"").append(to_string(request.api));
    out.append("\",\"operation\":\"");
    out.append(operation_word(subject)).push_back('"');
    // A name that no route has is a stranger's text.
    if (request.operation == Operation::kCall && subject.route != nullptr) member(out, "call", request.path);
    out.append(",\"namespace\":").append(std::to_string(request.namespace_id));
    if (path_is_clear(subject)) {
      member(out, "path", subject.path);
    } else if (subject.redactor != nullptr) {
      member(out, "path_hash", subject.redactor->hash(request.path));
    }
    if (subject.mount != nullptr) out.append(subject.mount->audit_members);
    member(out, "peer", request.peer_address);
    out.append(",\"peer_port\":").append(std::to_string(request.peer_port));
    if (subject.principal != nullptr) out.append(subject.principal->audit_members);
    if (request.wrap_ttl_s) out.append(",\"wrap_ttl\":").append(std::to_string(*request.wrap_ttl_s));
    if (subject.route != nullptr && subject.fields != nullptr) append_fields(out, subject);
  }
  if (type != RecordType::kIntent) append_outcome(out, outcome);
}

void render_intent(std::string& out, std::string_view id, const Deed& deed) {
  begin_record(out, RecordType::kIntent, id);
  member(out, "api", to_string(Api::kInternal));
  member(out, "operation", deed.operation);
  out.append(",\"namespace\":").append(std::to_string(deed.owner));
  member(out, "path", deed.path);
  out.append(deed.mount_members);
  bool first = true;
  for (const auto& [name, value] : deed.fields) {
    out.append(first ? ",\"fields\":{\"" : ",\"").append(name).append("\":");
    json::append_quoted(out, value);
    first = false;
  }
  if (!first) out.push_back('}');
}

void render_outcome(std::string& out, std::string_view id, const RecordOutcome& outcome) {
  begin_record(out, RecordType::kOutcome, id);
  append_outcome(out, outcome);
}

}  // namespace keyhold::core
