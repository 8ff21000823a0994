#include "engine/sys/snapshot_routes.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"
#include "core/secret_write.h"
#include "core/snapshot_schedules.h"
#include "core/store_snapshots.h"
#include "core/stored_names.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;
namespace schedules = core::snapshot_schedules;
namespace secrets = core::secrets;
namespace snapshots = core::store_snapshots;
using Schedule = core::records::SnapshotSchedule;

constexpr std::string_view kContentType = "application/gzip";
constexpr std::string_view kFilePrefix = "keyhold-snapshot";

std::string key_of(const Call& call) { return core::keys::snapshot_schedule(call.fields().path_text("name")); }

std::string audit_members(const core::backup::Manifest& manifest) {
  return "\"snapshot\":{\"id\":\"" + manifest.id + "\",\"created_time\":\"" + std::string(std::string_view(format_rfc3339(manifest.created_ms))) + "\"}";
}

void append_snapshot(json::Writer& writer, const core::backup::Manifest& manifest) {
  writer.key("snapshot_id").string(manifest.id);
  writer.key("created_time").string(format_rfc3339(manifest.created_ms));
}

std::string time_or_nothing(UnixMillis time) { return time == 0 ? std::string() : std::string(std::string_view(format_rfc3339(time))); }

}  // namespace

Result<Reply> SnapshotRoutes::save(Call& call) {
  TRY_ASSIGN(std::shared_ptr<SpoolFile> file, SpoolFile::create(spool_));
  TRY_ASSIGN(const auto written, snapshots::save(node_.store(), node_.barrier(), node_.seal_status(), call.now(), call.rng(),
                                                 [&file](std::string_view bytes) { return file->append(bytes); }));
  Reply reply;
  reply.content_type = kContentType;
  reply.file = std::move(file);
  reply.audit_members = "\"entries\":" + std::to_string(written.entries) + ",\"bytes\":" + std::to_string(written.bytes);
  return reply;
}

Result<std::shared_ptr<const SpoolFile>> SnapshotRoutes::file_of(const Call& call) const {
  const std::string name = call.fields().text("file");
  const std::string_view body = call.request().body.reveal();
  if (!name.empty() && !body.empty()) return Error{Code::kInvalid, "give a snapshot as the body, or name a file: not both"};
  if (name.empty()) {
    if (body.empty()) return Error{Code::kInvalid, "the snapshot is missing: send it as the body, or name a \"file\" of the server's snapshot directory"};
    TRY_ASSIGN(std::shared_ptr<SpoolFile> file, SpoolFile::create(spool_));
    TRY(file->append(body));
    return std::shared_ptr<const SpoolFile>(std::move(file));
  }
  TRY(schedules::check_file(name));
  const std::string& directory = node_.snapshots().directory();
  if (directory.empty()) return Error{Code::kInvalid, "this server has no snapshot directory"};
  TRY_ASSIGN(auto file, SpoolFile::open(directory + "/" + name));
  return std::shared_ptr<const SpoolFile>(std::move(file));
}

Result<Reply> SnapshotRoutes::restore(Call& call) {
  TRY_ASSIGN(const auto file, file_of(call));
  TRY_ASSIGN(const auto restored, node_.restore(file));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_snapshot(writer, restored.manifest);
  writer.key("entries").number(static_cast<std::int64_t>(restored.entries)).end_object();
  reply.warnings.push_back("every token is void now, the root token too: log in anew, or make one with the key shares (operator generate-root)");
  reply.audit_members = audit_members(restored.manifest);
  return reply;
}

Result<Reply> SnapshotRoutes::recover(Call& call) {
  const std::string path = call.fields().text("path");
  if (path.empty()) return Error{Code::kInvalid, "\"path\" is missing: the secret, with its mount"};
  const core::MountPoint* mount = call.config().mount_of(call.namespace_id(), path);
  if (mount == nullptr || core::engine_name(mount->record) != "kv-v2" || mount->record.path().size() >= path.size()) {
    return Error{Code::kInvalid, "\"path\" must name a secret of a kv-v2 mount, without \"data/\": \"secret/prod/db\""};
  }
  const std::string name = path.substr(mount->record.path().size());
  TRY_ASSIGN(const auto file, file_of(call));
  TRY_ASSIGN(const auto old, snapshots::find_secret(file, node_.barrier(), node_.clock(), mount->record.path(), name, call.session().redactor));

  const core::keys::MountId mount_id = mount->record.id();
  TRY_ASSIGN(const auto existing, secrets::find_to_change(call.tx(), mount_id, name, call.now()));
  TRY_ASSIGN(const auto settings, secrets::settings(call.tx(), mount_id));
  secrets::Head head = secrets::open_head(call.tx(), {mount_id, call.namespace_id(), name}, existing.get(), call.now(), call.rng());
  secrets::NewContent content;
  content.bytes = old.content.reveal();
  content.kind = old.kind;
  content.created_by = call.principal().token->accessor();
  const auto& version = secrets::put_version(call.tx(), mount_id, head, content, settings, call.session().fingerprints, call.now(), call.rng());
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_snapshot(writer, old.manifest);
  writer.key("version_in_snapshot").number(static_cast<std::int64_t>(old.number));
  writer.key("version").number(static_cast<std::int64_t>(version.number())).end_object();
  reply.audit_members = audit_members(old.manifest) + ",\"version\":" + std::to_string(version.number());
  return reply;
}

Result<Reply> SnapshotRoutes::list_schedules(Call& call) {
  TRY_ASSIGN(const auto names, core::names_below(call, core::keys::snapshot_schedule()));
  return core::listed(names);
}

Result<Reply> SnapshotRoutes::read_schedule(Call& call) {
  TRY_ASSIGN(const auto schedule, call.tx().load<Schedule>(key_of(call)));
  if (schedule == nullptr) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("interval").number(schedule->interval_s());
  writer.key("retain").number(schedule->retain());
  writer.key("storage_type").string("local");
  writer.key("path_prefix").string(schedule->folder());
  writer.key("file_prefix").string(schedule->file_prefix());
  writer.end_object();
  return reply;
}

Result<Reply> SnapshotRoutes::write_schedule(Call& call) {
  const auto& fields = call.fields();
  if (node_.snapshots().directory().empty()) return Error{Code::kInvalid, "this server has no snapshot directory: set snapshot_directory in its configuration"};
  if (fields.has("storage_type") && fields.text("storage_type") != "local") {
    return Error{Code::kInvalid, "\"storage_type\" must be \"local\": snapshots are put into a directory of the server"};
  }
  const std::string name(fields.path_text("name"));
  TRY(schedules::check_file(name));
  TRY_ASSIGN(const auto existing, call.tx().load<Schedule>(key_of(call)));
  Schedule schedule;
  if (existing != nullptr) schedule = *existing;
  if (existing == nullptr) {
    TRY_ASSIGN(const auto names, core::names_below(call, core::keys::snapshot_schedule()));
    if (names.size() >= schedules::kSchedulesMax) return Error{Code::kInvalid, "there are 100 schedules already, which is all that are run"};
    schedule.set_retain(1);
    schedule.set_file_prefix(std::string(kFilePrefix));
  }
  schedule.set_name(name);
  schedule.set_interval_s(fields.duration_s("interval", schedule.interval_s()));
  const std::int64_t retain = fields.integer("retain", schedule.retain());
  if (schedule.interval_s() < schedules::kIntervalMinS) return Error{Code::kInvalid, "\"interval\" must be at least 60 seconds"};
  if (retain < 1 || retain > schedules::kRetainMax) return Error{Code::kInvalid, "\"retain\" must be 1 to 10000"};
  schedule.set_retain(static_cast<std::uint32_t>(retain));
  if (fields.has("path_prefix")) schedule.set_folder(fields.text("path_prefix"));
  if (fields.has("file_prefix")) schedule.set_file_prefix(fields.text("file_prefix"));
  if (!schedule.folder().empty()) TRY(schedules::check_file(schedule.folder()));
  TRY(schedules::check_file(schedule.file_prefix()));
  if (schedule.file_prefix().find('/') != std::string::npos) return Error{Code::kInvalid, "\"file_prefix\" must be a name, without folders"};
  call.tx().put(key_of(call), core::encode_record(schedule));
  return Reply::none();
}

Result<Reply> SnapshotRoutes::remove_schedule(Call& call) {
  call.tx().erase(key_of(call));
  return Reply::none();
}

Result<Reply> SnapshotRoutes::read_status(Call& call) {
  TRY_ASSIGN(const auto schedule, call.tx().load<Schedule>(key_of(call)));
  if (schedule == nullptr) return Reply::not_found();
  TRY_ASSIGN(const auto files, schedules::files_of(node_.snapshots().directory(), *schedule));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("last_snapshot_start").string(time_or_nothing(schedule->last_begun_ms()));
  writer.key("last_snapshot_end").string(time_or_nothing(schedule->last_done_ms()));
  writer.key("last_snapshot_error").string(schedule->last_error());
  writer.key("last_snapshot_url").string(schedule->last_file());
  writer.key("last_snapshot_size").number(schedule->last_bytes());
  writer.key("next_snapshot_start").string(format_rfc3339(schedule->last_begun_ms() == 0 ? call.now() : schedule->last_begun_ms() + schedule->interval_s() * 1000));
  writer.key("snapshots").number(static_cast<std::int64_t>(files.size()));
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
