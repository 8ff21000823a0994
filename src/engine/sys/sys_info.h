#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {

/// "sys/" routes about the server itself.
///
/// One object; it has no state.
/// source   Vault API, sys/leader, sys/ha-status, sys/host-info, sys/version-history.
class SysInfo {
 public:
  Result<core::Reply> leader(core::Call& call);
  Result<core::Reply> host_info(core::Call& call);
  Result<core::Reply> version_history(core::Call& call);

  static constexpr std::array kRoutes{
      status_route<SysInfo>("leader", core::Payload::kBare, &SysInfo::leader, "Who leads: this node, alone."),
      core::Route<SysInfo>{.info = {.operation = core::Operation::kRead,
                                    .path = "host-info",
                                    .access = core::Capability::kRead,
                                    .cost = core::Cost::kDisk,
                                    .reply = core::Payload::kSecret,
                                    .help = "The machine that the server runs on."},
                           .handler = &SysInfo::host_info},
      core::Route<SysInfo>{.info = {.operation = core::Operation::kList,
                                    .path = "version-history",
                                    .access = core::Capability::kList,
                                    .cost = core::Cost::kDisk,
                                    .reply = core::Payload::kSecret,
                                    .help = "The versions of the server that have run on this store, and since when."},
                           .handler = &SysInfo::version_history},
  };
};

}  // namespace keyhold::engine
