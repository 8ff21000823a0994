#include "engine/sys/mount_table.h"

#include <algorithm>
#include <array>

#include "core/keys.h"
#include "core/record.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MountPoint;
using core::records::Mount;

/// No engine for secrets is mounted at or below these. source: Vault, protectedMounts.
constexpr std::array<std::string_view, 5> kReserved{"audit/", kAuthPrefix, "cubbyhole/", "identity/", "sys/"};
constexpr std::size_t kPathBytesMax = 512;
constexpr std::string_view kTuneSuffix = "/tune/";

/// One of `a`, `b` would hide the other.
bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

Result<void> check_path(std::string_view path, core::MountKind kind) {
  if (path.size() > kPathBytesMax) return Error{Code::kInvalid, "the path of a mount is at most 512 bytes long"};
  const bool reserved = std::any_of(kReserved.begin(), kReserved.end(), [&](std::string_view taken) { return path.starts_with(taken); });
  if (kind != kind_at(path) || (kind == core::MountKind::kSecrets && reserved)) return Error{Code::kInvalid, "this path is reserved"};
  // Requests about it would be about the tuning of another.
  const std::string_view own = kind == core::MountKind::kAuth ? path.substr(kAuthPrefix.size()) : path;
  if (own.empty()) return Error{Code::kInvalid, "the path of an auth method needs a name below auth/"};
  if (own.ends_with(kTuneSuffix)) return Error{Code::kInvalid, "the path of a mount must not end with /tune"};
  return {};
}

}  // namespace

const MountPoint* mount_at(const Call& call, std::string_view path) {
  const MountPoint* mount = call.config().mount_of(call.namespace_id(), path);
  return mount != nullptr && mount->record.path() == path ? mount : nullptr;
}

Result<Mount> record_to_change(const Call& call, const MountPoint& mount) {
  TRY_ASSIGN(const auto stored, call.tx().load<Mount>(core::keys::mount(call.namespace_id(), mount.record.id())));
  // One built in has a record of its own only when it was changed before.
  if (stored == nullptr && mount.version == 0) return mount.record;
  const bool same = stored != nullptr && stored->state() == Mount::ACTIVE && stored->path() == mount.record.path();
  if (!same) return Error{Code::kConflict, "the mount table changed"};
  return *stored;
}

void put_record(const Call& call, const Mount& mount) {
  call.tx().put(core::keys::mount(mount.namespace_id(), mount.id()), core::encode_record(mount));
}

Result<void> bump_guard(const Call& call) {
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

Result<void> claim_path(const Call& call, std::string_view path, core::MountKind kind) {
  TRY(check_path(path, kind));
  TRY(bump_guard(call));
  for (const MountPoint* other : call.config().mounts(call.namespace_id())) {
    if (overlap(path, other->record.path())) {
      return Error{Code::kInvalid, "path is already in use at another mount, or would hide it"};
    }
  }
  return {};
}

}  // namespace keyhold::engine
