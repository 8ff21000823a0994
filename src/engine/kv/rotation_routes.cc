// How secrets rotate, for those who ask by Vault's API.
#include "base/encoding.h"
#include "base/time_format.h"
#include "core/rotation/rotation.h"
#include "engine/kv/kv_engine.h"

namespace keyhold::engine {
namespace {

namespace rotation = core::rotation;
namespace secrets = core::secrets;
using core::Call;
using core::FieldValues;
using core::Reply;

constexpr std::size_t kUuidBytes = 16;

void time_or_null(json::Writer& writer, std::string_view key, UnixMillis time_ms) {
  writer.key(key);
  if (time_ms == 0) {
    writer.null();
  } else {
    writer.string(format_rfc3339(time_ms));
  }
}

void append_run(json::Writer& writer, const rotation::Run& run) {
  writer.begin_object();
  writer.key("attempts").number(run.attempts());
  time_or_null(writer, "ended_time", run.ended_ms());
  writer.key("error").string(run.error());
  time_or_null(writer, "retry_time", run.retry_ms());
  writer.key("started_by").string(run.started_by());
  time_or_null(writer, "started_time", run.started_ms());
  writer.key("state").string(rotation::word(run.state()));
  writer.key("step").string(rotation::word(run.step()));
  writer.key("test_only").boolean(run.test_only());
  writer.key("version_id").string(run.version_id());
  writer.end_object();
}

Reply rotation_reply(const Call& call, const secrets::Head& head) {
  const auto& rotation = head.rotation();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("automatically_after_days").number(rotation.automatically_after_days());
  writer.key("duration").string(rotation.duration());
  writer.key("enabled").boolean(rotation.enabled());
  writer.key("history").begin_array();
  for (int i = rotation.history_size() - 1; i >= 0; --i) append_run(writer, rotation.history(i));  // The newest first.
  writer.end_array();
  time_or_null(writer, "last_rotated_time", rotation.last_rotated_ms());
  time_or_null(writer, "next_rotation_time", rotation.next_ms());
  time_or_null(writer, "next_window_end_time", rotation.next_ms() == 0 ? 0 : rotation.next_end_ms());
  writer.key("overdue").boolean(rotation::overdue(head, call.now()));
  writer.key("rotator").string(rotation.rotator());
  writer.key("run");
  if (rotation.has_run()) {
    append_run(writer, rotation.run());
  } else {
    writer.null();
  }
  writer.key("schedule_expression").string(rotation.schedule_expression());
  writer.end_object();
  return reply;
}

/// Whether the request says something of when and by what the secret rotates.
bool names_rule(const FieldValues& fields) {
  return fields.has("rotator") || fields.has("automatically_after_days") || fields.has("schedule_expression") || fields.has("duration");
}

rotation::RuleChange rule_of(const FieldValues& fields, const secrets::Head& head) {
  rotation::RuleChange change;
  if (fields.has("rotator")) change.rotator = fields.text("rotator");
  const auto& before = head.rotation();
  const bool when = fields.has("automatically_after_days") || fields.has("schedule_expression");
  core::Schedule::Rules rules;
  // Days or an expression take the other's place.
  rules.automatically_after_days = when ? fields.integer("automatically_after_days") : before.automatically_after_days();
  rules.schedule_expression = when ? fields.text("schedule_expression") : before.schedule_expression();
  rules.duration = fields.has("duration") || when ? fields.text("duration") : before.duration();
  change.rules = std::move(rules);
  return change;
}

Result<void> set_rule_and_begin(Call& call, secrets::Head& head) {
  const FieldValues& fields = call.fields();
  const bool test = fields.text("action") == "test";
  if (names_rule(fields) || !rotation::enabled(head)) {
    TRY(rotation::set_rule(call.tx(), head, rule_of(fields, head)));
    rotation::file_next_window(call.tx(), call.mount_id(), head, call.now());
  }
  rotation::Start start{.version_id = format_uuid(call.rng().bytes(kUuidBytes)),
                        .started_by = call.has_principal() ? call.principal().token->accessor() : std::string()};
  if (test) return rotation::begin_test(call.tx(), call.mount_id(), head, std::move(start), call.session(), call.now(), call.rng());
  if (!fields.boolean("rotate_immediately", true)) return {};
  return rotation::begin(call.tx(), call.mount_id(), head, std::move(start), call.now(), call.rng());
}

}  // namespace

Result<Reply> KvEngine::read_rotation(Call& call) {
  TRY_ASSIGN(const auto head, secrets::find_living(call.tx(), call.mount_id(), call.fields().path_text("path")));
  if (head == nullptr || !head->has_rotation()) return Reply::not_found();
  return rotation_reply(call, *head);
}

Result<Reply> KvEngine::rotate(Call& call) {
  TRY_ASSIGN(const auto found, secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  if (found == nullptr) return Reply::not_found();
  secrets::Head head = *found;
  const std::string action = call.fields().text("action");
  if (action == "retry") {
    TRY(rotation::retry(call.tx(), call.mount_id(), head, call.now()));
  } else if (action == "abort") {
    TRY(rotation::abort(call.tx(), call.mount_id(), head, call.now()));
  } else if (action.empty() || action == "test") {
    TRY(set_rule_and_begin(call, head));
  } else {
    return Error{Code::kInvalid, "\"action\" must be \"retry\", \"abort\" or \"test\""};
  }
  return rotation_reply(call, head);
}

Result<Reply> KvEngine::cancel_rotation(Call& call) {
  TRY_ASSIGN(const auto found, secrets::find_to_change(call.tx(), call.mount_id(), call.fields().path_text("path"), call.now()));
  if (found == nullptr || !found->has_rotation()) return Reply::none();
  secrets::Head head = *found;
  rotation::cancel(call.tx(), call.mount_id(), head, call.now());
  return Reply::none();
}

}  // namespace keyhold::engine
