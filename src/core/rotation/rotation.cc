#include "core/rotation/rotation.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "core/call.h"
#include "core/rotation/attention.h"
#include "core/secret_due.h"

namespace keyhold::core::rotation {
namespace {

constexpr std::int64_t kRetryFirstMs = 2'000;
constexpr std::int64_t kRetryMaxMs = 3'600'000;
constexpr std::uint32_t kRetryDoublings = 11;  // Beyond it is over the maximum anyway.
constexpr std::size_t kReasonBytesMax = 256;
constexpr std::size_t kUuidBytes = 16;

Error invalid_request(std::string message) { return {Code::kInvalid, std::move(message), "InvalidRequestException"}; }

std::int64_t retry_after_ms(std::uint32_t attempts) {
  return std::min(kRetryMaxMs, kRetryFirstMs << std::min(attempts - 1, kRetryDoublings));
}

Schedule::Rules rules_of(const records::Rotation& rotation) {
  return {rotation.automatically_after_days(), rotation.schedule_expression(), rotation.duration()};
}

void enqueue(Transaction& tx, keys::MountId mount, const Head& head) {
  records::SecretRef entry;
  entry.set_namespace_id(head.namespace_id());
  tx.put(keys::rotation_run(mount, head.id()), encode_record(entry));
}

/// Moves the run in hand to the history.
void end_run(Transaction& tx, keys::MountId mount, Head& head, Run::State state, UnixMillis now) {
  auto& rotation = *head.mutable_rotation();
  Run ended = rotation.run();
  ended.set_state(state);
  ended.set_ended_ms(now);
  ended.clear_retry_ms();
  if (state == Run::DONE) ended.clear_error();
  auto& history = *rotation.mutable_history();
  *history.Add() = std::move(ended);
  if (history.size() > kHistoryMax) history.DeleteSubrange(0, history.size() - kHistoryMax);
  rotation.clear_run();
  tx.erase(keys::rotation_run(mount, head.id()));
}

/// Takes the label off the run's version, and the version itself where nothing is in it, or only what was put there to be tried. What
/// somebody has labelled meanwhile is his.
void drop_pending(Transaction& tx, keys::MountId mount, Head& head, const Run& run, UnixMillis now) {
  const auto* version = secrets::version_with_id(head, run.version_id());
  if (version == nullptr) return;
  if (version == secrets::version_labelled(head, kPendingLabel)) secrets::remove_label(head, kPendingLabel);
  if (version->number() != 0 || !secrets::labels_of(head, *version).empty()) return;
  const bool copy = run.test_only() && !run.base_version().empty();
  if (version->empty() || copy) secrets::erase_version(tx, mount, head, *version, now);
}

bool is_current(const Head& head, std::string_view version_id) {
  const auto* current = secrets::current_version(head);
  return current != nullptr && secrets::version_id(*current) == version_id;
}

void abort_run(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  const Run aborted = head.rotation().run();
  end_run(tx, mount, head, Run::ABORTED, now);
  if (!is_current(head, aborted.version_id())) drop_pending(tx, mount, head, aborted, now);
}

Result<void> check_in_hand(const Head& head, std::string_view version_id, Run::Step step) {
  const Run& run = head.rotation().run();
  const bool same = in_hand(head) && run.state() == Run::RUNNING && run.version_id() == version_id && run.step() == step;
  if (!same) return Error{Code::kConflict, "another step of the rotation is in hand"};
  return {};
}

bool attended(const Head& head) {
  return head.has_rotation() || !head.owner().empty() || head.expires_ms() != 0 || head.rotate_by_ms() != 0;
}

void save(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  head.set_changed_ms(now);
  secrets::save(tx, mount, head);
}

}  // namespace

bool in_hand(const Head& head) { return head.has_rotation() && head.rotation().has_run(); }
bool enabled(const Head& head) { return head.has_rotation() && head.rotation().enabled(); }

std::string_view word(Run::Step step) {
  switch (step) {
    case Run::CREATE: return "create";
    case Run::SET: return "set";
    case Run::TEST: return "test";
    case Run::FINISH: return "finish";
    default: return "unknown";
  }
}

std::string_view word(Run::State state) {
  switch (state) {
    case Run::RUNNING: return "running";
    case Run::FAILED: return "failed";
    case Run::DONE: return "done";
    case Run::ABORTED: return "aborted";
    default: return "unknown";
  }
}

Result<std::shared_ptr<const records::Rotator>> find_rotator(Transaction& tx, keys::NamespaceId owner, std::string_view name) {
  TRY_ASSIGN(auto found, tx.load<records::Rotator>(keys::rotator(owner, name)));
  if (found != nullptr || name != kRandomRotator) return found;
  auto built_in = std::make_shared<records::Rotator>();
  built_in->set_namespace_id(owner);
  built_in->set_name(std::string(name));
  built_in->set_type(std::string(kRandomRotator));
  return std::shared_ptr<const records::Rotator>(std::move(built_in));
}

Result<std::string> rotator_of_arn(std::string_view lambda_arn) {
  // arn:aws:lambda:REGION:ACCOUNT:function:NAME, perhaps with a version or alias behind it.
  constexpr std::array<std::string_view, 3> kHead{"arn", "aws", "lambda"};
  std::string_view rest = lambda_arn;
  for (int part = 0;; ++part) {
    const std::size_t colon = rest.find(':');
    const std::string_view text = rest.substr(0, colon);
    const auto index = static_cast<std::size_t>(part);
    const bool fits = part < 3 ? text == kHead[index] : part == 5 ? text == "function" : !text.empty();
    if (!fits || text.size() > 140) break;
    if (part == 6) return std::string(text);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return Error{Code::kInvalid, "RotationLambdaARN must be the ARN of a Lambda function, whose name is a rotator's here.",
               "InvalidParameterException"};
}

Result<void> set_rule(Transaction& tx, Head& head, const RuleChange& change) {
  auto& rotation = *head.mutable_rotation();
  if (change.rotator) {
    TRY_ASSIGN(const auto rotator, find_rotator(tx, head.namespace_id(), *change.rotator));
    if (rotator == nullptr) {
      return Error{Code::kInvalid, "there is no rotator of this name: an operator makes one by sys/rotators", "ResourceNotFoundException"};
    }
    rotation.set_rotator(*change.rotator);
    rotation.set_lambda_arn(change.lambda_arn.value_or(""));
  }
  if (rotation.rotator().empty()) return invalid_request("No Lambda rotation function ARN is associated with this secret.");
  if (change.rules) {
    TRY(Schedule::parse(*change.rules));
    rotation.set_automatically_after_days(change.rules->automatically_after_days);
    rotation.set_schedule_expression(change.rules->schedule_expression);
    rotation.set_duration(change.rules->duration);
  }
  if (!change.region.empty()) rotation.set_region(change.region);
  rotation.set_enabled(true);
  return {};
}

void file_next_window(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  auto& rotation = *head.mutable_rotation();
  const auto schedule = Schedule::parse(rules_of(rotation));
  Schedule::Window window;
  if (rotation.enabled() && schedule.ok()) window = schedule->next(now);
  // Refusing would keep all that follows from coming to an end: the run in hand, and what else is due.
  if (rotation.enabled() && !schedule.ok() && rotation.overdue_since_ms() == 0) rotation.set_overdue_since_ms(now);
  rotation.set_next_ms(window.begin_ms);
  rotation.set_next_end_ms(window.end_ms);
  if (window.begin_ms != 0) secrets::file_due(tx, mount, head, window.begin_ms);
  attend(tx, mount, head);
  save(tx, mount, head, now);
}

namespace {

enum class Kind : std::uint8_t { kRotate, kTestOnly };

Result<void> begin_run(Transaction& tx, keys::MountId mount, Head& head, Start start, Kind kind, UnixMillis now, crypto::Rng& rng) {
  if (!enabled(head)) return invalid_request("Rotation is not turned on for this secret.");
  if (in_hand(head)) {
    if (head.rotation().run().version_id() == start.version_id) return {};
    return invalid_request("A previous rotation isn't complete. That rotation will be reattempted.");
  }
  const auto* pending = secrets::version_labelled(head, kPendingLabel);
  const auto* known = secrets::version_with_id(head, start.version_id);
  if (pending != nullptr && pending != known && pending != secrets::current_version(head)) {
    return invalid_request("A previous rotation isn't complete. That rotation will be reattempted.");
  }
  if (known != nullptr && is_current(head, start.version_id)) return {};  // The same request again, whose run has ended.
  if (known != nullptr && known != pending) {
    return Error{Code::kInvalid, "You can't use this ClientRequestToken: another version of the secret has it.", "ResourceExistsException"};
  }
  if (known == nullptr) {
    const std::array labels{std::string(kPendingLabel)};
    secrets::add_empty(head, start.version_id, labels, now, rng);
  }
  Run& run = *head.mutable_rotation()->mutable_run();
  const bool test_only = kind == Kind::kTestOnly;
  run.set_version_id(std::move(start.version_id));
  run.set_step(test_only ? Run::TEST : Run::CREATE);
  run.set_state(Run::RUNNING);
  run.set_started_ms(now);
  run.set_started_by(std::move(start.started_by));
  run.set_test_only(test_only);
  enqueue(tx, mount, head);
  save(tx, mount, head, now);
  return {};
}

/// Fills the pending version of a test that has begun. Saves the head.
Result<void> copy_current(Transaction& tx, keys::MountId mount, Head& head, const Session& session, UnixMillis now, crypto::Rng& rng) {
  if (!in_hand(head) || !head.rotation().run().test_only()) return {};  // The same request again, of a run that rotates or has ended.
  Run& run = *head.mutable_rotation()->mutable_run();
  const auto* pending = secrets::version_with_id(head, run.version_id());
  const auto* current = secrets::current_version(head);
  if (pending == nullptr || !pending->empty() || current == nullptr || !secrets::readable(*current, now)) return {};
  TRY_ASSIGN(const auto content, secrets::content(tx, mount, head, *current, session.redactor));
  TRY_ASSIGN(const auto settings, secrets::settings(tx, mount));
  run.set_base_version(current->id());
  secrets::NewContent copy;
  copy.bytes = content.reveal();
  copy.kind = current->content_kind();
  copy.created_by = run.started_by();
  copy.client_token = run.version_id();
  copy.labels = {std::string(kPendingLabel)};
  const UnixMillis updated_ms = head.updated_ms();
  secrets::put_version(tx, mount, head, copy, settings, session.fingerprints, now, rng);
  head.set_updated_ms(updated_ms);  // Nobody has written it.
  save(tx, mount, head, now);
  return {};
}

}  // namespace

Result<void> begin(Transaction& tx, keys::MountId mount, Head& head, Start start, UnixMillis now, crypto::Rng& rng) {
  return begin_run(tx, mount, head, std::move(start), Kind::kRotate, now, rng);
}

Result<void> begin_test(Transaction& tx, keys::MountId mount, Head& head, Start start, const Session& session, UnixMillis now,
                        crypto::Rng& rng) {
  TRY(begin_run(tx, mount, head, std::move(start), Kind::kTestOnly, now, rng));
  return copy_current(tx, mount, head, session, now, rng);
}

Result<bool> step_done(Transaction& tx, keys::MountId mount, Head& head, std::string_view version_id, Run::Step step, UnixMillis now) {
  TRY(check_in_hand(head, version_id, step));
  Run& run = *head.mutable_rotation()->mutable_run();
  if (run.test_only()) {
    const Run ended = run;
    end_run(tx, mount, head, Run::DONE, now);
    drop_pending(tx, mount, head, ended, now);
    save(tx, mount, head, now);
    return false;
  }
  if (step != Run::FINISH) {
    run.set_step(static_cast<Run::Step>(step + 1));
    save(tx, mount, head, now);
    return true;
  }
  if (!is_current(head, version_id)) {
    TRY(step_failed(tx, mount, head, version_id, step, "the rotator said that it was done, but AWSCURRENT is another version's", now));
    return false;
  }
  drop_pending(tx, mount, head, run, now);
  end_run(tx, mount, head, Run::DONE, now);
  auto& rotation = *head.mutable_rotation();
  rotation.set_last_rotated_ms(now);
  rotation.clear_overdue_since_ms();
  file_next_window(tx, mount, head, now);
  return false;
}

Result<void> step_failed(Transaction& tx, keys::MountId mount, Head& head, std::string_view version_id, Run::Step step,
                         std::string reason, UnixMillis now) {
  TRY(check_in_hand(head, version_id, step));
  Run& run = *head.mutable_rotation()->mutable_run();
  reason.resize(std::min(reason.size(), kReasonBytesMax));
  run.set_error(std::move(reason));
  run.set_attempts(run.attempts() + 1);
  if (run.test_only()) {
    const Run ended = run;
    end_run(tx, mount, head, Run::FAILED, now);
    drop_pending(tx, mount, head, ended, now);
  } else {
    run.set_state(Run::FAILED);
    run.set_retry_ms(now + retry_after_ms(run.attempts()));
  }
  save(tx, mount, head, now);
  return {};
}

Result<void> retry(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  if (!in_hand(head)) return Error{Code::kInvalid, "no rotation of this secret is in hand"};
  Run& run = *head.mutable_rotation()->mutable_run();
  if (run.state() == Run::RUNNING) return {};
  run.set_state(Run::RUNNING);
  run.set_step(Run::CREATE);
  run.clear_retry_ms();
  enqueue(tx, mount, head);
  save(tx, mount, head, now);
  return {};
}

Result<void> abort(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  if (!in_hand(head)) return Error{Code::kInvalid, "no rotation of this secret is in hand"};
  abort_run(tx, mount, head, now);
  file_next_window(tx, mount, head, now);
  return {};
}

void cancel(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  auto& rotation = *head.mutable_rotation();
  if (in_hand(head)) abort_run(tx, mount, head, now);
  rotation.set_enabled(false);
  rotation.clear_next_ms();
  rotation.clear_next_end_ms();
  rotation.clear_overdue_since_ms();
  save(tx, mount, head, now);
}

Result<void> do_due(Transaction& tx, keys::MountId mount, const Head& old_head, UnixMillis now, crypto::Rng& rng) {
  if (!enabled(old_head) || secrets::marked_for_deletion(old_head)) return {};
  const auto& old_rotation = old_head.rotation();
  if (old_rotation.next_ms() == 0 || old_rotation.next_ms() > now) return {};  // It was moved: another entry is filed for it.
  Head head = old_head;
  auto& rotation = *head.mutable_rotation();
  if (rotation.overdue_since_ms() == 0) rotation.set_overdue_since_ms(rotation.next_end_ms());
  const auto schedule = Schedule::parse(rules_of(rotation));
  const bool missed = rotation.next_end_ms() <= now;
  const bool may_begin = !in_hand(head) && (!missed || (schedule.ok() && schedule->makes_up()));
  if (may_begin) {
    // When somebody else's version is pending, it stays so, and the secret becomes overdue.
    const auto begun = begin(tx, mount, head, {.version_id = format_uuid(rng.bytes(kUuidBytes))}, now, rng);
    if (begun.ok()) {
      rotation.clear_next_ms();  // The end of the run files the next window.
      secrets::save(tx, mount, head);
      return {};
    }
  }
  file_next_window(tx, mount, head, now);
  return {};
}

bool overdue(const Head& head, UnixMillis now) {
  if (!enabled(head)) return false;
  const auto& rotation = head.rotation();
  const UnixMillis since_ms = rotation.overdue_since_ms() != 0 ? rotation.overdue_since_ms() : rotation.next_end_ms();
  return since_ms != 0 && since_ms <= now;
}

bool failing(const Head& head) { return in_hand(head) && head.rotation().run().state() == Run::FAILED; }

bool never_rotated(const Head& head) { return enabled(head) && head.rotation().last_rotated_ms() == 0; }

void attend(Transaction& tx, keys::MountId mount, const Head& head) {
  if (!attended(head)) return;
  records::SecretRef entry;
  entry.set_namespace_id(head.namespace_id());
  tx.put(keys::attended(mount, head.id()), encode_record(entry));
}

void forget(Transaction& tx, keys::MountId mount, const Head& head) {
  if (!attended(head)) return;
  tx.erase(keys::rotation_run(mount, head.id()));
  tx.erase(keys::attended(mount, head.id()));
}

}  // namespace keyhold::core::rotation
