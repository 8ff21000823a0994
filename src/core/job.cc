#include "core/job.h"

#include <algorithm>

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
  {
    MutexLock lock(mutex_);
    stopping_ = false;
    work_ = true;
  }
  if (auto watch = store_.watch(keys::kJobKind, 0, *this); watch.ok()) watch_ = std::move(*watch);
  thread_ = std::thread([this] { loop(); });
}

void JobRunner::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  watch_.reset();
  if (thread_.joinable()) thread_.join();
}

void JobRunner::wake() {
  {
    MutexLock lock(mutex_);
    work_ = true;
  }
  changed_.notify_all();
}

bool JobRunner::stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void JobRunner::on_changes(std::span<const storage::Change>, storage::Version) { wake(); }
void JobRunner::on_reset(storage::Version) { wake(); }

void JobRunner::loop() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!work_ && !stopping_) changed_.wait_for_ms(mutex_, kRetryMs);
      if (stopping_) return;
      work_ = false;
    }
    // What failed is tried again by the next round: jobs never give up.
    if (const auto done = run_all(); !done.ok() && !stopping()) warn_("background job: " + done.error().message);
  }
}

Result<void> JobRunner::run_all() {
  Result<void> first_error;
  storage::ListOptions options;
  options.prefix = keys::kJobKind;
  TRY_ASSIGN(const storage::Page page, store_.list(options));
  for (const auto& item : page.items) {
    if (stopping()) return {};
    if (auto done = run_one(item.key); !done.ok() && first_error.ok()) first_error = std::move(done);
  }
  if (auto done = remove_orphaned_chunks(); !done.ok() && first_error.ok()) first_error = std::move(done);
  return first_error;
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
  switch (job.kind()) {
    case records::Job::REMOVE_MOUNT_DATA: return remove_mount_data(key, job, (*leadership)->fence());
    case records::Job::ERASE_VERSIONS: return erase_versions(key, job, (*leadership)->fence());
    default: return Error{Code::kUnsupported, "a job of a newer program is waiting"};
  }
}

Result<void> JobRunner::remove_mount_data(const std::string& key, const records::Job& job,
                                          const storage::Condition& fence) {
  const std::vector<storage::Condition> conditions{fence, storage::present(key)};
  for (const char kind : keys::kMountOwnedKinds) {
    TRY(erase_below(keys::with_owner(kind, job.mount_id()), conditions));
  }
  storage::Batch last;
  last.conditions = conditions;
  last.operations = {storage::erase(key), storage::erase(keys::mount(job.namespace_id(), job.mount_id()))};
  const storage::Outcome outcome = store_.commit(std::move(last));
  if (!outcome.ok()) return Error{Code::kUnavailable, "a job could not finish"};
  return {};
}

Result<void> JobRunner::erase_versions(const std::string& key, const records::Job& job,
                                       const storage::Condition& fence) {
  std::vector<std::string> doomed;
  for (const records::Job::Content& content : job.contents()) {
    doomed.push_back(keys::version(job.mount_id(), job.secret_id(), content.version_id()));
    for (std::uint32_t i = 0; i < content.chunks(); ++i) {
      doomed.push_back(keys::chunk(job.mount_id(), content.version_id(), i));
    }
  }
  doomed.push_back(key);  // Last: until then another run does it all again, which does no harm.
  for (std::size_t from = 0; from < doomed.size(); from += kEraseBatch) {
    if (stopping()) return Error{Code::kUnavailable, "stopping"};
    storage::Batch batch;
    batch.conditions = {fence, storage::present(key)};
    const std::size_t to = std::min(from + kEraseBatch, doomed.size());
    for (std::size_t i = from; i < to; ++i) batch.operations.push_back(storage::erase(doomed[i]));
    const storage::Outcome outcome = store_.commit(std::move(batch));
    if (!outcome.ok()) return Error{Code::kUnavailable, "a job could not delete a batch"};
  }
  return {};
}

Result<void> JobRunner::erase_below(std::string_view prefix, const std::vector<storage::Condition>& conditions) {
  for (;;) {
    if (stopping()) return Error{Code::kUnavailable, "stopping"};
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

Result<void> JobRunner::remove_orphaned_chunks() {
  storage::ListOptions options;
  options.prefix = keys::kPendingChunksKind;
  TRY_ASSIGN(const storage::Page page, store_.list(options));
  for (const auto& item : page.items) {
    TRY_ASSIGN(const EntryRef entry, cache_.load(item.key));
    if (!entry->present()) continue;
    TRY_ASSIGN(const auto pending, decode_record<records::PendingChunks>(entry->value()));
    if (pending.created_ms() + kOrphanAgeMs > clock_.now_ms()) continue;
    storage::Batch batch;
    // The commit that would adopt the chunks deletes this record: whoever is first wins.
    batch.conditions = {storage::unchanged(item.key, entry->version())};
    batch.operations.push_back(storage::erase(item.key));
    for (std::uint32_t i = 0; i < pending.chunks(); ++i) {
      batch.operations.push_back(storage::erase(keys::chunk(pending.mount_id(), pending.version_id(), i)));
    }
    const storage::Outcome outcome = store_.commit(std::move(batch));
    if (outcome.kind == storage::Outcome::Kind::kConflict) continue;
    if (!outcome.ok()) return Error{Code::kUnavailable, "orphaned chunks could not be deleted"};
  }
  return {};
}

}  // namespace keyhold::core
