#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "core/call.h"
#include "core/node.h"
#include "core/route.h"

namespace keyhold::engine {

/// Rows of SnapshotRoutes.
namespace snapshot_rows {

template <typename Engine>
constexpr core::Route<Engine> restoring(std::string_view path, std::span<const core::Field> fields, Result<core::Reply> (Engine::*handler)(core::Call&),
                                        std::string_view help) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = core::Access::with_sudo(core::Capability::kUpdate),
                   .fields = fields,
                   .cost = core::Cost::kStream,
                   .reply = core::Payload::kSystem,
                   .journaled = core::Journaled::kIntentFirst,
                   .help = help},
          .handler = handler};
}

template <typename Engine>
constexpr core::Route<Engine> scheduling(core::Operation operation, std::string_view path, core::Capability capability,
                                         std::span<const core::Field> fields, Result<core::Reply> (Engine::*handler)(core::Call&),
                                         std::string_view help) {
  return {.info = {.operation = operation,
                   .path = path,
                   .access = core::Access::with_sudo(capability),
                   .fields = fields,
                   .cost = core::Cost::kDisk,
                   .reply = core::only_looks(operation) ? core::Payload::kSecret : core::Payload::kNone,
                   .trailing_slash = core::TrailingSlash::kIgnored,
                   .help = help},
          .handler = handler};
}

}  // namespace snapshot_rows

/// "sys/storage/raft/snapshot…": the whole store as a file, back from it, and one secret of it (docs/snapshots.md).
///
/// threads   Any.
/// source    Vault API, sys/storage/raft and sys/storage/raft/auto-snapshots; that of restoring one secret is our own.
class SnapshotRoutes {
 public:
  /// `spool`: where what is on its way may be put; "" = memory.
  SnapshotRoutes(core::Node& node, std::string spool) : node_(node), spool_(std::move(spool)) {}

  Result<core::Reply> save(core::Call& call);
  Result<core::Reply> restore(core::Call& call);
  Result<core::Reply> recover(core::Call& call);

  Result<core::Reply> list_schedules(core::Call& call);
  Result<core::Reply> read_schedule(core::Call& call);
  Result<core::Reply> write_schedule(core::Call& call);
  Result<core::Reply> remove_schedule(core::Call& call);
  Result<core::Reply> read_status(core::Call& call);

 private:
  Result<std::shared_ptr<const SpoolFile>> file_of(const core::Call& call) const;

  static constexpr core::Field kFile{.name = "file",
                                     .source = core::FieldSource::kQuery,
                                     .audit = core::Audit::kClear,
                                     .help = "A file of the server's snapshot directory, in place of a body."};
  static constexpr core::Field kSnapshot{.name = "snapshot", .source = core::FieldSource::kRawBody, .help = "The snapshot."};
  static constexpr std::array kRestoreFields{kFile, kSnapshot};
  static constexpr std::array kRecoverFields{
      core::Field{.name = "path",
                  .source = core::FieldSource::kQuery,
                  .audit = core::Audit::kClear,
                  .help = "The secret, with its mount: \"secret/prod/db\". It gets a new version."},
      kFile, kSnapshot};
  static constexpr core::Field kName{.name = "name", .source = core::FieldSource::kPath, .audit = core::Audit::kClear, .help = "Name of the schedule."};
  static constexpr std::array kNameFields{kName};
  static constexpr std::array kScheduleFields{
      kName,
      core::clear_field("interval", core::FieldType::kDuration, "Time between two snapshots, a minute at least."),
      core::clear_field("retain", core::FieldType::kInteger, "How many files are kept; 1 when absent."),
      core::clear_field("path_prefix", core::FieldType::kString, "Folder below the server's snapshot directory; none when absent."),
      core::clear_field("file_prefix", core::FieldType::kString, "Begin of the files' names; \"keyhold-snapshot\" when absent."),
      core::clear_field("storage_type", core::FieldType::kString, "\"local\".")};

  core::Node& node_;
  const std::string spool_;

 public:
  static constexpr std::array kRoutes{
      core::Route<SnapshotRoutes>{.info = {.operation = core::Operation::kRead,
                                           .path = "storage/raft/snapshot",
                                           .access = core::Capability::kRead,
                                           .cost = core::Cost::kStream,
                                           .reply = core::Payload::kBytes,
                                           .help = "The whole store as one file, encrypted as it lies there."},
                                  .handler = &SnapshotRoutes::save},
      snapshot_rows::restoring("storage/raft/snapshot", kRestoreFields, &SnapshotRoutes::restore,
                "Put a snapshot of this store in place of all that it has. Tokens are void then."),
      snapshot_rows::restoring("storage/raft/snapshot-force", kRestoreFields, &SnapshotRoutes::restore,
                "The same: what cannot be restored while the server runs is not forced."),
      snapshot_rows::restoring("storage/raft/snapshot-recover", kRecoverFields, &SnapshotRoutes::recover,
                "Give one secret the content that it had in a snapshot, as a new version."),
      snapshot_rows::scheduling(core::Operation::kList, "storage/raft/snapshot-auto/config", core::Capability::kList, {}, &SnapshotRoutes::list_schedules,
                 "Names of the schedules by which snapshots are made."),
      snapshot_rows::scheduling(core::Operation::kRead, "storage/raft/snapshot-auto/config/{name}", core::Capability::kRead, kNameFields,
                 &SnapshotRoutes::read_schedule, "A schedule."),
      snapshot_rows::scheduling(core::Operation::kUpdate, "storage/raft/snapshot-auto/config/{name}", core::Capability::kUpdate, kScheduleFields,
                 &SnapshotRoutes::write_schedule, "Make snapshots into the server's directory, again and again."),
      snapshot_rows::scheduling(core::Operation::kDelete, "storage/raft/snapshot-auto/config/{name}", core::Capability::kDelete, kNameFields,
                 &SnapshotRoutes::remove_schedule, "Make no more; what there is stays."),
      snapshot_rows::scheduling(core::Operation::kRead, "storage/raft/snapshot-auto/status/{name}", core::Capability::kRead, kNameFields,
                 &SnapshotRoutes::read_status, "What came of a schedule's last snapshot."),
  };
};

}  // namespace keyhold::engine
