// Rotation, and the passwords that rotation functions ask for.
#include "core/random_password.h"
#include "core/rotation/rotation.h"
#include "core/secret_write.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {
namespace {

namespace rotation = core::rotation;
namespace secrets = core::secrets;
using namespace secretsmanager;
using core::Call;
using core::Reply;
using core::Schedule;

/// "" when it is not there. errors: InvalidParameterException.
Result<std::string> rule_text(const json::Value& rules, std::string_view name) {
  const auto member = rules.find(name);
  if (!member || member->is_null()) return std::string();
  if (!member->is_string()) return invalid_parameter("RotationRules must have texts for ScheduleExpression and Duration.");
  return member->as_string();
}

Result<std::optional<Schedule::Rules>> rules_of(const core::FieldValues& fields) {
  const auto object = fields.object("RotationRules");
  if (!object) return std::optional<Schedule::Rules>();
  Schedule::Rules rules;
  if (const auto days = object->find("AutomaticallyAfterDays"); days && !days->is_null()) {
    const auto number = days->as_int();
    if (!number.ok() || *number == 0) return invalid_parameter("RotationRules.AutomaticallyAfterDays must be within 1-1000.");
    rules.automatically_after_days = *number;
  }
  TRY_ASSIGN(rules.schedule_expression, rule_text(*object, "ScheduleExpression"));
  TRY_ASSIGN(rules.duration, rule_text(*object, "Duration"));
  return std::optional(std::move(rules));
}

Reply rotation_reply(const Call& call, const secrets::Head& head, const std::string& version_id) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_identity(writer, call, head);
  if (!version_id.empty()) writer.key("VersionId").string(version_id);
  writer.end_object();
  return reply;
}

core::PasswordRules::Use unless(bool excluded) { return excluded ? core::PasswordRules::Use::kNo : core::PasswordRules::Use::kYes; }

}  // namespace

Result<Reply> SecretsManager::rotate_secret(Call& call) {
  const auto& fields = call.fields();
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY_ASSIGN(std::string version_id, request_token(call));
  rotation::RuleChange change;
  change.region = region_of(call);
  TRY_ASSIGN(change.rules, rules_of(fields));
  if (fields.has("RotationLambdaARN")) {
    change.lambda_arn = fields.text("RotationLambdaARN");
    TRY_ASSIGN(change.rotator, rotation::rotator_of_arn(*change.lambda_arn));
  }
  TRY(check_primary(call, *found));
  secrets::Head head = *found;
  TRY(rotation::set_rule(call.tx(), head, change));
  rotation::file_next_window(call.tx(), call.mount_id(), head, call.now());
  const bool now = fields.boolean("RotateImmediately", true);
  const rotation::Start start{.version_id = version_id, .started_by = call.principal().token->accessor()};
  TRY(now ? rotation::begin(call.tx(), call.mount_id(), head, start, call.now(), call.rng())
          : rotation::begin_test(call.tx(), call.mount_id(), head, start, call.session(), call.now(), call.rng()));
  return rotation_reply(call, head, version_id);
}

Result<Reply> SecretsManager::cancel_rotate_secret(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY(check_primary(call, *found));
  secrets::Head head = *found;
  const std::string version_id = rotation::in_hand(head) ? head.rotation().run().version_id() : std::string();
  if (head.has_rotation()) rotation::cancel(call.tx(), call.mount_id(), head, call.now());
  return rotation_reply(call, head, version_id);
}

Result<Reply> SecretsManager::get_random_password(Call& call) {
  const auto& fields = call.fields();
  core::PasswordRules rules;
  rules.length = fields.integer("PasswordLength", rules.length);
  rules.exclude_characters = fields.text("ExcludeCharacters");
  rules.lowercase = unless(fields.boolean("ExcludeLowercase"));
  rules.uppercase = unless(fields.boolean("ExcludeUppercase"));
  rules.numbers = unless(fields.boolean("ExcludeNumbers"));
  rules.punctuation = unless(fields.boolean("ExcludePunctuation"));
  rules.space = unless(!fields.boolean("IncludeSpace"));
  const bool each = fields.boolean("RequireEachIncludedType", true);
  rules.kinds = each ? core::PasswordRules::Kinds::kEachAppears : core::PasswordRules::Kinds::kAny;
  TRY_ASSIGN(const SecretBytes password, core::random_password(rules, call.rng()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("RandomPassword").string(password.reveal()).end_object();
  return reply;
}

}  // namespace keyhold::engine
