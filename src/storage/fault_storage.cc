#include "storage/fault_storage.h"

#include <algorithm>
#include <utility>

#include "storage/leadership.h"

namespace keyhold::storage {

namespace {

Outcome conflict_on_all(const Batch& batch) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kConflict;
  for (std::size_t i = 0; i < batch.conditions.size(); ++i) outcome.conflicts.push_back(i);
  return outcome;
}

Outcome unknown() {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kUnknown;
  outcome.error = {Code::kUnknown, "injected: outcome unknown"};
  return outcome;
}

}  // namespace

void FaultStorage::inject(CommitFault fault) {
  const MutexLock lock(mutex_);
  faults_.push_back({std::move(fault), 0});
}

void FaultStorage::fail_reads(std::uint64_t nth, std::uint64_t times) {
  const MutexLock lock(mutex_);
  reads_until_failure_ = nth;
  read_failures_ = times;
}

void FaultStorage::heal() {
  {
    const MutexLock lock(mutex_);
    faults_.clear();
    reads_until_failure_ = 0;
  }
  release();
}

void FaultStorage::release() {
  std::vector<Held> released;
  {
    const MutexLock lock(mutex_);
    released.swap(held_);
  }
  for (Held& held : released) inner_.commit(std::move(held.batch), std::move(held.done));
}

std::size_t FaultStorage::held() const {
  const MutexLock lock(mutex_);
  return held_.size();
}

std::uint64_t FaultStorage::commits() const {
  const MutexLock lock(mutex_);
  return commits_;
}

Result<void> FaultStorage::check_read() const {
  const MutexLock lock(mutex_);
  if (reads_until_failure_ == 0) return {};
  if (reads_until_failure_ > 1) {
    --reads_until_failure_;
    return {};
  }
  if (read_failures_ != CommitFault::kForEver && --read_failures_ == 0) reads_until_failure_ = 0;
  return Error{Code::kUnavailable, "injected: read failed"};
}

Result<std::optional<Entry>> FaultStorage::get(std::string_view key, ReadAt read_at) const {
  TRY(check_read());
  return inner_.get(key, read_at);
}

Result<Page> FaultStorage::list(const ListOptions& options) const {
  TRY(check_read());
  return inner_.list(options);
}

Result<Version> FaultStorage::latest() const {
  TRY(check_read());
  return inner_.latest();
}

std::optional<CommitFault> FaultStorage::hit(const Batch& batch) {
  std::optional<CommitFault> first;
  for (auto armed = faults_.begin(); armed != faults_.end();) {
    const CommitFault& fault = armed->fault;
    if (fault.matches && !fault.matches(batch)) {
      ++armed;
      continue;
    }
    ++armed->seen;
    if (armed->seen >= fault.nth && !first) first = fault;
    const bool spent = armed->seen >= fault.nth && armed->seen - fault.nth + 1 >= fault.times;
    armed = spent ? faults_.erase(armed) : armed + 1;
  }
  return first;
}

void FaultStorage::commit(Batch batch, CommitDone done) {
  // Bounds first, as in every backend, so that no fault hides a batch that could never be committed.
  if (auto checked = check_batch(batch); !checked.ok()) return done(refused(std::move(checked).error()));
  std::optional<CommitFault> fault;
  {
    const MutexLock lock(mutex_);
    ++commits_;
    fault = hit(batch);
    if (fault && fault->kind == CommitFault::Kind::kDelay) {
      held_.push_back({std::move(batch), std::move(done)});
      return;
    }
  }
  if (!fault) return inner_.commit(std::move(batch), std::move(done));
  switch (fault->kind) {
    case CommitFault::Kind::kConflict: return done(conflict_on_all(batch));
    case CommitFault::Kind::kRefused: return done(refused({Code::kUnavailable, "injected: refused"}));
    case CommitFault::Kind::kUnknownHappened:
    case CommitFault::Kind::kUnknownDidNotHappen: return end_unknown(std::move(batch), *fault, std::move(done));
    case CommitFault::Kind::kDelay: break;
  }
  CHECK(false);
}

void FaultStorage::end_unknown(Batch batch, const CommitFault& fault, CommitDone done) {
  const RequestId id = batch.request_id;
  if (fault.kind == CommitFault::Kind::kUnknownDidNotHappen) {
    remember(id, Resolution::kDidNotHappen, fault.resolves_unknown);
    return done(unknown());
  }
  inner_.commit(std::move(batch), [this, id, still_unknown = fault.resolves_unknown, done = std::move(done)](Outcome outcome) {
    // A conflict or refusal beneath is as unknown to the caller as success.
    remember(id, outcome.ok() ? Resolution::kHappened : Resolution::kDidNotHappen, still_unknown);
    done(unknown());
  });
}

void FaultStorage::remember(const RequestId& id, Resolution resolution, int still_unknown) {
  const MutexLock lock(mutex_);
  injected_.push_back({id, resolution, still_unknown});
}

Resolution FaultStorage::resolve(const RequestId& request_id) {
  {
    const MutexLock lock(mutex_);
    for (Injected& injected : injected_) {
      if (injected.id != request_id || request_id == RequestId{}) continue;
      if (injected.still_unknown == 0) return injected.resolution;
      --injected.still_unknown;
      return Resolution::kStillUnknown;
    }
  }
  return inner_.resolve(request_id);
}

Result<std::unique_ptr<Watch>> FaultStorage::watch(std::string_view prefix, Version from, Watcher& watcher) {
  return inner_.watch(prefix, from, watcher);
}

Result<std::unique_ptr<Leadership>> FaultStorage::campaign(std::string_view job, std::int64_t ttl_ms) {
  return campaign_on(*this, clock_, job, ttl_ms);
}

}  // namespace keyhold::storage
