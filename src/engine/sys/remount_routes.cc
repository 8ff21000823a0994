#include "base/encoding.h"
#include "core/path.h"
#include "engine/sys/mount_routes.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MountPoint;
using core::Reply;
using core::records::Mount;

constexpr std::size_t kUuidBytes = 16;

/// As it stands in a mount's record: no slash in front, one behind.
std::string mount_form(std::string path) {
  if (path.starts_with('/')) path.erase(0, 1);
  if (!path.ends_with('/')) path.push_back('/');
  return path;
}

/// The same rules as for the path of a request, in which an escape stands for what it encodes.
Result<std::string> new_path(std::string path) {
  path = mount_form(std::move(path));
  if (path.find('%') != std::string::npos) return Error{Code::kInvalid, "invalid destination mount: it contains a percent sign"};
  auto canonical = core::canonical_path(path);
  if (!canonical.ok()) return Error{Code::kInvalid, "invalid destination mount: " + canonical.error().message};
  return canonical;
}

}  // namespace

/// Moves an entry of the index. What the mount holds and gave out is filed under its id, and stays.
Result<Reply> MountRoutes::remount(Call& call) {
  if (call.fields().text("from").empty() || call.fields().text("to").empty()) {
    return Error{Code::kInvalid, "both 'from' and 'to' path must be specified as a string"};
  }
  const std::string from = mount_form(call.fields().text("from"));
  TRY_ASSIGN(const std::string to, new_path(call.fields().text("to")));
  const MountPoint* found = mount_at(call, from);
  if (found == nullptr) return Error{Code::kInvalid, "no matching mount at the path 'from'"};
  if (found->built_in()) return Error{Code::kInvalid, "cannot remount \"" + from + "\": it is built in"};
  if (is_auth(found->record) && kind_at(to) != core::MountKind::kAuth) {
    return Error{Code::kInvalid, "cannot remount auth mount to non-auth mount"};
  }
  TRY_ASSIGN(Mount mount, record_to_change(call, *found));
  TRY(claim_path(call, to, kind_at(from)));
  mount.set_path(to);
  mount.set_moved_from(from);
  mount.set_migration_id(format_uuid(call.rng().bytes(kUuidBytes)));
  TRY(mount_settings::check_size(mount));
  put_record(call, mount);

  Reply reply;
  json::Writer(reply.data).begin_object().key("migration_id").string(mount.migration_id()).end_object();
  return reply;
}

/// Known of each mount is its last move. One that was told has happened: the answer comes with the commit.
Result<Reply> MountRoutes::remount_status(Call& call) {
  const std::string id = call.fields().text("migration_id");
  for (const MountPoint* mount : call.config().mounts(call.namespace_id())) {
    if (mount->record.migration_id() != id) continue;
    Reply reply;
    json::Writer writer(reply.data);
    writer.begin_object();
    writer.key("migration_id").string(id);
    writer.key("migration_info").begin_object();
    writer.key("source_mount").string(mount->record.moved_from());
    writer.key("status").string("success");
    writer.key("target_mount").string(mount->record.path());
    writer.end_object().end_object();
    return reply;
  }
  return Reply::not_found();
}

}  // namespace keyhold::engine
