#include "core/audit/forward/vault_lines.h"

#include <array>
#include <utility>

#include "base/limits.h"

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kAccessorHashesMax = 4096;
// A record holds values in clear of up to 64 KiB, as deep as a request may be.
constexpr json::Limits kRecordLimits{.depth_max = limits::kJsonDepthMax + 8, .nodes_max = 1024 * 1024};

constexpr std::string_view kRootNamespace = "1";
constexpr std::string_view kDenied = "\"denied\"";
constexpr std::string_view kNotRecorded =
    "\"the outcome was not recorded: the server ended, or its journal failed, before it was known\"";

std::string_view raw(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->raw() : std::string_view();
}

std::string text(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  auto characters = value ? value->as_string() : Result<std::string>(std::string());
  return characters.ok() ? std::move(characters).value() : std::string();
}

std::optional<json::Value> object(const json::Value& record, std::string_view name) {
  const auto value = record.find(name);
  return value && value->is_object() ? value : std::nullopt;
}

/// A comma before all but the first.
void append_member(std::string& out, std::string_view name, std::string_view json_text) {
  if (json_text.empty()) return;
  if (!out.ends_with('{')) out.push_back(',');
  out.append("\"").append(name).append("\":").append(json_text);
}
void append_text(std::string& out, std::string_view name, std::string_view characters) {
  std::string quoted;
  json::append_quoted(quoted, characters);
  append_member(out, name, quoted);
}

void begin_line(std::string& out, std::string_view time, std::string_view type) {
  out.push_back('{');
  append_member(out, "time", time);
  append_text(out, "type", type);
}
void end_line(std::string& out) { out.append("}\n"); }

/// What requests and responses both say of the mount.
std::string mount_members(const json::Value& record) {
  std::string out("{");
  const std::string point = text(record, "mount_point");
  if (point.empty()) return out;
  append_member(out, "mount_point", raw(record, "mount_point"));
  append_member(out, "mount_type", raw(record, "mount_type"));
  append_member(out, "mount_accessor", raw(record, "mount_accessor"));
  append_text(out, "mount_class", point.starts_with("auth/") ? "auth" : "secret");
  return out;
}

}  // namespace

/// As JSON; "" when there is none. Nothing without a key.
std::optional<std::string> VaultLines::accessor(const std::optional<json::Value>& value) {
  if (!value || !value->is_string()) return std::string();
  if (accessors_ == Accessors::kClear) return std::string(value->raw());
  auto characters = value->as_string();
  if (!characters.ok()) return std::string();
  const auto known = accessor_hashes_.find(*characters);
  if (known != accessor_hashes_.end()) return known->second;
  const auto hashed = hash_(*characters);
  if (!hashed) return std::nullopt;
  std::string quoted;
  json::append_quoted(quoted, *hashed);
  if (accessor_hashes_.size() >= kAccessorHashesMax) accessor_hashes_.clear();
  accessor_hashes_.emplace(std::move(characters).value(), quoted);
  return quoted;
}

bool VaultLines::append_auth(std::string& out, const json::Value& record, bool allowed) {
  out.append(",\"auth\":{");
  const auto auth = object(record, "auth");
  if (auth) {
    const auto hashed = accessor(auth->find("accessor"));
    if (!hashed) return false;
    append_member(out, "client_token", raw(*auth, "token"));
    append_member(out, "accessor", *hashed);
    append_member(out, "display_name", raw(*auth, "display_name"));
    append_member(out, "policies", raw(*auth, "policies"));
    append_member(out, "token_policies", raw(*auth, "policies"));
  }
  append_member(out, "policy_results", allowed ? "{\"allowed\":true}" : "{\"allowed\":false}");
  append_member(out, "token_type", auth ? raw(*auth, "token_type") : "\"default\"");
  if (auth) {
    append_member(out, "token_ttl", raw(*auth, "token_ttl"));
    append_member(out, "token_issue_time", raw(*auth, "token_issue_time"));
  }
  out.push_back('}');
  return true;
}

bool VaultLines::append_request(std::string& out, const json::Value& record) {
  out.append(",\"request\":{");
  append_member(out, "id", raw(record, "id"));
  append_member(out, "operation", raw(record, "operation"));
  const std::string mount = mount_members(record);
  if (mount.size() > 1) out.append(out.ends_with('{') ? "" : ",").append(mount, 1);
  if (const auto auth = object(record, "auth")) {
    const auto hashed = accessor(auth->find("accessor"));
    if (!hashed) return false;
    append_member(out, "client_token", raw(*auth, "token"));
    append_member(out, "client_token_accessor", *hashed);
  }
  if (const std::string_view owner = raw(record, "namespace"); !owner.empty()) {
    std::string space("{");
    append_text(space, "id", owner == kRootNamespace ? "root" : owner);
    append_member(out, "namespace", space.append("}"));
  }
  append_member(out, "path", raw(record, record.find("path") ? "path" : "path_hash"));
  append_member(out, "data", raw(record, "fields"));
  append_member(out, "wrap_ttl", raw(record, "wrap_ttl"));
  append_member(out, "remote_address", raw(record, "peer"));
  append_member(out, "remote_port", raw(record, "peer_port"));
  out.push_back('}');
  return true;
}

bool VaultLines::append_head(std::string& out, const json::Value& record, bool allowed) {
  return append_auth(out, record, allowed) && append_request(out, record);
}

/// The token in which an answer was put aside.
bool VaultLines::append_wrap_info(std::string& out, const json::Value& reply) {
  const auto info = object(reply, "wrap_info");
  if (!info) return true;
  const auto own = accessor(info->find("accessor"));
  const auto wrapped = accessor(info->find("wrapped_accessor"));
  if (!own || !wrapped) return false;
  std::string members("{");
  for (const std::string_view name : {"ttl", "token", "creation_time"}) append_member(members, name, raw(*info, name));
  append_member(members, "accessor", *own);
  append_member(members, "wrapped_accessor", *wrapped);
  append_member(out, "wrap_info", members.append("}"));
  return true;
}

bool VaultLines::append_response(std::string& out, const json::Value& record, std::string_view head,
                                 std::string_view mount) {
  begin_line(out, raw(record, "time"), "response");
  out.append(head).append(",\"response\":").append(mount);
  if (const auto reply = object(record, "reply")) {
    // A token that was made shows by its accessor.
    const auto made = accessor(reply->find("accessor"));
    if (!made) return false;
    if (!made->empty()) append_member(out, "auth", "{\"accessor\":" + *made + "}");
    if (!append_wrap_info(out, *reply)) return false;
    std::string data("{");
    for (std::size_t i = 0; i < reply->size(); ++i) {
      if (reply->key_at(i) == "accessor" || reply->key_at(i) == "wrap_info") continue;
      if (data.size() > 1) data.push_back(',');
      data.append(reply->key_raw(i)).append(":").append(reply->at(i).raw());
    }
    data.push_back('}');
    if (data.size() > 2) append_member(out, "data", data);
  }
  out.push_back('}');
  append_member(out, "error", raw(record, "error"));
  end_line(out);
  return true;
}

VaultLines::Taken VaultLines::take_access(const json::Value& record, std::string& out) {
  const bool allowed = raw(record, "outcome") != kDenied;
  std::string head;
  std::string response;
  if (!append_head(head, record, allowed) || !append_response(response, record, head, mount_members(record))) {
    return Taken::kNeedsKey;
  }
  begin_line(out, raw(record, "time"), "request");
  out.append(head);
  if (!allowed) append_member(out, "error", raw(record, "error"));
  end_line(out);
  out.append(response);
  return Taken::kTaken;
}

VaultLines::Taken VaultLines::take_intent(const json::Value& record, std::uint64_t sequence, const Position& begin,
                                          std::string& out) {
  Pending pending{.begin = begin,
                  .id = text(record, "id"),
                  .time = std::string(raw(record, "time")),
                  .head = {},
                  .mount = mount_members(record)};
  if (!append_head(pending.head, record, true)) return Taken::kNeedsKey;
  begin_line(out, pending.time, "request");
  out.append(pending.head);
  end_line(out);
  pending_bytes_ += pending.head.size();
  sequence_of_id_[pending.id] = sequence;
  pending_.insert_or_assign(sequence, std::move(pending));
  while (pending_.size() > kPendingMax || pending_bytes_ > kPendingBytesMax) {
    close(pending_.begin(), raw(record, "time"), out);
  }
  return Taken::kTaken;
}

VaultLines::Taken VaultLines::take_outcome(const json::Value& record, std::string& out) {
  const auto sequence = sequence_of_id_.find(text(record, "id"));
  std::string response;
  if (sequence == sequence_of_id_.end()) {
    std::string head = ",\"request\":{";
    append_member(head, "id", raw(record, "id"));
    head.push_back('}');
    if (!append_response(response, record, head, "{")) return Taken::kNeedsKey;
  } else {
    const auto pending = pending_.find(sequence->second);
    if (!append_response(response, record, pending->second.head, pending->second.mount)) return Taken::kNeedsKey;
    forget(pending);
  }
  out.append(response);
  return Taken::kTaken;
}

VaultLines::Taken VaultLines::take(const Line& line, std::string_view line_text, const Position& begin,
                                   std::string& out) {
  if (line.kind() == LineKind::kCheckpoint) return Taken::kTaken;
  const auto document = json::Document::parse(line_text, kRecordLimits);
  if (!document.ok()) return Taken::kTaken;
  const json::Value record = document->root();
  if (const auto genesis = object(record, "genesis"); line.kind() == LineKind::kGenesis && genesis) {
    const std::string_view why = raw(*genesis, "begin");
    // The process that would have recorded them is gone.
    if (why == "\"restart\"" || why == "\"damage\"") close_all(raw(record, "time"), out);
    return Taken::kTaken;
  }
  const std::string type = text(record, "type");
  if (type == "access") return take_access(record, out);
  if (type == "intent") return take_intent(record, line.sequence, begin, out);
  if (type == "outcome") return take_outcome(record, out);
  if (type == "denied-summary") {
    begin_line(out, raw(record, "time"), "request");
    out.append(",\"auth\":{\"policy_results\":{\"allowed\":false},\"token_type\":\"default\"},\"request\":{");
    append_member(out, "remote_address", raw(record, "peer"));
    out.push_back('}');
    append_text(out, "error", std::string(raw(record, "failures")) + " requests without a valid token in " +
                                  std::string(raw(record, "span_ms")) + " ms were counted, not recorded one by one");
    end_line(out);
  }
  return Taken::kTaken;
}

void VaultLines::close(PendingBySequence::iterator pending, std::string_view time, std::string& out) {
  begin_line(out, time, "response");
  out.append(pending->second.head).append(",\"response\":").append(pending->second.mount).push_back('}');
  append_member(out, "error", kNotRecorded);
  end_line(out);
  forget(pending);
}

void VaultLines::close_all(std::string_view time, std::string& out) {
  while (!pending_.empty()) close(pending_.begin(), time, out);
}

void VaultLines::close_before(std::string_view time, std::string& out) {
  std::string quoted;
  json::append_quoted(quoted, time);
  while (!pending_.empty() && pending_.begin()->second.time < quoted) close(pending_.begin(), quoted, out);
}

void VaultLines::forget(PendingBySequence::iterator pending) {
  pending_bytes_ -= pending->second.head.size();
  sequence_of_id_.erase(pending->second.id);
  pending_.erase(pending);
}

std::optional<Position> VaultLines::oldest_pending() const {
  if (pending_.empty()) return std::nullopt;
  return pending_.begin()->second.begin;
}

}  // namespace keyhold::core::audit
