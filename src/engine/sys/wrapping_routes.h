#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::engine {

/// The fields and shapes of WrappingRoutes.
namespace wrapping_routes {

inline constexpr std::array kWrapFields{core::Field{
    .name = "data", .type = core::FieldType::kObject, .source = core::FieldSource::kWholeBody, .help = "What to wrap."}};
inline constexpr std::array kTokenFields{
    core::Field{.name = "token", .help = "The wrapping token; the caller's own when absent."}};

template <typename Engine>
constexpr core::Route<Engine> take(std::string_view path, Result<core::Reply> (Engine::*handler)(core::Call&),
                                   std::string_view help) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = core::Access::with_wrapping_token(core::Capability::kUpdate),
                   .fields = kTokenFields,
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kSecret,
                   .help = help},
          .handler = handler};
}

template <typename Engine>
constexpr core::Route<Engine> look(core::Operation operation, std::span<const core::Field> fields,
                                   Result<core::Reply> (Engine::*handler)(core::Call&)) {
  return {.info = {.operation = operation,
                   .path = "wrapping/lookup",
                   .access = core::Access::unauthenticated(),
                   .fields = fields,
                   .cost = core::Cost::kCached,
                   .reply = core::Payload::kSystem,
                   .help = "Where what waits in a wrapping token came from, and when. Does not use it."},
          .handler = handler};
}

}  // namespace wrapping_routes

/// "sys/wrapping/": hands on what waits in wrapping tokens (core/wrapping.h).
///
/// One object; it has no state.
/// source   Vault API, sys/wrapping.
class WrappingRoutes {
 public:
  Result<core::Reply> wrap(core::Call& call);
  Result<core::Reply> unwrap(core::Call& call);
  Result<core::Reply> rewrap(core::Call& call);
  Result<core::Reply> lookup(core::Call& call);

  static constexpr std::array kRoutes{
      core::Route<WrappingRoutes>{.info = {.operation = core::Operation::kUpdate,
                                           .path = "wrapping/wrap",
                                           .access = core::Capability::kUpdate,
                                           .fields = wrapping_routes::kWrapFields,
                                           .cost = core::Cost::kDisk,
                                           .reply = core::Payload::kSecret,
                                           .help = "Put data aside under a token that can be used once."},
                                  .handler = &WrappingRoutes::wrap},
      wrapping_routes::take("wrapping/unwrap", &WrappingRoutes::unwrap, "The answer that waits in a wrapping token, once."),
      wrapping_routes::take("wrapping/rewrap", &WrappingRoutes::rewrap, "Move what waits in a wrapping token to a new one."),
      wrapping_routes::look(core::Operation::kUpdate, wrapping_routes::kTokenFields, &WrappingRoutes::lookup),
      wrapping_routes::look(core::Operation::kRead, {}, &WrappingRoutes::lookup),
  };
};

}  // namespace keyhold::engine
