#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"
#include "core/secret_write.h"
#include "engine/kv/kv_fields.h"

namespace keyhold::engine {

/// Key/value secrets, version 2: Vault's rules on the secret object of core/secret.h.
///
/// One object serves all mounts; it has no state.
/// source   Vault API, secret/kv/kv-v2.
class KvEngine {
 public:
  // kv_engine.cc
  Result<core::Reply> read(core::Call& call);
  Result<core::Reply> write(core::Call& call);
  Result<core::Reply> patch(core::Call& call);
  Result<core::Reply> read_subkeys(core::Call& call);
  Result<bool> exists(core::Call& call);

  // version_routes.cc
  Result<core::Reply> erase_latest(core::Call& call);
  Result<core::Reply> erase(core::Call& call);
  Result<core::Reply> undelete(core::Call& call);
  Result<core::Reply> destroy(core::Call& call);

  // metadata_routes.cc
  Result<core::Reply> read_metadata(core::Call& call);
  Result<core::Reply> write_metadata(core::Call& call);
  Result<core::Reply> patch_metadata(core::Call& call);
  Result<core::Reply> erase_metadata(core::Call& call);
  Result<core::Reply> list(core::Call& call);
  Result<core::Reply> scan(core::Call& call);
  Result<core::Reply> list_detailed(core::Call& call);
  Result<core::Reply> scan_detailed(core::Call& call);
  Result<core::Reply> read_config(core::Call& call);
  Result<core::Reply> write_config(core::Call& call);

  // rotation_routes.cc
  Result<core::Reply> read_rotation(core::Call& call);
  Result<core::Reply> rotate(core::Call& call);
  Result<core::Reply> cancel_rotation(core::Call& call);

  /// Of a path that belongs to none of the others: says where secrets are.
  Result<core::Reply> misplaced(core::Call& call);

 private:
  using Route = core::Route<KvEngine>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "data/{path...}",
                     .access = core::Capability::kRead,
                     .fields = kv::kReadFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read one version; the current one when `version` is absent."},
            .handler = &KvEngine::read},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "data/{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = kv::kWriteFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Write a new version, which becomes current."},
            .handler = &KvEngine::write,
            .exists = &KvEngine::exists},
      Route{.info = {.operation = core::Operation::kPatch,
                     .path = "data/{path...}",
                     .access = core::Capability::kPatch,
                     .fields = kv::kWriteFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Write the current version, changed by a JSON merge patch, as a new one."},
            .handler = &KvEngine::patch},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "data/{path...}",
                     .access = core::Capability::kDelete,
                     .fields = kv::kPathFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Delete the current version; undelete brings it back."},
            .handler = &KvEngine::erase_latest},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "subkeys/{path...}",
                     .access = core::Capability::kRead,
                     .fields = kv::kSubkeysFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read the names of a version's fields, without their values."},
            .handler = &KvEngine::read_subkeys},
      kv::of_versions<KvEngine>("delete/{path...}", &KvEngine::erase, "Delete the listed versions; undelete brings them back."),
      kv::of_versions<KvEngine>("undelete/{path...}", &KvEngine::undelete, "Bring the listed deleted versions back."),
      kv::of_versions<KvEngine>("destroy/{path...}", &KvEngine::destroy, "Erase the listed versions for good."),
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "metadata/{path...}",
                     .access = core::Capability::kRead,
                     .fields = kv::kPathFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read the state of all versions, without content."},
            .handler = &KvEngine::read_metadata},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "metadata/{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = kv::kMetadataFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Set what is known of a secret beside its versions; makes one without versions if need be."},
            .handler = &KvEngine::write_metadata,
            .exists = &KvEngine::exists},
      Route{.info = {.operation = core::Operation::kPatch,
                     .path = "metadata/{path...}",
                     .access = core::Capability::kPatch,
                     .fields = kv::kMetadataFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Change some of what is known of a secret, by a JSON merge patch."},
            .handler = &KvEngine::patch_metadata},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "metadata/{path...}",
                     .access = core::Capability::kDelete,
                     .fields = kv::kPathFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Erase a secret with all its versions for good."},
            .handler = &KvEngine::erase_metadata},
      listing<KvEngine>(core::Operation::kList, "metadata/{path...}", &KvEngine::list,
              "List the names of a folder; other folders end with a slash."),
      listing<KvEngine>(core::Operation::kScan, "metadata/{path...}", &KvEngine::scan,
              "List the names of a folder and of all folders below it."),
      listing<KvEngine>(core::Operation::kList, "detailed-metadata/{path...}", &KvEngine::list_detailed,
              "List a folder, with the metadata of each secret."),
      listing<KvEngine>(core::Operation::kScan, "detailed-metadata/{path...}", &KvEngine::scan_detailed,
              "List a folder and all below it, with the metadata of each secret."),
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "rotate/{path...}",
                     .access = core::Capability::kRead,
                     .fields = kv::kPathFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read how a secret rotates, what is in hand, and what came of the last times."},
            .handler = &KvEngine::read_rotation},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "rotate/{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = kv::kRotateFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Set how a secret rotates, rotate it now, or have the rotation in hand tried again or ended."},
            .handler = &KvEngine::rotate},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "rotate/{path...}",
                     .access = core::Capability::kDelete,
                     .fields = kv::kPathFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Turn a secret's rotation off, and end one that is in hand."},
            .handler = &KvEngine::cancel_rotation},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "config",
                     .access = core::Capability::kRead,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "Read what is set for all secrets of the mount."},
            .handler = &KvEngine::read_config},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "config",
                     .access = core::Capability::kUpdate,
                     .fields = kv::kConfigFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Set something for all secrets of the mount."},
            .handler = &KvEngine::write_config},
      kv::misplaced<KvEngine>(core::Operation::kRead, core::Capability::kRead, &KvEngine::misplaced),
      kv::misplaced<KvEngine>(core::Operation::kUpdate, core::Capability::kUpdate, &KvEngine::misplaced),
      kv::misplaced<KvEngine>(core::Operation::kPatch, core::Capability::kPatch, &KvEngine::misplaced),
      kv::misplaced<KvEngine>(core::Operation::kDelete, core::Capability::kDelete, &KvEngine::misplaced),
      kv::misplaced<KvEngine>(core::Operation::kList, core::Capability::kList, &KvEngine::misplaced),
      kv::misplaced<KvEngine>(core::Operation::kScan, core::Capability::kScan, &KvEngine::misplaced),
  };
};

}  // namespace keyhold::engine
