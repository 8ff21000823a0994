#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"
#include "core/secret.h"

namespace keyhold::engine {

/// Key/value secrets, version 2: Vault's rules on the secret object of core/secret.h.
///
/// One object serves all mounts; it has no state.
/// source   Vault API, secret/kv/kv-v2.
class KvEngine {
 public:
  Result<core::Reply> read(core::Call& call);
  Result<core::Reply> write(core::Call& call);
  Result<bool> exists(core::Call& call);
  Result<core::Reply> erase_latest(core::Call& call);
  Result<core::Reply> erase(core::Call& call);
  Result<core::Reply> undelete(core::Call& call);
  Result<core::Reply> destroy(core::Call& call);
  Result<core::Reply> read_metadata(core::Call& call);
  Result<core::Reply> list(core::Call& call);

 private:
  Result<core::Reply> change(core::Call& call, core::secrets::StateChange change);

  static constexpr core::Field kPath{.name = "path",
                                     .source = core::FieldSource::kPath,
                                     .audit = core::Audit::kClear,
                                     .help = "Name of the secret."};
  static constexpr core::Field kVersions{.name = "versions",
                                         .type = core::FieldType::kIntegerList,
                                         .audit = core::Audit::kClear,
                                         .help = "Numbers of the versions."};
  static constexpr std::array kPathFields{kPath};
  static constexpr std::array kReadFields{kPath, core::Field{.name = "version",
                                                             .type = core::FieldType::kInteger,
                                                             .source = core::FieldSource::kQuery,
                                                             .audit = core::Audit::kClear,
                                                             .help = "Number of a version; 0 = the current one."}};
  static constexpr std::array kWriteFields{
      kPath,
      core::Field{.name = "data", .type = core::FieldType::kObject, .help = "The content, a JSON object."},
      core::Field{.name = "options",
                  .type = core::FieldType::kObject,
                  .help = "cas: the current version that must be found, 0 = none."}};
  static constexpr std::array kVersionsFields{kPath, kVersions};

 public:
  static constexpr std::array kRoutes{
      core::Route<KvEngine>{.info = {.operation = core::Operation::kRead,
                                     .path = "data/{path...}",
                                     .access = core::Capability::kRead,
                                     .fields = kReadFields,
                                     .cost = core::Cost::kCached,
                                     .reply = core::Payload::kSecret,
                                     .help = "Read one version; the current one when `version` is absent."},
                            .handler = &KvEngine::read},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kUpdate,
                                     .path = "data/{path...}",
                                     .access = core::Capability::kUpdate,
                                     .fields = kWriteFields,
                                     .cost = core::Cost::kDisk,
                                     .reply = core::Payload::kSecret,
                                     .help = "Write a new version, which becomes current."},
                            .handler = &KvEngine::write,
                            .exists = &KvEngine::exists},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kDelete,
                                     .path = "data/{path...}",
                                     .access = core::Capability::kDelete,
                                     .fields = kPathFields,
                                     .cost = core::Cost::kDisk,
                                     .reply = core::Payload::kNone,
                                     .help = "Delete the current version; undelete brings it back."},
                            .handler = &KvEngine::erase_latest},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kUpdate,
                                     .path = "delete/{path...}",
                                     .access = core::Capability::kUpdate,
                                     .fields = kVersionsFields,
                                     .cost = core::Cost::kDisk,
                                     .reply = core::Payload::kNone,
                                     .help = "Delete the listed versions; undelete brings them back."},
                            .handler = &KvEngine::erase},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kUpdate,
                                     .path = "undelete/{path...}",
                                     .access = core::Capability::kUpdate,
                                     .fields = kVersionsFields,
                                     .cost = core::Cost::kDisk,
                                     .reply = core::Payload::kNone,
                                     .help = "Bring the listed deleted versions back."},
                            .handler = &KvEngine::undelete},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kUpdate,
                                     .path = "destroy/{path...}",
                                     .access = core::Capability::kUpdate,
                                     .fields = kVersionsFields,
                                     .cost = core::Cost::kDisk,
                                     .reply = core::Payload::kNone,
                                     .help = "Erase the listed versions for good."},
                            .handler = &KvEngine::destroy},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kRead,
                                     .path = "metadata/{path...}",
                                     .access = core::Capability::kRead,
                                     .fields = kPathFields,
                                     .cost = core::Cost::kCached,
                                     .reply = core::Payload::kSecret,
                                     .help = "Read the state of all versions, without content."},
                            .handler = &KvEngine::read_metadata},
      core::Route<KvEngine>{.info = {.operation = core::Operation::kList,
                                     .path = "metadata/{path...}",
                                     .access = core::Capability::kList,
                                     .fields = kPathFields,
                                     .cost = core::Cost::kDisk,
                                     .reply = core::Payload::kSecret,
                                     .help = "List the names below a path; folders end with a slash."},
                            .handler = &KvEngine::list},
  };
};

}  // namespace keyhold::engine
