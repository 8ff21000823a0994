#include "core/rotation/rotation_worker.h"

#include "base/limits.h"
#include "core/aws_names.h"
#include "core/keys.h"

namespace keyhold::core {
namespace {

using rotation::Head;
using rotation::Run;

constexpr std::int64_t kRoundMs = 1'000;           // How late a failed run is tried again.
constexpr std::int64_t kLeadershipMs = 180'000;    // Beyond the longest step: see kTimeoutMaxS of rotator_settings.cc.
constexpr std::size_t kConcurrentMax = 4;
constexpr std::size_t kWaitingMax = 256;           // Runs beyond it wait in the store.

/// Whether the run's next step is to be done.
bool due(const Head& head, UnixMillis now) {
  if (!rotation::in_hand(head) || secrets::marked_for_deletion(head)) return false;
  const Run& run = head.rotation().run();
  return run.state() == Run::RUNNING || (run.state() == Run::FAILED && run.retry_ms() <= now);
}

/// What people are told of a step that failed.
std::string reason_of(const Error& error) {
  return error.message.empty() ? std::string("the rotator failed") : error.message;
}

}  // namespace

void RotationWorker::start() {
  stop();
  pool_ = std::make_unique<WorkPool>(kConcurrentMax, kWaitingMax);
  if (auto watch = parts_.store.watch(keys::kRotationRunKind, 0, *this); watch.ok()) watch_ = std::move(*watch);
  thread_.start([this] { round(); }, kRoundMs);
}

void RotationWorker::stop() {
  watch_.reset();
  thread_.stop();
  if (pool_ != nullptr) pool_->shut_down();
  pool_.reset();
}

void RotationWorker::on_changes(std::span<const storage::Change>, storage::Version) { thread_.wake(); }
void RotationWorker::on_reset(storage::Version) { thread_.wake(); }

void RotationWorker::round() {
  if (!parts_.clock.moment().trusted) return;
  const auto looked = look();
  if (!looked.ok() && looked.code() != Code::kConflict && !thread_.stopping()) parts_.warn("rotation: " + looked.error().message);
}

Result<void> RotationWorker::look() {
  std::string after;
  for (;;) {
    storage::ListOptions options;
    options.prefix = keys::kRotationRunKind;
    options.after = after;
    TRY_ASSIGN(const storage::Page page, parts_.store.list(options));
    for (const auto& item : page.items) {
      if (thread_.stopping()) return {};
      const Place place{item.key, keys::owner_of(item.key), std::string(keys::object_of(item.key))};
      Transaction tx = parts_.transaction();
      TRY_ASSIGN(const auto head, tx.load<Head>(keys::secret(place.mount, place.secret_id)));
      if (head != nullptr && !due(*head, parts_.clock.now_ms())) continue;
      {
        MutexLock lock(mutex_);
        if (!performing_.insert(place.key).second) continue;
      }
      const auto submitted = pool_->submit([this, place] {
        const auto done = perform(place);
        {
          MutexLock lock(mutex_);
          performing_.erase(place.key);
        }
        if (!done.ok() && done.code() != Code::kConflict && !thread_.stopping()) parts_.warn("rotation: " + done.error().message);
      });
      if (submitted.ok()) continue;
      MutexLock lock(mutex_);
      performing_.erase(place.key);
      return {};  // Enough is under way: a later round finds the rest.
    }
    if (!page.more) return {};
    after = page.items.back().key;
  }
}

Result<void> RotationWorker::perform(const Place& place) {
  if (thread_.stopping()) return {};
  auto leadership = parts_.store.campaign("rotation/" + place.key, kLeadershipMs);
  if (!leadership.ok()) {
    if (leadership.code() == Code::kConflict) return {};  // Another node is at it.
    return std::move(leadership).error();
  }
  while (!thread_.stopping()) {
    TRY_ASSIGN(const bool more, perform_step(place, (*leadership)->fence()));
    if (!more) return {};
    TRY((*leadership)->renew());
  }
  return {};
}

Result<bool> RotationWorker::perform_step(const Place& place, const storage::Condition& fence) {
  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto head, tx.load<Head>(keys::secret(place.mount, place.secret_id)));
  if (head == nullptr || !rotation::in_hand(*head)) {
    // Its end takes the entry away; whatever left this one is gone.
    tx.erase(place.key);
    TRY(commit_in_background(parts_.store, parts_.barrier, tx, {fence}));
    return false;
  }
  if (!due(*head, parts_.clock.now_ms())) return false;
  if (head->rotation().run().state() == Run::FAILED) {
    TRY(change(place, fence, [&](Transaction& own, Head& changed) {
      return rotation::retry(own, place.mount, changed, parts_.clock.now_ms());
    }));
    return true;
  }
  const Run run = head->rotation().run();
  TRY_ASSIGN(Deed deed, deed_on(tx, "rotate", place.mount, *head, "rotate"));
  deed.fields = {{"step", std::string(rotation::word(run.step()))}, {"version_id", run.version_id()}, {"rotator", head->rotation().rotator()}};
  TRY_ASSIGN(const auto intents, parts_.records.begin({&deed, 1}));
  const Result<void> done = do_step(place, *head, fence);
  if (!done.ok() && thread_.stopping()) return false;  // Whether it was done is not known: the next one does it again.
  TRY(parts_.records.end(intents.front(), done));
  bool more = false;
  TRY(change(place, fence, [&](Transaction& own, Head& changed) -> Result<void> {
    const UnixMillis now = parts_.clock.now_ms();
    if (!done.ok()) return rotation::step_failed(own, place.mount, changed, run.version_id(), run.step(), reason_of(done.error()), now);
    TRY_ASSIGN(more, rotation::step_done(own, place.mount, changed, run.version_id(), run.step(), now));
    return {};
  }));
  if (!done.ok()) parts_.warn("the rotation of a secret failed: its history says why");
  return more;
}

Result<void> RotationWorker::do_step(const Place& place, const Head& head, const storage::Condition& fence) {
  const auto session = parts_.session.load();
  if (session == nullptr) return Error{Code::kSealed, "the server was sealed"};
  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto record, rotation::find_rotator(tx, head.namespace_id(), head.rotation().rotator()));
  if (record == nullptr) return Error{Code::kNotFound, "the rotator that the secret names is gone"};
  TRY_ASSIGN(const EntryRef entry, tx.get(keys::rotator(head.namespace_id(), record->name())));
  SecretBytes key;
  if (entry->present()) {
    TRY_ASSIGN(const RecordParts parts, split_record(entry->value().reveal()));
    key = SecretBytes::copy_of(parts.content);
  }
  rotation::Rotator* const rotator = rotator_of(*record);
  if (rotator == nullptr) return Error{Code::kUnsupported, "the rotator is of a newer program's type"};
  TRY_ASSIGN(std::string secret_id, secret_id_of(tx, place, head));
  const Run run = head.rotation().run();
  rotation::StepContext context{.rotator = *record,
                                .key = key,
                                .mount = place.mount,
                                .head = head,
                                .step = run.step(),
                                .secret_id = std::move(secret_id),
                                .session = *session,
                                .clock = parts_.clock,
                                .rng = parts_.rng,
                                .stopping = [this] { return thread_.stopping(); },
                                .change = {}};
  context.change = [&](const rotation::StepContext::Change& own) {
    return change(place, fence, [&](Transaction& own_tx, Head& changed) -> Result<void> {
      const bool same = rotation::in_hand(changed) && changed.rotation().run().version_id() == run.version_id();
      if (!same) return Error{Code::kConflict, "the rotation was aborted"};
      return own(own_tx, changed);
    });
  };
  return rotator->run(context);
}

Result<std::string> RotationWorker::secret_id_of(Transaction& tx, const Place& place, const Head& head) {
  TRY_ASSIGN(const auto mount, tx.load<records::Mount>(keys::mount(head.namespace_id(), place.mount)));
  if (mount == nullptr) return Error{Code::kNotFound, "the secret's mount is gone"};
  const auto aws_name = mount->path() == aws::kMount ? aws::name_of(head.name()) : std::nullopt;
  if (!aws_name) return mount->path() + head.name();
  return aws::secret_arn(head.rotation().region(), *aws_name, aws::arn_suffix(head.id()));
}

Result<void> RotationWorker::change(const Place& place, const storage::Condition& fence, const Change& change) {
  for (int tries = 0;; ++tries) {
    Transaction tx = parts_.transaction();
    TRY_ASSIGN(const auto found, tx.load<Head>(keys::secret(place.mount, place.secret_id)));
    if (found == nullptr) return Error{Code::kConflict, "the secret is gone"};
    Head head = *found;
    TRY(change(tx, head));
    if (!tx.writes()) return {};
    auto done = commit_in_background(parts_.store, parts_.barrier, tx, {fence});
    if (done.ok() || done.code() != Code::kConflict || tries == limits::kConflictRetriesMax) return done;
    tx.drop_outdated();
  }
}

rotation::Rotator* RotationWorker::rotator_of(const records::Rotator& rotator) {
  if (rotator.type() == rotation::kRandomRotator) return &random_;
  if (rotator.type() == rotation::kHttpRotator) return &http_;
  return nullptr;
}

}  // namespace keyhold::core
