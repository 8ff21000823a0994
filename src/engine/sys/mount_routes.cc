#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/time_format.h"
#include "core/keys.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MountPoint;
using core::Reply;

constexpr std::size_t kAccessorCharacters = 8;
constexpr std::size_t kUuidBytes = 16;
constexpr std::string_view kAuthPrefix = "auth/";

/// What the field "type" may say. source: Vault API, sys/mounts.
struct EngineType {
  std::string_view name;
  std::string_view engine;
  std::string_view version = {};  // The short form of an engine and its option "version".
};
constexpr std::array kEngineTypes{
    EngineType{"kv", "kv"},
    EngineType{"kv-v1", "kv", "1"},
    EngineType{"kv-v2", "kv", "2"},
    EngineType{"generic", "generic"},  // What kv without versions was called first.
};

const EngineType* engine_type(std::string_view name) {
  const auto found = std::find_if(kEngineTypes.begin(), kEngineTypes.end(),
                                  [name](const EngineType& type) { return type.name == name; });
  return found == kEngineTypes.end() ? nullptr : &*found;
}

void append_mount(json::Writer& writer, const core::records::Mount& mount) {
  writer.begin_object();
  writer.key("accessor").string(mount.accessor());
  writer.key("config").begin_object();
  writer.key("default_lease_ttl").number(mount.default_lease_ttl_s());
  writer.key("force_no_cache").boolean(false);
  writer.key("max_lease_ttl").number(mount.max_lease_ttl_s());
  writer.end_object();
  writer.key("description").string(mount.description());
  writer.key("external_entropy_access").boolean(false);
  writer.key("local").boolean(false);
  writer.key("options");
  if (mount.options().empty()) {
    writer.null();
  } else {
    writer.begin_object();
    for (const auto& [name, value] : mount.options()) writer.key(name).string(value);
    writer.end_object();
  }
  writer.key("seal_wrap").boolean(false);
  writer.key("type").string(mount.engine() == "sys" ? "system" : mount.engine());
  writer.key("uuid").string(mount.uuid());
  writer.end_object();
}

bool is_auth(const core::records::Mount& mount) { return mount.path().starts_with(kAuthPrefix); }

std::string mount_path(const Call& call) { return call.fields().text("path") + "/"; }

/// One of `a`, `b` would hide the other.
bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

/// Every change of the mount table goes through here: it reads and bumps the guard, so two that would overlap cannot
/// both commit, and decides by the table that belongs to that guard.
Result<void> bump_guard(Call& call) {
  const std::string key = core::keys::mount_guard(call.namespace_id());
  TRY_ASSIGN(const core::EntryRef entry, call.tx().get(key));
  if (entry->version() != call.config().mounts_version(call.namespace_id())) {
    return Error{Code::kConflict, "the mount table changed"};
  }
  core::records::MountGuard guard;
  if (entry->present()) {
    TRY_ASSIGN(guard, core::decode_record<core::records::MountGuard>(entry->value()));
  }
  guard.set_changes(guard.changes() + 1);
  call.tx().put(key, core::encode_record(guard));
  return {};
}

Result<std::int64_t> lease_ttl_s(const Call& call, std::string_view name) {
  const auto config = call.fields().object("config");
  if (!config) return 0;
  const auto value = config->find(name);
  if (!value || value->is_null()) return 0;
  if (value->is_string() && value->raw() == R"("")") return 0;  // What Go's client sends for "not given".
  auto seconds = value->is_string() ? parse_duration_s(value->as_string().value()) : value->as_int();
  if (!seconds.ok()) return Error{Code::kInvalid, std::string(name) + " must be seconds or a duration"};
  if (*seconds < 0) return Error{Code::kInvalid, std::string(name) + " must not be negative"};
  return *seconds;
}

}  // namespace

Result<Reply> SysEngine::list_mounts(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  for (const MountPoint* mount : call.config().mounts(call.namespace_id())) {
    if (!is_auth(mount->record)) append_mount(writer.key(mount->record.path()), mount->record);
  }
  writer.end_object();
  return reply;
}

Result<Reply> SysEngine::read_mount(Call& call) {
  const std::string path = mount_path(call);
  const MountPoint* mount = call.config().mount_of(call.namespace_id(), path);
  if (mount == nullptr || mount->record.path() != path || is_auth(mount->record)) {
    return Error{Code::kInvalid, "No secret engine mount at this path"};  // Terraform looks for the first words.
  }
  Reply reply;
  json::Writer writer(reply.data);
  append_mount(writer, mount->record);
  return reply;
}

Result<Reply> SysEngine::mount(Call& call) {
  const std::string path = mount_path(call);
  const EngineType* type = engine_type(call.fields().text("type"));
  if (type == nullptr) return Error{Code::kInvalid, "the field \"type\" must name an engine: kv-v2 is one"};
  auto options = call.fields().string_map("options");
  if (!type->version.empty()) options["version"] = type->version;
  if (path.starts_with(kAuthPrefix) || path == "sys/" || path.starts_with("sys/")) {
    return Error{Code::kInvalid, "this path is reserved"};
  }

  core::Transaction& tx = call.tx();
  TRY(bump_guard(call));
  for (const MountPoint* other : call.config().mounts(call.namespace_id())) {
    if (overlap(path, other->record.path())) {
      return Error{Code::kInvalid, "path is already in use at another mount, or would hide it"};
    }
  }

  TRY_ASSIGN(const auto next, tx.load<core::records::NextId>(core::keys::next_id()));
  const std::uint64_t id = next == nullptr ? core::kFirstMountId : next->next();
  core::records::NextId after;
  after.set_next(id + 1);

  core::records::Mount mount;
  mount.set_id(id);
  mount.set_namespace_id(call.namespace_id());
  mount.set_path(path);
  mount.set_engine(std::string(type->engine));
  mount.set_accessor(mount.engine() + "_" + std::string(call.rng().base62(kAccessorCharacters).reveal()));
  mount.set_uuid(format_uuid(call.rng().bytes(kUuidBytes)));
  mount.set_description(call.fields().text("description"));
  for (const auto& [name, value] : options) (*mount.mutable_options())[name] = value;
  if (!router_.has(core::engine_name(mount))) {
    return Error{Code::kInvalid, "there is no such version of this engine"};
  }
  mount.set_created_ms(call.now());
  TRY_ASSIGN(const std::int64_t default_ttl_s, lease_ttl_s(call, "default_lease_ttl"));
  TRY_ASSIGN(const std::int64_t max_ttl_s, lease_ttl_s(call, "max_lease_ttl"));
  mount.set_default_lease_ttl_s(default_ttl_s);
  mount.set_max_lease_ttl_s(max_ttl_s);

  tx.put(core::keys::next_id(), core::encode_record(after));
  tx.put(core::keys::mount(call.namespace_id(), id), core::encode_record(mount));
  return Reply::none();
}

Result<Reply> SysEngine::unmount(Call& call) {
  const std::string path = mount_path(call);
  const MountPoint* mount = call.config().mount_of(call.namespace_id(), path);
  // Like Vault, removing what is not there succeeds.
  if (mount == nullptr || mount->record.path() != path) return Reply::none();
  if (mount->built_in()) return Error{Code::kInvalid, "this mount is built in and cannot be removed"};

  core::Transaction& tx = call.tx();
  const std::string key = core::keys::mount(call.namespace_id(), mount->record.id());
  TRY_ASSIGN(const auto record, tx.load<core::records::Mount>(key));
  if (record == nullptr || record->state() != core::records::Mount::ACTIVE) return Reply::none();
  TRY(bump_guard(call));

  core::records::Mount removed = *record;
  removed.set_state(core::records::Mount::REMOVED);
  core::records::Job job;
  job.set_kind(core::records::Job::REMOVE_MOUNT_DATA);
  job.set_namespace_id(call.namespace_id());
  job.set_mount_id(record->id());
  job.set_created_ms(call.now());
  tx.put(key, core::encode_record(removed));
  tx.put(core::keys::job(call.namespace_id(), record->id()), core::encode_record(job));
  return Reply::none();
}

}  // namespace keyhold::engine
