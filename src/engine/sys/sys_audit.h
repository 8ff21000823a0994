#pragma once

#include <array>
#include <vector>

#include "core/audit/forward/device.h"
#include "core/call.h"
#include "core/route.h"

namespace keyhold::engine {

/// The routes of audit devices, which only the configuration file can declare.
///
/// threads   Any.
/// source    Vault API, sys/audit and sys/audit-hash.
class SysAudit {
 public:
  explicit SysAudit(std::vector<core::audit::Device> devices) : devices_(std::move(devices)) {}

  Result<core::Reply> list(core::Call& call);
  Result<core::Reply> refuse(core::Call& call);
  Result<core::Reply> hash(core::Call& call);

 private:
  const std::vector<core::audit::Device> devices_;

  static constexpr core::Field kPath{.name = "path",
                                     .source = core::FieldSource::kPath,
                                     .audit = core::Audit::kClear,
                                     .help = "Name of the audit device."};
  static constexpr std::array kPathFields{kPath};
  static constexpr std::array kDeviceFields{
      kPath,
      core::Field{.name = "type", .help = "Kind of device."},
      core::Field{.name = "description", .help = "For people."},
      core::Field{.name = "options", .type = core::FieldType::kStringMap, .help = "Of the device."},
      core::Field{.name = "local", .type = core::FieldType::kBoolean, .help = "Whether it is this node's alone."}};
  static constexpr std::array kHashFields{
      kPath, core::Field{.name = "input", .help = "The value to look for in the device's lines."}};

  using Route = core::Route<SysAudit>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "audit",
                     .access = core::Capability::kSudo,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .help = "The audit devices that the configuration file declares."},
            .handler = &SysAudit::list},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "audit/{path...}",
                     .access = core::Capability::kSudo,
                     .fields = kDeviceFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kNone,
                     .trailing_slash = core::TrailingSlash::kIgnored,
                     .help = "Refused: audit devices are declared in the configuration file."},
            .handler = &SysAudit::refuse},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "audit/{path...}",
                     .access = core::Capability::kSudo,
                     .fields = kPathFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kNone,
                     .trailing_slash = core::TrailingSlash::kIgnored,
                     .help = "Refused: audit devices are declared in the configuration file."},
            .handler = &SysAudit::refuse},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "audit-hash/{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = kHashFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .trailing_slash = core::TrailingSlash::kIgnored,
                     .help = "The hash under which a value stands in audit lines."},
            .handler = &SysAudit::hash},
  };
};

}  // namespace keyhold::engine
