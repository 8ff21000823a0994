// What is known of secrets beside their content, and what a mount sets for all of them.
#include "base/time_format.h"
#include "core/aws_names.h"
#include "core/iam_access.h"
#include "core/last_read.h"
#include "core/policy/iam_condition.h"
#include "core/rotation/attention.h"
#include "engine/kv/custom_metadata.h"
#include "engine/kv/kv_engine.h"
#include "engine/kv/kv_reply.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using core::Call;
using core::FieldValues;
using core::Reply;
using custom_metadata::Change;

/// Secrets whose metadata one answer tells: each has to be read.
constexpr std::size_t kDetailedMax = 1000;
constexpr std::size_t kOwnerBytesMax = 256;

/// Whether a client names the field: null sets it back, which is not the same as saying nothing.
bool given(const FieldValues& fields, std::string_view name) { return fields.has(name) || fields.is_null(name); }

Result<std::uint32_t> max_versions(const FieldValues& fields) {
  const std::int64_t wanted = fields.integer("max_versions");
  if (wanted < 0 || wanted > secrets::kVersionsMax) {
    return Error{Code::kInvalid, "max_versions must be between 0 and " + std::to_string(secrets::kVersionsMax)};
  }
  return static_cast<std::uint32_t>(wanted);
}

Result<void> check_metadata_cas(const FieldValues& fields, const secrets::Settings& settings, const secrets::Head* head) {
  const bool required = settings.metadata_cas_required() || (head != nullptr && head->metadata_cas_required());
  if (!fields.has("metadata_cas")) {
    if (required) return Error{Code::kInvalid, "metadata check-and-set parameter required for this call"};
    return {};
  }
  const std::int64_t wanted = fields.integer("metadata_cas");
  if (head == nullptr && wanted != 0) return Error{Code::kInvalid, "metadata_cas must be 0 when creating new metadata"};
  if (head != nullptr && wanted != static_cast<std::int64_t>(head->metadata_number())) {
    return Error{Code::kInvalid, "metadata check-and-set parameter does not match the current version"};
  }
  return {};
}

Result<void> apply_custom_metadata(const FieldValues& fields, secrets::Head& head, Change change) {
  if (!given(fields, "custom_metadata")) return {};
  custom_metadata::Map map;
  if (const auto object = fields.object("custom_metadata")) {
    if (change == Change::kPatch) map.insert(head.custom_metadata().begin(), head.custom_metadata().end());
    TRY(custom_metadata::apply(map, *object, change));
  }
  head.mutable_custom_metadata()->clear();
  head.mutable_custom_metadata()->insert(map.begin(), map.end());
  return {};
}

/// A day or a time; empty or null: none.
Result<UnixMillis> day_of(const FieldValues& fields, std::string_view name) {
  const std::string text = fields.text(name);
  if (text.empty()) return UnixMillis{0};
  const auto time_ms = core::iam::parse_condition_time(text);
  if (!time_ms || *time_ms <= 0) return Error{Code::kInvalid, "the field \"" + std::string(name) + "\" must be a day like 2026-12-31, or a time of RFC 3339"};
  return *time_ms;
}

Result<void> apply_reminders(const FieldValues& fields, secrets::Head& head) {
  if (given(fields, "owner")) head.set_owner(fields.text("owner"));
  if (head.owner().size() > kOwnerBytesMax) return Error{Code::kInvalid, "\"owner\" must be at most 256 bytes long"};
  if (given(fields, "expires")) {
    TRY_ASSIGN(const UnixMillis expires_ms, day_of(fields, "expires"));
    head.set_expires_ms(expires_ms);
  }
  if (given(fields, "rotate_by")) {
    TRY_ASSIGN(const UnixMillis rotate_by_ms, day_of(fields, "rotate_by"));
    head.set_rotate_by_ms(rotate_by_ms);
  }
  return {};
}

Result<void> apply(const FieldValues& fields, secrets::Head& head, Change change) {
  TRY(apply_reminders(fields, head));
  if (given(fields, "max_versions")) {
    TRY_ASSIGN(const std::uint32_t kept, max_versions(fields));
    head.set_max_versions(kept);
  }
  if (given(fields, "cas_required")) head.set_cas_required(fields.boolean("cas_required"));
  if (given(fields, "metadata_cas_required")) head.set_metadata_cas_required(fields.boolean("metadata_cas_required"));
  if (given(fields, "delete_version_after")) head.set_delete_after_s(fields.duration_s("delete_version_after"));
  TRY(apply_custom_metadata(fields, head, change));
  head.set_metadata_number(head.metadata_number() + 1);
  return {};
}

/// Of a secret that may not be there yet.
Result<Reply> change_metadata(Call& call, const secrets::Head* existing, Change change) {
  const FieldValues& fields = call.fields();
  TRY_ASSIGN(const auto settings, secrets::settings(call.tx(), call.mount_id()));
  TRY(check_metadata_cas(fields, settings, existing));
  const std::string_view name = fields.path_text("path");
  secrets::Head head = secrets::open_head(call.tx(), {call.mount_id(), call.namespace_id(), name}, existing, call.now(),
                                          call.rng());
  TRY(apply(fields, head, change));
  head.set_changed_ms(call.now());
  secrets::save(call.tx(), call.mount_id(), head);
  core::rotation::attend(call.tx(), call.mount_id(), head);
  Reply reply = Reply::none();
  if (settings.cas_required() && fields.has("cas_required") && !fields.boolean("cas_required")) {
    reply.warnings.emplace_back(
        "\"cas_required\" set to false, but is mandated by backend config. This value will be ignored.");
  }
  return reply;
}

/// Unless a policy of IAM's forbids the metadata of this one, whoever may have the list may have it.
Result<bool> may_describe(Call& call, std::shared_ptr<const secrets::Head> head) {
  core::Target target;
  target.action = core::iam::Action::kDescribeSecret;
  target.aws_name = core::aws::name_of(head->name()).value_or(head->name());
  target.head = std::move(head);
  target.need = core::Target::Need::kUnlessDenied;
  return core::permits(call, target);
}

Result<Reply> list_with_metadata(Call& call, secrets::Depth depth) {
  TRY_ASSIGN(const auto names, names_asked_for(call, {}, depth));
  if (names.empty()) return Reply::not_found();
  if (names.size() > kDetailedMax) {
    return Error{Code::kInvalid, "too many secrets for one answer: ask for pages with \"limit\" and \"after\""};
  }
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("key_info").begin_object();
  for (const std::string& name : names) {
    if (name.ends_with('/')) continue;
    TRY_ASSIGN(const auto head, secrets::find_living(call.tx(), call.mount_id(), std::string(call.fields().path_text("path")) + name));
    if (head == nullptr) continue;
    TRY_ASSIGN(const bool told, may_describe(call, head));
    if (!told) continue;
    TRY_ASSIGN(const auto last_read, secrets::last_read(call.tx(), call.mount_id(), head->id()));
    append_metadata(writer.key(name), *head, last_read.get());
  }
  writer.end_object();
  append_keys(writer, names);
  writer.end_object();
  return reply;
}

/// Seconds or a duration; negative: versions are never deleted by their age.
Result<std::int64_t> signed_duration_s(std::string_view text) {
  if (!text.starts_with('-')) return parse_duration_s(text);
  TRY(parse_duration_s(text.substr(1)));
  return -1;
}

}  // namespace

Result<Reply> KvEngine::read_metadata(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find_living(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  TRY_ASSIGN(const auto last_read, secrets::last_read(call.tx(), call.mount_id(), head->id()));
  append_metadata(writer, *head, last_read.get());
  return reply;
}

Result<Reply> KvEngine::write_metadata(Call& call) {
  // Vault makes nothing of a write that says nothing.
  const auto& fields = kv::kMetadataFields;
  const bool says_something = std::any_of(fields.begin(), fields.end(), [&call](const core::Field& field) {
    return field.source == core::FieldSource::kBody && field.name != "metadata_cas" && given(call.fields(), field.name);
  });
  if (!says_something) return Reply::none();
  TRY_ASSIGN(const auto head,
             secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  return change_metadata(call, head.get(), Change::kReplace);
}

Result<Reply> KvEngine::patch_metadata(Call& call) {
  TRY_ASSIGN(const auto head,
             secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  if (head == nullptr) return Reply::not_found();
  return change_metadata(call, head.get(), Change::kPatch);
}

Result<Reply> KvEngine::erase_metadata(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head != nullptr) secrets::purge(call.tx(), call.mount_id(), *head, call.now());
  return Reply::none();
}

Result<Reply> KvEngine::list(Call& call) { return list_names(call, {}, secrets::Depth::kFolder); }
Result<Reply> KvEngine::scan(Call& call) { return list_names(call, {}, secrets::Depth::kAll); }
Result<Reply> KvEngine::list_detailed(Call& call) { return list_with_metadata(call, secrets::Depth::kFolder); }
Result<Reply> KvEngine::scan_detailed(Call& call) { return list_with_metadata(call, secrets::Depth::kAll); }

Result<Reply> KvEngine::read_config(Call& call) {
  TRY_ASSIGN(const auto settings, secrets::settings(call.tx(), call.mount_id()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("cas_required").boolean(settings.cas_required());
  writer.key("delete_version_after").string(format_duration_s(settings.delete_after_s()));
  writer.key("max_versions").number(settings.max_versions());
  writer.key("metadata_cas_required").boolean(settings.metadata_cas_required());
  writer.end_object();
  return reply;
}

Result<Reply> KvEngine::write_config(Call& call) {
  const FieldValues& fields = call.fields();
  TRY_ASSIGN(auto settings, secrets::settings(call.tx(), call.mount_id()));
  settings.set_namespace_id(call.namespace_id());
  if (given(fields, "max_versions")) {
    TRY_ASSIGN(const std::uint32_t kept, max_versions(fields));
    settings.set_max_versions(kept);
  }
  if (given(fields, "cas_required")) settings.set_cas_required(fields.boolean("cas_required"));
  if (given(fields, "metadata_cas_required")) {
    settings.set_metadata_cas_required(fields.boolean("metadata_cas_required"));
  }
  if (given(fields, "delete_version_after")) {
    const std::string text = fields.text("delete_version_after");
    const auto after_s = text.empty() ? Result<std::int64_t>(0) : signed_duration_s(text);
    if (!after_s.ok()) {
      return Error{Code::kInvalid, "the field \"delete_version_after\" must be seconds or a duration like \"1h30m\""};
    }
    settings.set_delete_after_s(*after_s);
  }
  secrets::put_settings(call.tx(), call.mount_id(), settings);
  return Reply::none();
}

}  // namespace keyhold::engine
