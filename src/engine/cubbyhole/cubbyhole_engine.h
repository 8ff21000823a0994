#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"
#include "engine/kv/name_list.h"
#include "engine/kv/plain_secrets.h"

namespace keyhold::engine {

/// Secrets that only the token sees which wrote them, and that go with it (core/cubbyhole.h).
///
/// One object serves all namespaces; it has no state.
/// source   Vault API, secret/cubbyhole.
class CubbyholeEngine {
 public:
  Result<core::Reply> read(core::Call& call);
  Result<core::Reply> write(core::Call& call);
  Result<bool> exists(core::Call& call);
  Result<core::Reply> erase(core::Call& call);
  Result<core::Reply> list(core::Call& call);

 private:
  using Route = core::Route<CubbyholeEngine>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "{path...}",
                     .access = core::Capability::kRead,
                     .fields = plain::kPathFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read a secret of the caller's token."},
            .handler = &CubbyholeEngine::read},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = plain::kWriteFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a secret that only this token can read, for as long as the token lives."},
            .handler = &CubbyholeEngine::write,
            .exists = &CubbyholeEngine::exists},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "{path...}",
                     .access = core::Capability::kDelete,
                     .fields = plain::kPathFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Erase a secret of the caller's token."},
            .handler = &CubbyholeEngine::erase},
      listing<CubbyholeEngine>(core::Operation::kList, "{path...}", &CubbyholeEngine::list,
                               "List the names of a folder of the caller's token."),
  };
};

}  // namespace keyhold::engine
