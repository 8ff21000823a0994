#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"
#include "core/router.h"
#include "engine/sys/mount_settings.h"
#include "engine/sys/mount_table.h"

namespace keyhold::engine {

/// A route that tells of mounts, from the Config.
template <typename Engine>
constexpr core::Route<Engine> mount_look(std::string_view path, core::Access access, std::span<const core::Field> fields,
                                         Result<core::Reply> (Engine::*handler)(core::Call&), std::string_view help,
                                         core::Payload reply = core::Payload::kSystem) {
  return {.info = {.operation = core::Operation::kRead,
                   .path = path,
                   .access = access,
                   .fields = fields,
                   .cost = core::Cost::kCached,
                   .reply = reply,
                   .trailing_slash = core::TrailingSlash::kIgnored,
                   .help = help},
          .handler = handler};
}

/// A route that changes them.
template <typename Engine>
constexpr core::Route<Engine> mount_change(core::Operation operation, std::string_view path, core::Access access,
                                           std::span<const core::Field> fields, Result<core::Reply> (Engine::*handler)(core::Call&),
                                           std::string_view help, core::Payload reply = core::Payload::kNone) {
  return {.info = {.operation = operation,
                   .path = path,
                   .access = access,
                   .fields = fields,
                   .cost = core::Cost::kDisk,
                   .reply = reply,
                   .trailing_slash = core::TrailingSlash::kIgnored,
                   .help = help},
          .handler = handler};
}

/// The part of "sys/" that is about mounts: of engines for secrets and of auth methods. Which types there are, the Router says.
///
/// threads  Any.
/// source   Vault API, sys/mounts, sys/auth, sys/remount, sys/internal/ui/mounts.
class MountRoutes {
 public:
  explicit MountRoutes(const core::Router& router) : router_(router) {}

  Result<core::Reply> list_mounts(core::Call& call);
  Result<core::Reply> read_mount(core::Call& call);
  Result<core::Reply> mount(core::Call& call);
  Result<core::Reply> unmount(core::Call& call);
  Result<core::Reply> read_mount_tuning(core::Call& call);
  Result<core::Reply> tune_mount(core::Call& call);

  Result<core::Reply> list_auth(core::Call& call);
  Result<core::Reply> read_auth(core::Call& call);
  Result<core::Reply> enable_auth(core::Call& call);
  Result<core::Reply> disable_auth(core::Call& call);
  Result<core::Reply> read_auth_tuning(core::Call& call);
  Result<core::Reply> tune_auth(core::Call& call);

  // remount_routes.cc
  Result<core::Reply> remount(core::Call& call);
  Result<core::Reply> remount_status(core::Call& call);

  // visible_mounts.cc
  Result<core::Reply> visible_mounts(core::Call& call);
  Result<core::Reply> visible_mount(core::Call& call);

 private:
  Result<core::Reply> make(core::Call& call, const std::string& path, core::MountKind kind);
  Result<core::Reply> tune(core::Call& call, const std::string& path);
  /// The engine that the field "type" names, and its version, into the mount. errors: kInvalid, naming those there are.
  Result<void> set_engine(const core::FieldValues& fields, core::MountKind kind, core::records::Mount& mount) const;
  /// errors: kInvalid: the engine has no such version, or an older one than now.
  Result<void> change_options(const core::FieldValues& fields, core::records::Mount& mount) const;

  const core::Router& router_;

  static constexpr core::Field kPath{.name = "path",
                                     .source = core::FieldSource::kPath,
                                     .audit = core::Audit::kClear,
                                     .help = "Where it is mounted."};
  static constexpr core::Field kDescription = mount_settings::clear_field("description", core::FieldType::kString, "For people.");
  static constexpr core::Field kOptions =
      mount_settings::clear_field("options", core::FieldType::kStringMap, "Of the engine; kv: version.");
  static constexpr std::array kPathFields{kPath};
  static constexpr std::array kMakeFields{
      kPath,
      mount_settings::clear_field("type", core::FieldType::kString, "Kind of engine: kv (its version is an option), kv-v1, kv-v2."),
      kDescription,
      kOptions,
      core::Field{.name = "config", .type = core::FieldType::kObject, .help = "Its settings, as tuning takes them."},
      mount_settings::clear_field("local", core::FieldType::kBoolean, "Kept: there is one cluster."),
      mount_settings::clear_field("seal_wrap", core::FieldType::kBoolean, "Refused when true: nothing is encrypted twice."),
      mount_settings::clear_field("external_entropy_access", core::FieldType::kBoolean,
                                  "Refused when true: random numbers are this program's."),
  };
  static constexpr std::array kTuneFields = mount_settings::joined(std::array{kPath, kDescription, kOptions}, mount_settings::kFields);

  static constexpr std::array kRemountFields{
      mount_settings::clear_field("from", core::FieldType::kString, "Where it is mounted; an auth method's path begins with auth/."),
      mount_settings::clear_field("to", core::FieldType::kString, "Where it is to be mounted."),
  };
  static constexpr std::array kMigrationFields{core::Field{.name = "migration_id",
                                                           .source = core::FieldSource::kPath,
                                                           .audit = core::Audit::kClear,
                                                           .help = "As sys/remount answered it."}};

  static constexpr core::Access kRead{core::Capability::kRead};
  static constexpr core::Access kUpdate{core::Capability::kUpdate};
  static constexpr core::Access kDelete{core::Capability::kDelete};
  static constexpr core::Access kReadWithSudo = core::Access::with_sudo(core::Capability::kRead);
  static constexpr core::Access kUpdateWithSudo = core::Access::with_sudo(core::Capability::kUpdate);
  static constexpr core::Access kDeleteWithSudo = core::Access::with_sudo(core::Capability::kDelete);

  static constexpr core::Operation kWrite = core::Operation::kUpdate;
  static constexpr core::Operation kRemove = core::Operation::kDelete;

 public:
  static constexpr std::array kRoutes{
      mount_look("mounts", kRead, {}, &MountRoutes::list_mounts, "All mounted engines."),
      mount_look("mounts/{path...}/tune", kRead, kPathFields, &MountRoutes::read_mount_tuning, "Settings of a mount; below auth/ too."),
      mount_change(kWrite, "mounts/{path...}/tune", kUpdate, kTuneFields, &MountRoutes::tune_mount,
             "Change settings of a mount; below auth/ too."),
      mount_look("mounts/{path...}", kRead, kPathFields, &MountRoutes::read_mount, "One mounted engine."),
      mount_change(kWrite, "mounts/{path...}", kUpdate, kMakeFields, &MountRoutes::mount, "Mount an engine."),
      mount_change(kRemove, "mounts/{path...}", kDelete, kPathFields, &MountRoutes::unmount,
             "Unmount an engine and delete what it holds; the path is free at once."),
      mount_look("auth", kRead, {}, &MountRoutes::list_auth, "All auth methods."),
      mount_look("auth/{path...}/tune", kReadWithSudo, kPathFields, &MountRoutes::read_auth_tuning, "Settings of an auth method."),
      mount_change(kWrite, "auth/{path...}/tune", kUpdateWithSudo, kTuneFields, &MountRoutes::tune_auth,
             "Change settings of an auth method."),
      mount_look("auth/{path...}", kReadWithSudo, kPathFields, &MountRoutes::read_auth, "One auth method."),
      mount_change(kWrite, "auth/{path...}", kUpdateWithSudo, kMakeFields, &MountRoutes::enable_auth, "Enable an auth method."),
      mount_change(kRemove, "auth/{path...}", kDeleteWithSudo, kPathFields, &MountRoutes::disable_auth,
             "Disable an auth method, end the tokens that it gave out, and delete what it holds; the path is free at once."),
      mount_change(kWrite, "remount", kUpdateWithSudo, kRemountFields, &MountRoutes::remount,
             "Move a mount to another path; what it holds and gave out stays.", core::Payload::kSystem),
      mount_look("remount/status/{migration_id}", kRead, kMigrationFields, &MountRoutes::remount_status,
           "How a move went: the last one of each mount.", core::Payload::kSecret),
      mount_look("internal/ui/mounts", core::Access::with_optional_token(), {}, &MountRoutes::visible_mounts,
           "The mounts in which the caller may do anything, and those that all may know of.", core::Payload::kSecret),
      mount_look("internal/ui/mounts/{path...}", core::Access::with_optional_token(), kPathFields, &MountRoutes::visible_mount,
           "The mount that a path lies in, if the caller may do anything there.", core::Payload::kSecret),
  };
};

}  // namespace keyhold::engine
