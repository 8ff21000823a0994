#include "core/gate.h"

#include <atomic>
#include <chrono>
#include <optional>

#include "base/limits.h"
#include "core/audit_record.h"
#include "core/authorization.h"
#include "core/field_warnings.h"
#include "core/iam_access.h"
#include "core/wrapping.h"

namespace keyhold::core {
namespace {

constexpr std::int64_t kRetryAfterS = 1;

Error denied() { return {Code::kDenied, "permission denied"}; }
Error not_taken() { return {Code::kUnavailable, "the store did not take the write: try again"}; }
/// Of a write that is in the store, though the journal does not say so on disk.
Error not_journaled() {
  return {Code::kUnknown, "the write was made and could not be recorded in full: read before you retry"};
}
Error too_many() { return {Code::kLimited, "too many requests without a token: wait ten seconds"}; }
Error sealed() { return {Code::kSealed, "Vault is sealed"}; }

/// Errors of a run against the caches that say nothing yet: what looks damaged may be half old, half new.
bool wants_the_store(Code code) { return code == Code::kMiss || code == Code::kConflict || code == Code::kCorrupt; }

Capability capability_of_update(bool exists) { return exists ? Capability::kUpdate : Capability::kCreate; }

/// Whether what the route answers is to be wrapped. What a node tells sealed or not, it tells as it is.
bool wraps(const Request& request, const RouteInfo& route) {
  return request.wrap_ttl_s && route.availability == Availability::kUnsealed;
}

/// Whether the policies allow what the route does to anything at that path: of create and update, either.
bool may_ask(const Principal& principal, const BoundRoute& route, std::string_view path) {
  const Access& access = route.info->access;
  const Grant grant = principal.policies.lookup(path, asked_with(access.capability()));
  if (access.needs_sudo() && !grant.allows(Capability::kSudo)) return false;
  if (route.exists == nullptr) return grant.allows(access.capability());
  return grant.allows(Capability::kCreate) || grant.allows(Capability::kUpdate);
}

}  // namespace

/// One request on its way. Owned by whoever runs it next; its members are touched by one thread at a time.
struct Gate::Job {
  Job(Lane& own_lane, Request own_request, Done own_done)
      : lane(own_lane), request(std::move(own_request)), done(std::move(own_done)) {}

  Lane& lane;
  Request request;
  Done done;
  MonotonicMillis deadline_ms = 0;
  const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();

  // Found anew by each run.
  Snapshot<Config>::Pointer config;
  Snapshot<Session>::Pointer session;
  RouteMatch match;
  std::optional<FieldValues> fields;
  std::shared_ptr<const Principal> principal;
  std::vector<Target> targets;          // Of an operation by name.
  Capability used = Capability::kDeny;  // That the route asked for.

  // Of the commit.
  std::optional<Result<Reply>> reply;  // An error when only what Transaction::keep() kept is committed.
  Transaction::Commit commit;
  storage::RequestId commit_id{};
  bool intent_written = false;
  bool intent_synced = false;
  std::atomic<int> commit_parts{0};  // Store and journal.
  Result<void> journal_result;
  storage::Outcome outcome;
  int conflicts = 0;
  std::string conflict_key;  // Of the last conflict.
  std::string queue_key;     // In whose ConflictQueue this request has its place.

  Answer answer;
};

Gate::~Gate() {
  pools_.shut_down();
  MutexLock lock(commits_mutex_);
  while (commits_ > 0) commits_done_.wait(commits_mutex_);
}

void Gate::commit(storage::Batch batch, storage::CommitDone done) {
  {
    MutexLock lock(commits_mutex_);
    ++commits_;
  }
  node_.store().commit(std::move(batch), [this, done = std::move(done)](storage::Outcome outcome) {
    done(std::move(outcome));
    MutexLock lock(commits_mutex_);
    if (--commits_ == 0) commits_done_.notify_all();
  });
}

void Gate::handle(Lane& lane, Request request, Done done) {
  auto job = std::make_shared<Job>(lane, std::move(request), std::move(done));
  lane.metrics.begun();
  job->answer.request_id = RequestId::random(node_.rng());
  job->deadline_ms = node_.clock().monotonic_ms() + limits::kRequestDeadlineMs;
  start_on_lane(job);
}

void Gate::start_on_lane(const JobPtr& job) {
  const Result<void> resolved = resolve(*job, Run::kOnLane);
  if (!resolved.ok()) {
    if (resolved.code() == Code::kMiss) return submit(job);
  } else if (job->match.route->info->journaled == Journaled::kIntentFirst) {
    return submit_after_intent(job);
  } else if (job->match.route->info->cost != Cost::kCached || wraps(job->request, *job->match.route->info)) {
    return submit(job);
  }
  Transaction tx(node_.cache(), node_.store(), Transaction::Mode::kCachedOnly);
  Result<Reply> result = execute(*job, tx, Run::kOnLane, resolved);
  if (!result.ok() && wants_the_store(result.code())) return submit(job);
  CHECK(!tx.writes());
  job->answer.result = std::move(result);
  finish_on_lane(job);
}

void Gate::submit(const JobPtr& job) {
  const Cost cost = job->match.route == nullptr ? Cost::kDisk : job->match.route->info->cost;
  auto submitted = pools_.of(cost).submit([this, job] { run_on_pool(job); });
  if (!submitted.ok()) finish(job, std::move(submitted).error());
}

bool Gate::admitted(audit::FailureQuota& quota, const Job& job) const {
  const auto decision = quota.admit(job.request.peer_address, node_.clock().monotonic_ms());
  return decision == audit::FailureQuota::Decision::kRecord;
}

void Gate::submit_after_intent(const JobPtr& job) {
  // What a stranger does is recorded or refused: there is no third way that a full disk or a flood could open.
  if (job->match.route->info->access.open() && !admitted(job->lane.acts(), *job)) {
    job->answer.result = too_many();
    return finish_on_lane(job);
  }
  write_intent(job, [this, job](const Result<void>& written) {
    if (!written.ok()) {
      job->answer.result = written.error();
      return finish_on_lane(job);
    }
    job->intent_written = true;
    submit(job);
  });
}

void Gate::run_on_pool(const JobPtr& job) {
  if (node_.clock().monotonic_ms() > job->deadline_ms) {
    return finish(job, Error{Code::kUnavailable, "the request waited too long for its turn"});
  }
  Transaction tx(node_.cache(), node_.store(), Transaction::Mode::kThroughStore);
  Result<Reply> result = execute(*job, tx, Run::kOnPool, resolve(*job, Run::kOnPool));
  // What changed while it ran; and a part that another commit removed after its head was read is not damage.
  const bool looks_changed = !result.ok() && (result.code() == Code::kConflict || result.code() == Code::kCorrupt);
  if (looks_changed && (tx.drop_outdated() || result.code() == Code::kConflict)) return run_again(job);
  if (result.ok() ? !tx.writes() : !tx.drop_unkept()) return finish(job, std::move(result));

  // The mount must still be there, as it was, when the write lands.
  if (job->match.mount != nullptr && job->match.mount->version != 0) {
    const records::Mount& mount = job->match.mount->record;
    auto entry = tx.get(keys::mount(mount.namespace_id(), mount.id()));
    if (!entry.ok() && entry.code() == Code::kConflict) return run_again(job);
    if (!entry.ok()) return finish(job, std::move(entry).error());
    if ((*entry)->version() != job->match.mount->version) return run_again(job);
  }
  auto commit = tx.prepare(node_.barrier());
  if (!commit.ok()) return finish(job, std::move(commit).error());
  job->commit = std::move(*commit);
  job->reply = std::move(result);
  node_.rng().fill({reinterpret_cast<char*>(job->commit_id.data()), job->commit_id.size()});
  begin_commit(job);
}

Result<void> Gate::resolve(Job& job, Run run) {
  job.match = {};
  job.fields.reset();
  job.principal.reset();
  job.used = Capability::kDeny;
  job.targets.clear();
  if (run == Run::kOnLane) {
    if (node_.config().stale() && job.lane.session.get() != nullptr) {
      return Error{Code::kMiss, "the configuration is stale"};
    }
    job.session = job.lane.session.get();
    job.config = job.lane.config.get();
  } else {
    job.session = node_.session().load();
    if (job.session != nullptr && node_.config().stale()) TRY(node_.config().refresh());
    job.config = node_.config().snapshot().load();
  }
  if (job.session == nullptr || job.config == nullptr) {
    job.session = nullptr;
    TRY_ASSIGN(job.match, router_.match_sealed(job.request.operation, job.request.path));
    return {};
  }
  TRY_ASSIGN(job.match,
             router_.match(*job.config, job.request.namespace_id, job.request.operation, job.request.path));
  return {};
}

Result<Reply> Gate::execute(Job& job, Transaction& tx, Run run, const Result<void>& resolved) {
  // What has no route still tells nothing to a stranger: it goes on, to be authenticated first.
  if (!resolved.ok() && (resolved.code() == Code::kMiss || job.session == nullptr)) return resolved.error();

  const RouteInfo* route = resolved.ok() ? job.match.route->info : nullptr;
  const bool open = route != nullptr && route->access.open();
  const bool takes_token = !open || (route->access.takes_token() && !job.request.credential.token.empty());
  if (takes_token) {
    const bool bearer = route != nullptr && route->access.takes_wrapping_token();
    TRY(bearer ? authenticate_bearer(job, tx, run) : authenticate(job, tx, run));
    // Whoever may not ask for the path does not learn whether it exists.
    if (route == nullptr) {
      if (job.request.operation == Operation::kCall) return resolved.error();
      if (!job.principal->policies.allows_anything(
              job.request.path, of_folder(job.request.operation) ? Asked::kList : Asked::kOne)) {
        return denied();
      }
      return resolved.error();
    }
  }
  auto fields = parse_fields(job);
  if (!fields.ok()) {
    // Whoever may not ask does not learn what is wrong with the question.
    if (!open && !route->access.goes_by_targets() && !may_ask(*job.principal, *job.match.route, job.match.path)) return denied();
    return std::move(fields).error();
  }
  job.fields.emplace(std::move(*fields));
  Transaction* transaction = job.session == nullptr ? nullptr : &tx;
  const Call::Parts parts{job.request,       job.config.get(),      job.match.mount, job.match.path, *job.fields,
                          job.principal.get(), job.session.get(), transaction,     &job.targets,   node_.clock(), node_.rng()};
  Call call(parts);
  if (route != nullptr && route->access.goes_by_targets()) {
    TRY(authorize_targets(job, call));
  } else if (!open) {
    job.used = route->access.capability();
    if (job.match.route->exists != nullptr) {
      TRY_ASSIGN(const bool exists, job.match.route->exists(*job.match.route, call));
      job.used = capability_of_update(exists);
    }
    TRY_ASSIGN(const auto decision, iam_decision_on_path(call, job.used));
    TRY(authorize(job.principal->policies, decision, *route, job.used, job.match.path, job.request, *job.fields));
  }
  Result<Reply> result = job.match.route->invoke(*job.match.route, call);
  if (result.ok() && result->outcome == Reply::Outcome::kFound && job.request.operation != Operation::kCall) {
    result->field_warnings = field_warnings(*route, job.request, *job.fields);
  }
  if (!result.ok() || !wraps(job.request, *route)) return result;
  return wrapping::wrap(call, std::move(*result), route->reply, *job.request.wrap_ttl_s);
}

Result<void> Gate::authorize_targets(Job& job, Call& call) {
  TRY_ASSIGN(job.targets, job.match.route->targets(*job.match.route, call));
  CHECK(!job.targets.empty());
  job.match.path = job.targets.front().path;
  job.used = job.targets.front().capability;
  for (const Target& target : job.targets) {
    TRY_ASSIGN(const bool permitted, permits(call, target));
    if (!permitted) return denied();
  }
  return {};
}

Result<FieldValues> Gate::parse_fields(const Job& job) {
  TRY_ASSIGN(FieldValues fields,
             FieldValues::parse(job.match.route->info->fields, job.match.path_values, job.request.query, job.request.body.reveal()));
  const SignedCredential* signed_by = job.request.credential.signed_by.get();
  if (signed_by != nullptr && signed_by->protocol == AwsProtocol::kJson) TRY(fields.check_exact_types());
  return fields;
}

Result<void> Gate::authenticate_bearer(Job& job, Transaction& tx, Run run) {
  TRY_ASSIGN(job.fields, parse_fields(job));
  SecretBytes named = job.fields->secret("token");
  SecretBytes& shown = job.request.credential.token;
  if (shown.empty()) shown = named.clone();
  Result<void> known = authenticate(job, tx, run);
  // Of a wrapping token that is none any more its bearer is told so: it is how he learns that somebody else was there.
  const bool of_bearer = named.empty() || crypto::equal_constant_time(named.reveal(), shown.reveal());
  if (!known.ok() && known.code() == Code::kDenied && of_bearer && !shown.empty()) return wrapping::no_such_token();
  return known;
}

Result<void> Gate::authenticate(Job& job, Transaction& tx, Run run) {
  if (job.session == nullptr) return sealed();
  TokenMemo* memo = run == Run::kOnLane ? job.request.credential.memo : nullptr;
  TRY_ASSIGN(job.principal, authenticator_.authenticate({job.request, *job.session, job.config, node_.clock(), memo}, tx));
  return {};
}

void Gate::begin_commit(const JobPtr& job) {
  if (job->intent_synced) {  // By an earlier run of the same request.
    job->commit_parts = 1;
    return commit_staged(job, 0);
  }
  job->lane.hand_over([this, job] {
    if (job->intent_written) return commit_beside_sync(job);
    write_intent(job, [this, job](const Result<void>& written) {
      if (!written.ok()) {
        job->answer.result = written.error();
        return finish_on_lane(job);
      }
      job->intent_written = true;
      commit_beside_sync(job);
    });
  });
}

void Gate::commit_beside_sync(const JobPtr& job) {
  job->commit_parts = 2;
  job->lane.after_sync([this, job](const Result<void>& synced) {
    job->journal_result = synced;
    job->intent_synced = synced.ok();
    commit_part_done(job);
  });
  commit_staged(job, 0);
}

RecordSubject Gate::subject_of(const Job& job) {
  return {.request_id = job.answer.request_id.text(),
          .request = job.request,
          .route = job.match.route == nullptr ? nullptr : job.match.route->info,
          .mount = job.match.mount,
          .path = job.match.path,
          .fields = job.fields ? &*job.fields : nullptr,
          .principal = job.principal.get(),
          .redactor = job.session == nullptr ? nullptr : &job.session->redactor,
          .used = job.used};
}

void Gate::write_intent(const JobPtr& job, Lane::Written written) {
  Lane& lane = job->lane;
  render_record(lane.scratch, RecordType::kIntent, subject_of(*job), {});
  lane.stream().append(lane.scratch);
  lane.after_write(std::move(written));
}

void Gate::commit_staged(const JobPtr& job, std::size_t index) {
  if (index == job->commit.staged.size()) return commit_main(job);
  commit(std::move(job->commit.staged[index]), [this, job, index](storage::Outcome outcome) {
    if (outcome.ok()) return commit_staged(job, index + 1);
    // Whether it is there or not, nothing refers to it.
    if (outcome.kind == storage::Outcome::Kind::kUnknown) outcome = storage::refused(not_taken());
    on_outcome(job, std::move(outcome));
  });
}

void Gate::commit_main(const JobPtr& job) {
  job->commit.batch.request_id = job->commit_id;
  // The keys of conditions are needed after a conflict; operations are not.
  std::vector<std::string> keys;
  for (const auto& condition : job->commit.batch.conditions) keys.push_back(condition.key);
  commit(std::move(job->commit.batch), [this, job, keys = std::move(keys)](storage::Outcome outcome) {
    if (!outcome.conflicts.empty()) job->conflict_key = keys[outcome.conflicts.front()];
    on_outcome(job, std::move(outcome));
  });
}

void Gate::on_outcome(const JobPtr& job, storage::Outcome outcome) {
  if (outcome.kind == storage::Outcome::Kind::kUnknown) {
    switch (node_.store().resolve(job->commit_id)) {
      case storage::Resolution::kHappened: outcome.kind = storage::Outcome::Kind::kOk; break;
      case storage::Resolution::kDidNotHappen:
        outcome = storage::refused(not_taken());
        break;
      case storage::Resolution::kStillUnknown: break;
    }
  }
  job->outcome = std::move(outcome);
  commit_part_done(job);
}

void Gate::commit_part_done(const JobPtr& job) {
  if (job->commit_parts.fetch_sub(1) != 1) return;
  switch (job->outcome.kind) {
    case storage::Outcome::Kind::kOk:
      if (!job->journal_result.ok()) return finish(job, not_journaled());
      return finish(job, std::move(*job->reply));
    case storage::Outcome::Kind::kConflict: return run_again(job);
    case storage::Outcome::Kind::kUnknown:
      return finish(job, Error{Code::kUnknown, "the outcome of the write is unknown: read before you retry"});
    case storage::Outcome::Kind::kRefused: return finish(job, std::move(job->outcome.error));
  }
}

void Gate::run_again(const JobPtr& job) {
  if (++job->conflicts > limits::kConflictRetriesMax) {
    return finish(job, Error{Code::kUnavailable, "too many writers change the same entry: try again"});
  }
  if (job->conflict_key.empty() || !job->queue_key.empty()) return submit(job);
  job->queue_key = job->conflict_key;
  conflicts_.enter(job->queue_key, [this, job] { submit(job); });
}

void Gate::finish(const JobPtr& job, Result<Reply> result) {
  job->answer.result = std::move(result);
  job->lane.hand_over([this, job] { finish_on_lane(job); });
}

/// What was decrypted before the node sealed and would be told after. What a write answers is told: it has happened, and the answer
/// may be all there is of it.
bool Gate::tells_secrets(const Job& job) {
  const Result<Reply>& result = job.answer.result;
  const bool looks = job.request.operation == Operation::kCall ? !job.intent_written : only_looks(job.request.operation);
  if (!result.ok() || result->data.empty() || !looks) return false;
  return job.match.route->info->availability == Availability::kUnsealed;
}

/// What an operator has to look into, whoever asked.
void Gate::tell_fault(const Job& job) const {
  const Result<Reply>& result = job.answer.result;
  if (!warn_ || result.ok()) return;
  const Code code = result.code();
  if (code != Code::kInternal && code != Code::kCorrupt && code != Code::kUnknown) return;
  warn_(std::string("request ").append(job.answer.request_id.text()).append(": ").append(result.error().message));
}

void Gate::finish_on_lane(const JobPtr& job) {
  tell_fault(*job);
  if (!job->queue_key.empty()) conflicts_.leave(std::exchange(job->queue_key, {}));
  Answer& answer = job->answer;
  const RouteInfo* route = job->match.route == nullptr ? nullptr : job->match.route->info;
  if (route != nullptr) answer.payload = route->reply;
  if (answer.result.ok() && answer.result->payload) answer.payload = *answer.result->payload;
  if (job->match.mount != nullptr) answer.mount_type = job->match.mount->record.engine();
  if (!answer.result.ok() && answer.result.code() == Code::kUnavailable) answer.retry_after_s = kRetryAfterS;
  // Strangers must not fill the disk by failing. What has an intent was admitted before it.
  const bool stranger_failed = job->principal == nullptr && !job->intent_written && !answer.result.ok();
  if ((route != nullptr && route->journaled == Journaled::kNo) ||
      (stranger_failed && !admitted(job->lane.failures(), *job))) {
    return give(*job);
  }
  // Nor by looking at what is open to all: like what they do, it is recorded or refused.
  const bool stranger_looked = job->principal == nullptr && !job->intent_written && answer.result.ok();
  if (stranger_looked && !admitted(job->lane.acts(), *job)) {
    answer.result = too_many();
    return give(*job);
  }
  write_last_record(*job);
  job->lane.after_write([job](const Result<void>& written) {
    Answer& held = job->answer;
    if (!written.ok()) {
      const bool committed = job->intent_written && held.result.ok();
      held.result = committed ? not_journaled() : written.error();
      held.retry_after_s = committed ? 0 : kRetryAfterS;
    } else if (tells_secrets(*job) && job->lane.session.get() != job->session) {
      held.result = sealed();
    }
    give(*job);
  });
}

void Gate::give(Job& job) {
  const Result<Reply>& result = job.answer.result;
  const auto took = std::chrono::steady_clock::now() - job.begun;
  job.lane.metrics.answered(job.request.api, result.ok() ? std::nullopt : std::optional(result.code()),
                            result.ok() && result->outcome != Reply::Outcome::kNotFound,
                            job.match.mount == nullptr ? 0 : job.match.mount->record.id(), job.used,
                            std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  job.done(std::move(job.answer));
}

void Gate::write_last_record(const Job& job) {
  const Result<Reply>& result = job.answer.result;
  RecordOutcome outcome;
  if (result.ok()) {
    outcome.word = result->outcome == Reply::Outcome::kNotFound ? "not-found" : "ok";
    outcome.reply_members = result->audit_members;
  } else {
    outcome.word = outcome_word(result.code());
    outcome.error = result.error().message;
  }
  render_record(job.lane.scratch, job.intent_written ? RecordType::kOutcome : RecordType::kAccess, subject_of(job), outcome);
  job.lane.stream().append(job.lane.scratch);
}

}  // namespace keyhold::core
