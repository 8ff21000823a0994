#pragma once

#include <array>

#include "core/call.h"
#include "core/node.h"
#include "core/route.h"

namespace keyhold::engine {

/// The fields and routes of KeyRoutes; each has two names.
namespace key_rotation {

inline constexpr std::array kConfigFields{
    core::Field{.name = "max_operations",
                .type = core::FieldType::kInteger,
                .audit = core::Audit::kClear,
                .help = "Encryptions after which the keyring gets a new key: 1000000 to 3865470566, which is the default."},
    core::Field{.name = "interval",
                .type = core::FieldType::kDuration,
                .audit = core::Audit::kClear,
                .help = "Time after which it does, 24 hours at least; 0 = never for that reason."},
    core::Field{.name = "enabled",
                .type = core::FieldType::kBoolean,
                .audit = core::Audit::kClear,
                .help = "Whether it does by itself at all."}};

template <typename Engine>
constexpr core::Route<Engine> rotate(std::string_view path, Result<core::Reply> (Engine::*handler)(core::Call&)) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = core::Access::with_sudo(core::Capability::kUpdate),
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kNone,
                   .help = "Encrypt with a new key from now on; what is there stays as it is."},
          .handler = handler};
}

template <typename Engine>
constexpr core::Route<Engine> read_config(std::string_view path, Result<core::Reply> (Engine::*handler)(core::Call&)) {
  return {.info = {.operation = core::Operation::kRead,
                   .path = path,
                   .access = core::Access::with_sudo(core::Capability::kRead),
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kSystem,
                   .help = "When the keyring gets a new key by itself."},
          .handler = handler};
}

template <typename Engine>
constexpr core::Route<Engine> write_config(std::string_view path, Result<core::Reply> (Engine::*handler)(core::Call&)) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = core::Access::with_sudo(core::Capability::kUpdate),
                   .fields = kConfigFields,
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kNone,
                   .help = "Set when the keyring gets a new key by itself."},
          .handler = handler};
}

}  // namespace key_rotation

/// "sys/rotate" and "sys/key-status": the keyring.
///
/// threads   Any.
/// source    Vault API, sys/rotate, sys/rotate/config, sys/key-status; OpenBao's names beside them.
class KeyRoutes {
 public:
  explicit KeyRoutes(core::Node& node) : node_(node) {}

  Result<core::Reply> rotate(core::Call& call);
  Result<core::Reply> status(core::Call& call);
  Result<core::Reply> read_config(core::Call& call);
  Result<core::Reply> write_config(core::Call& call);

 private:
  core::Node& node_;

 public:
  static constexpr std::array kRoutes{
      key_rotation::rotate("rotate", &KeyRoutes::rotate),
      key_rotation::rotate("rotate/keyring", &KeyRoutes::rotate),
      key_rotation::read_config("rotate/config", &KeyRoutes::read_config),
      key_rotation::read_config("rotate/keyring/config", &KeyRoutes::read_config),
      key_rotation::write_config("rotate/config", &KeyRoutes::write_config),
      key_rotation::write_config("rotate/keyring/config", &KeyRoutes::write_config),
      core::Route<KeyRoutes>{.info = {.operation = core::Operation::kRead,
                                      .path = "key-status",
                                      .access = core::Capability::kRead,
                                      .cost = core::Cost::kDisk,
                                      .reply = core::Payload::kSystem,
                                      .help = "The keyring's newest key: its number, since when, and how much it encrypted."},
                             .handler = &KeyRoutes::status},
  };
};

}  // namespace keyhold::engine
