#include "core/job.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "core/keys.h"
#include "core/record.h"

namespace keyhold::core {
namespace {

constexpr std::int64_t kLeadershipMs = 30'000;
constexpr std::int64_t kRetryMs = 10'000;  // After a failure, and to look for orphans.
constexpr std::int64_t kOrphanAgeMs = 600'000;  // Far beyond any request's deadline.
constexpr std::size_t kEraseBatch = 100;

}  // namespace

void JobRunner::start() {
  stop();
  if (auto watch = store_.watch(keys::kJobKind, 0, *this); watch.ok()) watch_ = std::move(*watch);
  thread_.start([this] { round(); }, kRetryMs);
}

void JobRunner::stop() {
  watch_.reset();
  thread_.stop();
}

void JobRunner::on_changes(std::span<const storage::Change>, storage::Version) { thread_.wake(); }
void JobRunner::on_reset(storage::Version) { thread_.wake(); }

void JobRunner::round() {
  const auto done = run_all();
  if (done.ok() || thread_.stopping()) return;
  // What failed is tried again by a later round: jobs never give up. Who met a request that was faster goes on at once.
  if (done.code() == Code::kConflict) return thread_.wake();
  warn_("background job: " + done.error().message);
}

Result<void> JobRunner::run_all() {
  Result<void> jobs = for_each(keys::kJobKind, [this](const std::string& key) { return run_one(key); });
  Result<void> orphans = for_each(keys::kPendingChunksKind, [this](const std::string& key) { return remove_orphaned_chunks(key); });
  return jobs.ok() ? std::move(orphans) : std::move(jobs);
}

Result<void> JobRunner::for_each(std::string_view kind, const std::function<Result<void>(const std::string&)>& visit) {
  Result<void> first_error;
  std::string after;
  for (;;) {
    storage::ListOptions options;
    options.prefix = kind;
    options.after = after;
    TRY_ASSIGN(const storage::Page page, store_.list(options));
    for (const auto& item : page.items) {
      if (thread_.stopping()) return {};
      if (auto done = visit(item.key); !done.ok() && first_error.ok()) first_error = std::move(done);
    }
    if (!page.more) return first_error;
    after = page.items.back().key;
  }
}

Result<void> JobRunner::run_one(const std::string& key) {
  auto leadership = store_.campaign("job/" + key, kLeadershipMs);
  if (!leadership.ok()) {
    if (leadership.code() == Code::kConflict) return {};  // Another node is at it.
    return std::move(leadership).error();
  }
  TRY_ASSIGN(const EntryRef entry, cache_.load(key));
  if (!entry->present()) return {};
  TRY_ASSIGN(const records::Job job, decode_record<records::Job>(entry->value()));
  const Conditions conditions{(*leadership)->fence(), storage::present(key)};
  TRY(do_work(job, conditions));
  storage::Batch last;
  last.conditions = conditions;
  last.operations = {storage::erase(key)};
  const storage::Outcome outcome = store_.commit(std::move(last));
  if (!outcome.ok()) return Error{Code::kUnavailable, "a job could not finish"};
  return {};
}

Result<void> JobRunner::do_work(const records::Job& job, const Conditions& conditions) {
  switch (job.kind()) {
    case records::Job::REMOVE_MOUNT_DATA: return remove_mount_data(job, conditions);
    case records::Job::ERASE_VERSIONS: return erase_versions(job, conditions);
    case records::Job::END_DEPENDENTS:
      TRY(reaper_.empty_cubbyhole(job, conditions));
      return reaper_.end_dependents(job, conditions);
    case records::Job::DETACH_DEPENDENTS:
      TRY(reaper_.empty_cubbyhole(job, conditions));
      return reaper_.detach_dependents(job, conditions);
    case records::Job::END_LEASES:
      return reaper_.end_leases(job.mount_id(), job.lease_path(), job.created_ms(), conditions);
    default: return Error{Code::kUnsupported, "a job of a newer program is waiting"};
  }
}

Result<void> JobRunner::remove_mount_data(const records::Job& job, const Conditions& conditions) {
  TRY(reaper_.end_leases(job.mount_id(), "", std::numeric_limits<UnixMillis>::max(), conditions));
  TRY(reaper_.end_access_keys(job.namespace_id(), job.mount_id(), conditions));
  for (const char kind : keys::kMountOwnedKinds) {
    TRY(erase_below(keys::with_owner(kind, job.mount_id()), conditions));
  }
  storage::Batch last;
  last.conditions = conditions;
  last.operations = {storage::erase(keys::mount(job.namespace_id(), job.mount_id()))};
  const storage::Outcome outcome = store_.commit(std::move(last));
  if (!outcome.ok()) return Error{Code::kUnavailable, "a job could not finish"};
  return {};
}

/// Until the job's own record goes, another run does it all again, which does no harm.
Result<void> JobRunner::erase_versions(const records::Job& job, const Conditions& conditions) {
  std::vector<std::string> doomed;
  for (const records::Job::Content& content : job.contents()) {
    doomed.push_back(keys::version(job.mount_id(), job.secret_id(), content.version_id()));
    for (std::uint32_t i = 0; i < content.chunks(); ++i) {
      doomed.push_back(keys::chunk(job.mount_id(), content.version_id(), i));
    }
  }
  for (std::size_t from = 0; from < doomed.size(); from += kEraseBatch) {
    if (thread_.stopping()) return Error{Code::kUnavailable, "stopping"};
    storage::Batch batch;
    batch.conditions = conditions;
    const std::size_t to = std::min(from + kEraseBatch, doomed.size());
    for (std::size_t i = from; i < to; ++i) batch.operations.push_back(storage::erase(doomed[i]));
    const storage::Outcome outcome = store_.commit(std::move(batch));
    if (!outcome.ok()) return Error{Code::kUnavailable, "a job could not delete a batch"};
  }
  return {};
}

Result<void> JobRunner::erase_below(std::string_view prefix, const Conditions& conditions) {
  for (;;) {
    if (thread_.stopping()) return Error{Code::kUnavailable, "stopping"};
    storage::ListOptions options;
    options.prefix = prefix;
    options.limit = kEraseBatch;
    TRY_ASSIGN(const storage::Page page, store_.list(options));
    if (page.items.empty()) return {};
    storage::Batch batch;
    batch.conditions = conditions;
    for (const auto& item : page.items) batch.operations.push_back(storage::erase(item.key));
    const storage::Outcome outcome = store_.commit(std::move(batch));
    if (!outcome.ok()) return Error{Code::kUnavailable, "a job could not delete a batch"};
  }
}

Result<void> JobRunner::remove_orphaned_chunks(const std::string& key) {
  TRY_ASSIGN(const EntryRef entry, cache_.load(key));
  if (!entry->present()) return {};
  TRY_ASSIGN(const auto pending, decode_record<records::PendingChunks>(entry->value()));
  if (pending.created_ms() + kOrphanAgeMs > clock_.now_ms()) return {};
  storage::Batch batch;
  // The commit that would adopt the chunks deletes this record: whoever is first wins.
  batch.conditions = {storage::unchanged(key, entry->version())};
  batch.operations.push_back(storage::erase(key));
  for (std::uint32_t i = 0; i < pending.chunks(); ++i) {
    batch.operations.push_back(storage::erase(keys::chunk(pending.mount_id(), pending.version_id(), i)));
  }
  const storage::Outcome outcome = store_.commit(std::move(batch));
  if (outcome.ok() || outcome.kind == storage::Outcome::Kind::kConflict) return {};
  return Error{Code::kUnavailable, "orphaned chunks could not be deleted"};
}

}  // namespace keyhold::core
