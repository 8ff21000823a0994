#include "engine/sys/spec_routes.h"

#include "core/open_api.h"

namespace keyhold::engine {

Result<core::Reply> SpecRoutes::open_api(core::Call& call) {
  std::vector<core::DescribedMount> mounts;
  for (const core::MountPoint* mount : call.config().mounts(call.namespace_id())) {
    // Whoever has nothing there is not to learn of it.
    if (!call.principal().policies.reach(mount->record.path())) continue;
    core::DescribedMount& described = mounts.emplace_back();
    described.path = mount->record.path();
    described.type = mount->record.engine();
    for (const core::BoundRoute& route : router_.routes_of(*mount)) described.routes.push_back(&route);
  }
  const auto paths = call.fields().boolean("generic_mount_paths") ? core::MountPaths::kGeneric : core::MountPaths::kActual;
  core::Reply reply;
  json::Writer writer(reply.data);
  core::append_open_api(writer, mounts, paths);
  return reply;
}

}  // namespace keyhold::engine
