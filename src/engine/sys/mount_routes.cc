#include "engine/sys/mount_routes.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/scalar.h"
#include "core/keys.h"
#include "core/record.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MountKind;
using core::MountPoint;
using core::Reply;
using core::records::Mount;

constexpr std::size_t kAccessorCharacters = 8;
constexpr std::size_t kUuidBytes = 16;
constexpr std::string_view kVersionOption = "version";
constexpr std::string_view kVersionMark = "-v";  // Of the short form of an engine and its version.

std::string mount_path(const Call& call) { return call.fields().text("path") + "/"; }
std::string auth_path(const Call& call) { return std::string(kAuthPrefix) + call.fields().text("path") + "/"; }

Error invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }

/// Of those of one kind, by their paths: of auth methods below "auth/".
Result<Reply> list(const Call& call, MountKind kind) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  for (const MountPoint* mount : call.config().mounts(call.namespace_id())) {
    const std::string& path = mount->record.path();
    if (kind_at(path) != kind) continue;
    writer.key(kind == MountKind::kAuth ? std::string_view(path).substr(kAuthPrefix.size()) : path).begin_object();
    mount_settings::append_members(writer, mount->record);
    writer.end_object();
  }
  writer.end_object();
  return reply;
}

Result<Reply> tell(const MountPoint& mount) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  mount_settings::append_members(writer, mount.record);
  writer.end_object();
  return reply;
}

Result<Reply> read_tuning(const Call& call, const std::string& path) {
  const MountPoint* mount = mount_at(call, path);
  if (mount == nullptr) return invalid("cannot fetch sysview for path \"" + path + "\"");
  Reply reply;
  json::Writer writer(reply.data);
  mount_settings::append_tuning(writer, mount->record);
  return reply;
}

/// Leaves a tombstone, and a job for what the mount held and gave out.
Result<Reply> remove(const Call& call, const std::string& path) {
  const MountPoint* mount = mount_at(call, path);
  // Like Vault, removing what is not there succeeds.
  if (mount == nullptr) return Reply::none();
  TRY_ASSIGN(Mount removed, record_to_change(call, *mount));
  TRY(bump_guard(call));
  removed.set_state(Mount::REMOVED);
  put_record(call, removed);
  core::records::Job job;
  job.set_kind(core::records::Job::REMOVE_MOUNT_DATA);
  job.set_namespace_id(call.namespace_id());
  job.set_mount_id(removed.id());
  job.set_created_ms(call.now());
  call.tx().put(core::keys::job(call.namespace_id(), removed.id()), core::encode_record(job));
  return Reply::none();
}

Result<std::uint64_t> next_id(const Call& call) {
  TRY_ASSIGN(const auto next, call.tx().load<core::records::NextId>(core::keys::next_id()));
  const std::uint64_t id = next == nullptr ? core::kFirstMountId : next->next();
  core::records::NextId after;
  after.set_next(id + 1);
  call.tx().put(core::keys::next_id(), core::encode_record(after));
  return id;
}

std::int64_t version_of(const Mount& mount) {
  const auto version = mount.options().find(std::string(kVersionOption));
  return version == mount.options().end() ? 1 : parse_integer(version->second).value_or(0);
}

/// Promises that nothing here keeps.
Result<void> refuse_unsupported(const core::FieldValues& fields) {
  for (const std::string_view name : {"seal_wrap", "external_entropy_access"}) {
    if (fields.boolean(name)) return invalid(std::string(name) + " is not supported");
  }
  return {};
}

}  // namespace

Result<void> MountRoutes::set_engine(const core::FieldValues& fields, MountKind kind, Mount& mount) const {
  const std::string type = fields.text("type");
  if (type == "token" && kind == MountKind::kAuth) return invalid("token credential backend cannot be instantiated");
  if (router_.kind_of(type) != kind) {
    std::string message = "unknown backend type: the field \"type\" may be";
    const auto names = router_.names_of(kind);
    for (const std::string_view name : names) message.append(name == names.front() ? " " : ", ").append(name);
    return invalid(names.empty() ? "unknown backend type: there is none yet that can be enabled" : message);
  }
  const auto options = fields.string_map("options");
  mount.mutable_options()->insert(options.begin(), options.end());
  const std::size_t mark = std::min(type.rfind(kVersionMark), type.size());
  const std::string version = type.substr(std::min(mark + kVersionMark.size(), type.size()));
  const bool short_form = parse_integer(version).has_value();
  mount.set_engine(short_form ? type.substr(0, mark) : type);
  if (short_form) (*mount.mutable_options())[std::string(kVersionOption)] = version;
  if (router_.kind_of(core::engine_name(mount)) != kind) return invalid("there is no such version of this engine");
  return {};
}

Result<void> MountRoutes::change_options(const core::FieldValues& fields, Mount& mount) const {
  const Mount before = mount;
  for (const auto& [name, value] : fields.string_map("options")) (*mount.mutable_options())[name] = value;
  if (router_.kind_of(core::engine_name(mount)) != router_.kind_of(core::engine_name(before))) {
    return invalid("there is no such version of this engine");
  }
  if (version_of(mount) < version_of(before)) {
    return invalid("cannot downgrade mount from version " + std::to_string(version_of(before)));
  }
  return {};
}

Result<Reply> MountRoutes::make(Call& call, const std::string& path, MountKind kind) {
  Mount mount;
  mount.set_path(path);
  TRY(set_engine(call.fields(), kind, mount));
  TRY(refuse_unsupported(call.fields()));
  TRY(mount_settings::apply_config(call.fields(), mount));
  TRY(claim_path(call, path, kind));
  TRY_ASSIGN(const std::uint64_t id, next_id(call));
  mount.set_id(id);
  mount.set_namespace_id(call.namespace_id());
  const std::string prefix = kind == MountKind::kAuth ? "auth_" : "";
  mount.set_accessor(prefix + mount.engine() + "_" + std::string(call.rng().base62(kAccessorCharacters).reveal()));
  mount.set_uuid(format_uuid(call.rng().bytes(kUuidBytes)));
  mount.set_description(call.fields().text("description"));
  mount.set_local(call.fields().boolean("local"));
  mount.set_created_ms(call.now());
  TRY(mount_settings::check_size(mount));
  put_record(call, mount);
  return Reply::none();
}

Result<Reply> MountRoutes::tune(Call& call, const std::string& path) {
  const MountPoint* found = mount_at(call, path);
  if (found == nullptr) return invalid("tune of path \"" + path + "\" failed: no mount entry found");
  // source: Vault, untunableMounts. The token store's bounds are the operator's to set.
  if (found->built_in() && found->record.id() != core::kTokenMount) return invalid("cannot tune \"" + path + "\": it is built in");
  TRY_ASSIGN(Mount mount, record_to_change(call, *found));
  TRY(mount_settings::apply(call.fields(), mount));
  TRY(change_options(call.fields(), mount));
  if (call.fields().has("description")) mount.set_description(call.fields().text("description"));
  TRY(mount_settings::check_size(mount));
  put_record(call, mount);
  return Reply::none();
}

Result<Reply> MountRoutes::list_mounts(Call& call) { return list(call, MountKind::kSecrets); }

Result<Reply> MountRoutes::read_mount(Call& call) {
  const MountPoint* mount = mount_at(call, mount_path(call));
  if (mount == nullptr || is_auth(mount->record)) {
    return invalid("No secret engine mount at " + mount_path(call));  // Terraform looks for the first words.
  }
  return tell(*mount);
}

Result<Reply> MountRoutes::mount(Call& call) { return make(call, mount_path(call), MountKind::kSecrets); }

Result<Reply> MountRoutes::unmount(Call& call) {
  const MountPoint* mount = mount_at(call, mount_path(call));
  if (mount != nullptr && mount->built_in()) return invalid("cannot unmount \"" + mount_path(call) + "\": it is built in");
  if (mount != nullptr && is_auth(mount->record)) return invalid("this is an auth method: sys/auth disables it");
  return remove(call, mount_path(call));
}

Result<Reply> MountRoutes::read_mount_tuning(Call& call) { return read_tuning(call, mount_path(call)); }
Result<Reply> MountRoutes::tune_mount(Call& call) { return tune(call, mount_path(call)); }

Result<Reply> MountRoutes::list_auth(Call& call) { return list(call, MountKind::kAuth); }

Result<Reply> MountRoutes::read_auth(Call& call) {
  const MountPoint* mount = mount_at(call, auth_path(call));
  if (mount == nullptr) return invalid("No auth engine at " + auth_path(call));
  return tell(*mount);
}

Result<Reply> MountRoutes::enable_auth(Call& call) { return make(call, auth_path(call), MountKind::kAuth); }

Result<Reply> MountRoutes::disable_auth(Call& call) {
  const MountPoint* mount = mount_at(call, auth_path(call));
  if (mount != nullptr && mount->built_in()) return invalid("token credential backend cannot be disabled");
  return remove(call, auth_path(call));
}

Result<Reply> MountRoutes::read_auth_tuning(Call& call) { return read_tuning(call, auth_path(call)); }
Result<Reply> MountRoutes::tune_auth(Call& call) { return tune(call, auth_path(call)); }

}  // namespace keyhold::engine
