#include "engine/kv/kv_engine.h"

#include "base/json_merge.h"
#include "base/limits.h"
#include "core/last_read.h"
#include "engine/kv/kv_reply.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using core::Call;
using core::Reply;

/// Where a write of content happens, after its check-and-set option has been looked at.
struct Target {
  std::shared_ptr<const secrets::Head> head;  // nullptr = there is no such secret.
  secrets::Settings settings;
};

/// As forgiving as Vault's weak decoding: "3", true and null, which is 0, are numbers as well.
std::optional<std::int64_t> cas_of(json::Value value) {
  if (value.is_null() || value.raw() == R"("")") return 0;
  if (value.is_bool()) return value.raw() == "true" ? 1 : 0;
  return core::weak_integer(value);
}

/// source: Vault API, kv-v2 create/update and patch.
Result<void> check_cas(const Call& call, const Target& target) {
  std::optional<json::Value> cas;
  if (const auto options = call.fields().object("options")) cas = options->find("cas");
  if (!cas) {
    const bool required = target.settings.cas_required() || (target.head != nullptr && target.head->cas_required());
    if (required) return Error{Code::kInvalid, "check-and-set parameter required for this call"};
    return {};
  }
  const auto wanted = cas_of(*cas);
  if (!wanted) return Error{Code::kInvalid, "error parsing check-and-set parameter"};
  const std::uint64_t current = target.head == nullptr ? 0 : secrets::current_number(*target.head);
  if (*wanted < 0 || static_cast<std::uint64_t>(*wanted) != current) {
    return Error{Code::kInvalid, "check-and-set parameter did not match the current version"};
  }
  return {};
}

/// nullptr: no such version. As Vault: what is no number from 1 on asks for the current one.
const secrets::Version* version_asked_for(const Call& call, const secrets::Head& head) {
  const std::int64_t number = call.fields().integer("version");
  return number <= 0 ? secrets::current_version(head) : secrets::version_numbered(head, static_cast<std::uint64_t>(number));
}

Result<Target> find_target(Call& call) {
  Target target;
  TRY_ASSIGN(target.head, secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  TRY_ASSIGN(target.settings, secrets::settings(call.tx(), call.mount_id()));
  TRY(check_cas(call, target));
  return target;
}

/// A text that another API wrote reads as {"value": "the text"} here, and whoever writes it back like that means a text again.
/// nullopt: this is no such write.
std::optional<SecretBytes> text_of(const Target& target, json::Value data) {
  const auto* version = target.head == nullptr ? nullptr : secrets::current_version(*target.head);
  if (version == nullptr || version->content_kind() != secrets::Version::TEXT) return std::nullopt;
  const auto value = data.size() == 1 ? data.find("value") : std::nullopt;
  if (!value || !value->is_string()) return std::nullopt;
  auto text = value->as_secret();
  if (!text.ok()) return std::nullopt;
  return std::move(*text);
}

Result<Reply> put(Call& call, const Target& target, json::Value data) {
  const std::string_view name = call.fields().path_text("path");
  secrets::Head head = secrets::open_head(call.tx(), {call.mount_id(), call.namespace_id(), name}, target.head.get(),
                                          call.now(), call.rng());
  secrets::NewContent content;
  const std::optional<SecretBytes> text = text_of(target, data);
  content.bytes = text ? text->reveal() : data.raw();
  content.kind = text ? secrets::Version::TEXT : secrets::Version::JSON_OBJECT;
  content.created_by = call.principal().token->accessor();
  const auto& version = secrets::put_version(call.tx(), call.mount_id(), head, content, target.settings,
                                             call.session().fingerprints, call.now(), call.rng());
  Reply reply;
  json::Writer writer(reply.data);
  append_version(writer, head, version, Detail::kWithSecret);
  reply.audit_members = audit_version(version);
  return reply;
}

/// The content that the patch makes of the old one. errors: kInvalid, kTooLarge: it would be more than a write may bring.
Result<SecretBytes> patched(std::string_view old_content, json::Value patch) {
  const auto old_document = json::Document::parse(old_content);
  if (!old_document.ok() || !old_document->root().is_object()) {
    return Error{Code::kInvalid, "the current version is no JSON object, so it cannot be patched"};
  }
  SecretBytes merged;
  merged.reserve(old_content.size() + patch.raw().size());
  json::append_merged(merged, old_document->root(), patch);
  if (merged.size() > limits::kHttpBodyBytesMax) return Error{Code::kTooLarge, "the patched content would be too large"};
  if (auto whole = json::Document::parse(merged.reveal()); !whole.ok()) {
    return Error{Code::kInvalid, "the patched content would have too many values"};
  }
  return merged;
}

/// The names of an object's members, and of objects within it down to `depth_max`; 0 = all. source: Vault API, kv-v2 subkeys.
void append_subkeys(json::Writer& writer, json::Value object, std::int64_t depth, std::int64_t depth_max) {
  writer.begin_object();
  for (std::size_t i = 0; i < object.size(); ++i) {
    const json::Value member = object.at(i);
    writer.key(object.key_at(i));
    if (member.is_object() && member.size() > 0 && (depth_max == 0 || depth < depth_max)) {
      append_subkeys(writer, member, depth + 1, depth_max);
    } else {
      writer.null();
    }
  }
  writer.end_object();
}

}  // namespace

Result<Reply> KvEngine::read(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find_living(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::not_found();
  const auto* version = version_asked_for(call, *head);
  if (version == nullptr) return Reply::not_found();

  Reply reply = secrets::readable(*version, call.now()) ? Reply() : Reply::not_found();
  json::Writer writer(reply.data);
  writer.begin_object().key("data");
  reply.audit_members = audit_version(*version);
  if (reply.outcome == Reply::Outcome::kFound) {
    TRY_ASSIGN(const auto content,
               secrets::content(call.tx(), call.mount_id(), *head, *version, call.session().redactor));
    reply.data.reserve(content.reveal().size() + 256);
    SecretBytes scratch;
    writer.raw(content.json(*version, scratch));
    secrets::note_read(call, *head, *version, content);
    reply.audit_members.append(",\"data\":").append(content.redacted());
  } else {
    writer.null();
  }
  append_version(writer.key("metadata"), *head, *version, Detail::kWithSecret);
  writer.end_object();
  return reply;
}

Result<Reply> KvEngine::read_subkeys(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find_living(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::not_found();
  const auto* version = version_asked_for(call, *head);
  if (version == nullptr) return Reply::not_found();

  Reply reply = secrets::readable(*version, call.now()) ? Reply() : Reply::not_found();
  reply.audit_members = audit_version(*version);
  json::Writer writer(reply.data);
  writer.begin_object();
  append_version(writer.key("metadata"), *head, *version, Detail::kWithSecret);
  writer.key("subkeys");
  if (reply.outcome == Reply::Outcome::kFound) {
    TRY_ASSIGN(const auto content,
               secrets::content(call.tx(), call.mount_id(), *head, *version, call.session().redactor));
    SecretBytes scratch;
    TRY_ASSIGN(const auto document, json::Document::parse(content.json(*version, scratch)));
    append_subkeys(writer, document.root(), 1, call.fields().integer("depth"));
  } else {
    writer.null();
  }
  writer.end_object();
  return reply;
}

Result<bool> KvEngine::exists(Call& call) {
  // As Vault: a deleted secret is still there, so that who may only create cannot write over it.
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  return head != nullptr;
}

Result<Reply> KvEngine::write(Call& call) {
  const auto data = call.fields().object("data");
  if (!data) return Error{Code::kInvalid, "no data provided"};
  TRY_ASSIGN(const Target target, find_target(call));
  return put(call, target, *data);
}

Result<Reply> KvEngine::patch(Call& call) {
  const auto data = call.fields().object("data");
  if (!data) return Error{Code::kInvalid, "no data provided"};
  TRY_ASSIGN(const Target target, find_target(call));
  const auto* version = target.head == nullptr ? nullptr : secrets::current_version(*target.head);
  if (version == nullptr) return Reply::not_found();
  if (!secrets::readable(*version, call.now())) {
    Reply reply = Reply::not_found();
    json::Writer writer(reply.data);
    append_version(writer, *target.head, *version, Detail::kWithSecret);
    return reply;
  }
  TRY_ASSIGN(const auto content, secrets::content(call.tx(), call.mount_id(), *target.head, *version, call.session().redactor));
  SecretBytes scratch;
  TRY_ASSIGN(const SecretBytes merged, patched(content.json(*version, scratch), *data));
  TRY_ASSIGN(const auto document, json::Document::parse(merged.reveal()));
  return put(call, target, document.root());
}

Result<Reply> KvEngine::misplaced(Call& call) {
  const std::string_view path = call.fields().path_text("path");
  Reply reply = Reply::not_found();
  for (const std::string_view root : {"metadata", "data", "delete", "undelete", "destroy"}) {
    if (path != root) continue;
    reply.warnings.emplace_back("Non-listing operations on the root of a K/V v2 mount are not supported.");
    return reply;
  }
  const auto command = [operation = call.request().operation]() -> std::string_view {
    switch (operation) {
      case core::Operation::kRead: return "get";
      case core::Operation::kUpdate: return "put";
      case core::Operation::kPatch: return "patch";
      case core::Operation::kDelete: return "delete";
      case core::Operation::kList: return "list";
      case core::Operation::kScan: return "scan";
      case core::Operation::kHelp:
      case core::Operation::kCall: break;
    }
    return "";
  };
  reply.warnings.push_back(
      "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using "
      "the Vault CLI, use 'vault kv " + std::string(command()) + "' for this operation.");
  return reply;
}

}  // namespace keyhold::engine
