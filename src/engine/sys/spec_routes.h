#pragma once

#include <array>

#include "core/call.h"
#include "core/router.h"

namespace keyhold::engine {

/// The fields and shape of SpecRoutes.
namespace specs {

constexpr core::Field generic_from(core::FieldSource source) {
  return {.name = "generic_mount_paths",
          .type = core::FieldType::kBoolean,
          .source = source,
          .audit = core::Audit::kClear,
          .help = "Whether a parameter stands for where an engine is mounted."};
}
constexpr core::Field context_from(core::FieldSource source) {
  return {.name = "context", .source = source, .audit = core::Audit::kClear, .help = "Kept for clients: names nothing here."};
}
inline constexpr std::array kReadFields{generic_from(core::FieldSource::kQuery), context_from(core::FieldSource::kQuery)};
inline constexpr std::array kUpdateFields{generic_from(core::FieldSource::kBody), context_from(core::FieldSource::kBody)};

template <typename Engine>
constexpr core::Route<Engine> route(core::Operation operation, core::Capability capability, std::span<const core::Field> fields,
                                    Result<core::Reply> (Engine::*handler)(core::Call&)) {
  return {.info = {.operation = operation,
                   .path = "internal/specs/openapi",
                   .access = capability,
                   .fields = fields,
                   .cost = core::Cost::kCpu,
                   .reply = core::Payload::kBare,
                   .help = "An OpenAPI document of what the caller's token reaches."},
          .handler = handler};
}

}  // namespace specs

/// "sys/internal/specs/": the tables of routes as a document.
///
/// One object; it has no state but the router, which outlives it.
/// source   Vault API, sys/internal/specs/openapi.
class SpecRoutes {
 public:
  explicit SpecRoutes(const core::Router& router) : router_(router) {}

  Result<core::Reply> open_api(core::Call& call);

 private:
  const core::Router& router_;

 public:
  static constexpr std::array kRoutes{
      specs::route(core::Operation::kRead, core::Capability::kRead, specs::kReadFields, &SpecRoutes::open_api),
      specs::route(core::Operation::kUpdate, core::Capability::kUpdate, specs::kUpdateFields, &SpecRoutes::open_api),
  };
};

}  // namespace keyhold::engine
