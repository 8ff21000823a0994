#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"
#include "engine/kv/name_list.h"
#include "engine/kv/plain_secrets.h"

namespace keyhold::engine {

/// Key/value secrets, version 1: the secret object of core/secret.h with one version, so that a mount can become version 2.
///
/// One object serves all mounts; it has no state.
/// source   Vault API, secret/kv/kv-v1.
class KvV1Engine {
 public:
  Result<core::Reply> read(core::Call& call);
  Result<core::Reply> write(core::Call& call) { return plain::write(call, {}); }
  Result<bool> exists(core::Call& call) { return plain::exists(call, {}); }
  Result<core::Reply> erase(core::Call& call) { return plain::erase(call, {}); }
  Result<core::Reply> list(core::Call& call) { return list_names(call, {}, core::secrets::Depth::kFolder); }
  Result<core::Reply> scan(core::Call& call) { return list_names(call, {}, core::secrets::Depth::kAll); }

 private:
  using Route = core::Route<KvV1Engine>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "{path...}",
                     .access = core::Capability::kRead,
                     .fields = plain::kPathFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read a secret; its field ttl tells for how long it may be used."},
            .handler = &KvV1Engine::read},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = plain::kWriteFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a secret in place of the old one."},
            .handler = &KvV1Engine::write,
            .exists = &KvV1Engine::exists},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "{path...}",
                     .access = core::Capability::kDelete,
                     .fields = plain::kPathFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Erase a secret for good."},
            .handler = &KvV1Engine::erase},
      listing<KvV1Engine>(core::Operation::kList, "{path...}", &KvV1Engine::list,
                          "List the names of a folder; other folders end with a slash."),
      listing<KvV1Engine>(core::Operation::kScan, "{path...}", &KvV1Engine::scan,
                          "List the names of a folder and of all folders below it."),
  };
};

}  // namespace keyhold::engine
