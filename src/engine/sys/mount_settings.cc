#include "engine/sys/mount_settings.h"

#include <algorithm>

#include "base/time_format.h"
#include "base/version.h"
#include "core/config.h"
#include "core/token_ttl.h"
#include "engine/sys/mount_table.h"

namespace keyhold::engine::mount_settings {
namespace {

using core::FieldValues;
using core::records::Mount;

constexpr std::string_view kDefaultTokenType = "default-service";
constexpr std::array<std::string_view, 4> kTokenTypes{kDefaultTokenType, "default-batch", "service", "batch"};
constexpr std::array<std::string_view, 3> kVisibilities{"", "hidden", "unauth"};

/// The settings that are lists of texts.
struct ListSetting {
  std::string_view name;
  google::protobuf::RepeatedPtrField<std::string>* (Mount::*change)();
  const google::protobuf::RepeatedPtrField<std::string>& (Mount::*look)() const;
};
constexpr std::array kLists{
    ListSetting{"audit_non_hmac_request_keys", &Mount::mutable_audit_non_hmac_request_keys, &Mount::audit_non_hmac_request_keys},
    ListSetting{"audit_non_hmac_response_keys", &Mount::mutable_audit_non_hmac_response_keys, &Mount::audit_non_hmac_response_keys},
    ListSetting{"passthrough_request_headers", &Mount::mutable_passthrough_request_headers, &Mount::passthrough_request_headers},
    ListSetting{"allowed_response_headers", &Mount::mutable_allowed_response_headers, &Mount::allowed_response_headers},
    ListSetting{"allowed_managed_keys", &Mount::mutable_allowed_managed_keys, &Mount::allowed_managed_keys},
};

Error invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }

/// `before` when nothing is said; 0 = the system's.
Result<std::int64_t> ttl_s(const FieldValues& fields, std::string_view name, std::int64_t before) {
  const std::string text = fields.text(name);
  if (text.empty()) return before;  // What Go's client sends for "not given".
  if (text == "system") return 0;
  auto seconds = parse_duration_s(text);
  if (!seconds.ok()) return invalid(std::string(name) + " must be seconds, a duration or \"system\"");
  return *seconds;
}

Result<void> apply_ttls(const FieldValues& fields, Mount& mount) {
  TRY_ASSIGN(const std::int64_t default_s, ttl_s(fields, "default_lease_ttl", mount.default_lease_ttl_s()));
  TRY_ASSIGN(const std::int64_t max_s, ttl_s(fields, "max_lease_ttl", mount.max_lease_ttl_s()));
  if (max_s != 0 && default_s > max_s) {
    return invalid("backend max lease TTL of " + std::to_string(max_s) + " would be less than backend default lease TTL of " +
                   std::to_string(default_s));
  }
  if (max_s == 0 && default_s > core::kSystemMaxTtlS) {
    return invalid("given default lease TTL greater than system max lease TTL of " + std::to_string(core::kSystemMaxTtlS));
  }
  mount.set_default_lease_ttl_s(default_s);
  mount.set_max_lease_ttl_s(max_s);
  return {};
}

Result<void> apply_token_type(const FieldValues& fields, Mount& mount) {
  if (!fields.has("token_type")) return {};
  if (!is_auth(mount)) return invalid("'token_type' can only be modified on auth mounts");
  if (mount.id() == core::kTokenMount) return invalid("'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
  const std::string type = fields.text("token_type");
  const bool known = type.empty() || std::find(kTokenTypes.begin(), kTokenTypes.end(), type) != kTokenTypes.end();
  if (!known) return invalid("invalid value for 'token_type'");
  mount.set_token_type(type);
  return {};
}

/// Asks for what this program cannot do, so that to take it would promise it.
Result<void> refuse_unsupported(const FieldValues& fields) {
  std::string_view asked;
  if (!fields.text("plugin_version").empty()) asked = "plugin_version";
  if (!fields.text("identity_token_key").empty()) asked = "identity_token_key";
  if (!fields.string_list("delegated_auth_accessors").empty()) asked = "delegated_auth_accessors";
  if (fields.object("user_lockout_config")) asked = "user_lockout_config";
  if (asked.empty()) return {};
  return invalid(std::string(asked) + " is not supported");
}

void append_options(json::Writer& writer, const Mount& mount) {
  writer.begin_object();
  for (const auto& [name, value] : mount.options()) writer.key(name).string(value);
  writer.end_object();
}

/// What a mount has only when it was set.
void append_set(json::Writer& writer, const Mount& mount) {
  for (const ListSetting& list : kLists) {
    const auto& values = (mount.*list.look)();
    if (!values.empty()) writer.key(list.name).strings(values);
  }
  if (!mount.listing_visibility().empty()) writer.key("listing_visibility").string(mount.listing_visibility());
  if (is_auth(mount)) {
    writer.key("token_type").string(mount.token_type().empty() ? kDefaultTokenType : std::string_view(mount.token_type()));
  }
}

}  // namespace

Result<void> apply(const FieldValues& fields, Mount& mount) {
  TRY(refuse_unsupported(fields));
  TRY(apply_ttls(fields, mount));
  TRY(apply_token_type(fields, mount));
  if (fields.has("listing_visibility")) {
    const std::string visibility = fields.text("listing_visibility");
    const bool known = std::find(kVisibilities.begin(), kVisibilities.end(), visibility) != kVisibilities.end();
    if (!known) return invalid("invalid listing_visibility: it may be unauth, hidden or empty");
    mount.set_listing_visibility(visibility);
  }
  for (const ListSetting& list : kLists) {
    if (!fields.has(list.name)) continue;
    const auto values = fields.string_list(list.name);
    (mount.*list.change)()->Assign(values.begin(), values.end());
  }
  return {};
}

Result<void> apply_config(const FieldValues& fields, Mount& mount) {
  const auto config = fields.object("config");
  if (!config) return {};
  TRY_ASSIGN(const FieldValues values, FieldValues::parse(kConfigFields, {}, {}, config->raw()));
  mount.set_force_no_cache(values.boolean(kForceNoCache.name));
  return apply(values, mount);
}

Result<void> check_size(const Mount& mount) {
  if (mount.ByteSizeLong() <= kRecordBytesMax) return {};
  return invalid("the settings of this mount are too long");
}

void append_members(json::Writer& writer, const Mount& mount) {
  writer.key("accessor").string(mount.accessor());
  writer.key("config").begin_object();
  writer.key("default_lease_ttl").number(mount.default_lease_ttl_s());
  writer.key("force_no_cache").boolean(mount.force_no_cache());
  writer.key("max_lease_ttl").number(mount.max_lease_ttl_s());
  append_set(writer, mount);
  writer.end_object();
  writer.key("deprecation_status").string("supported");
  append_public_members(writer, mount);
  writer.key("external_entropy_access").boolean(false);
  writer.key("local").boolean(mount.local());
  writer.key("plugin_version").string("");
  writer.key("running_plugin_version").string("v" + std::string(kVersion) + "+builtin");
  writer.key("running_sha256").string("");
  writer.key("seal_wrap").boolean(false);
  writer.key("uuid").string(mount.uuid());
}

void append_public_members(json::Writer& writer, const Mount& mount) {
  writer.key("description").string(mount.description());
  writer.key("options");
  if (mount.options().empty()) {
    writer.null();
  } else {
    append_options(writer, mount);
  }
  writer.key("type").string(mount.engine());
}

void append_tuning(json::Writer& writer, const Mount& mount) {
  const core::TtlBounds bounds = core::ttl_bounds(mount);
  writer.begin_object();
  writer.key("default_lease_ttl").number(bounds.default_s);
  writer.key("description").string(mount.description());
  writer.key("force_no_cache").boolean(mount.force_no_cache());
  writer.key("max_lease_ttl").number(bounds.max_s);
  if (!mount.options().empty()) append_options(writer.key("options"), mount);
  append_set(writer, mount);
  writer.end_object();
}

}  // namespace keyhold::engine::mount_settings
