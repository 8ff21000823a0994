#include "engine/sys/mount_routes.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MountPoint;
using core::Reply;

constexpr std::string_view kVisibleToAll = "unauth";

bool visible(const Call& call, const core::records::Mount& mount) {
  if (mount.listing_visibility() == kVisibleToAll) return true;
  return call.has_principal() && call.principal().policies.reach(mount.path());
}

/// A stranger learns what a mount is, and nothing by which it is known inside.
void append(json::Writer& writer, const Call& call, const core::records::Mount& mount) {
  writer.begin_object();
  if (call.has_principal()) {
    mount_settings::append_members(writer, mount);
  } else {
    mount_settings::append_public_members(writer, mount);
  }
  writer.end_object();
}

void append_all(json::Writer& writer, const Call& call, core::MountKind kind) {
  writer.begin_object();
  for (const MountPoint* mount : call.config().mounts(call.namespace_id())) {
    const std::string_view path = mount->record.path();
    if (kind_at(path) != kind || !visible(call, mount->record)) continue;
    append(writer.key(kind == core::MountKind::kAuth ? path.substr(kAuthPrefix.size()) : path), call, mount->record);
  }
  writer.end_object();
}

}  // namespace

Result<Reply> MountRoutes::visible_mounts(Call& call) {
  // It would be a write for anybody.
  if (!call.has_principal() && call.request().wrap_ttl_s) return Error{Code::kDenied, "permission denied"};
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_all(writer.key("auth"), call, core::MountKind::kAuth);
  append_all(writer.key("secret"), call, core::MountKind::kSecrets);
  writer.end_object();
  return reply;
}

/// One answer for a mount that the caller has nothing in and for none at all, or paths could be tried for those that exist.
Result<Reply> MountRoutes::visible_mount(Call& call) {
  if (!call.has_principal()) return Error{Code::kDenied, "permission denied"};
  const std::string path = call.fields().text("path");
  const MountPoint* mount = call.config().mount_of(call.namespace_id(), path);
  if (mount == nullptr || !call.principal().policies.reach(mount->record.path())) {
    return Error{Code::kDenied, "preflight capability check returned 403, please ensure client's policies grant access to path \"" +
                                    path + "/\""};
  }
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  mount_settings::append_members(writer, mount->record);
  writer.key("path").string(mount->record.path());
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
