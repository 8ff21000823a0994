#include "storage/committer.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <array>
#include <utility>

#include "storage/encoding.h"
#include "storage/replacement.h"

namespace keyhold::storage {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Written and synced before a re-open is tried, as opening on a full disk costs the handle that serves reads.
constexpr std::size_t kProbeBytes = 512 * 1024;

rocksdb::WriteOptions synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

rocksdb::FileSystem& file_system_of(const RocksOptions& options) {
  return options.file_system ? *options.file_system : *rocksdb::FileSystem::Default();
}

rocksdb::Status put_user(rocksdb::WriteBatch& writes, std::string_view key, std::string_view value, Version version) {
  const std::string header = big_endian(version);
  const std::array<rocksdb::Slice, 2> keys{rocksdb::Slice(&kUserSpace, 1), rocksdb::Slice(key)};
  const std::array<rocksdb::Slice, 2> values{rocksdb::Slice(header), rocksdb::Slice(value)};
  return writes.Put(rocksdb::SliceParts(keys.data(), keys.size()), rocksdb::SliceParts(values.data(), values.size()));
}

rocksdb::Status erase_user(rocksdb::WriteBatch& writes, std::string_view key) {
  const std::array<rocksdb::Slice, 2> keys{rocksdb::Slice(&kUserSpace, 1), rocksdb::Slice(key)};
  return writes.Delete(rocksdb::SliceParts(keys.data(), keys.size()));
}

bool writes_something(const PendingCommit& pending) {
  return pending.outcome.ok() && !pending.batch.operations.empty();
}

void answer(std::vector<PendingCommit>& group) {
  for (PendingCommit& pending : group) pending.done(std::move(pending.outcome));
}

void refuse(std::vector<PendingCommit>& group, const char* why) {
  for (PendingCommit& pending : group) pending.outcome = refused({Code::kUnavailable, why});
  answer(group);
}

constexpr const char* kReadOnly = "the store is read-only after a failure";
constexpr const char* kBeingReplaced = "the store's content is being replaced";
constexpr const char* kDiskFull = "the store's disk is nearly full";

}  // namespace

Committer::Committer(const RocksOptions& options, CommitQueue& queue, HandleSlot& slot, WatchHub& hub)
    : options_(options),
      queue_(queue),
      slot_(slot),
      hub_(hub),
      durable_(slot.current()->opened_at()),
      assigned_(durable_),
      backoff_ms_(options.reopen_min_ms),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  queue_.stop();
  thread_.join();
  RocksHandle* handle = slot_.current();
  if (state_ != State::kWritable || handle->alarm().raised()) return;
  // Only spares the next open the log: what is in it is safe already.
  handle->db().Flush({}).PermitUncheckedError();
}

void Committer::commit(Batch batch, CommitDone done) {
  if (auto checked = check_batch(batch); !checked.ok()) return done(refused(std::move(checked).error()));
  const std::uint64_t generation = generation_.load();  // Before the state is looked at: see replace_all().
  if (const State state = state_; state != State::kWritable) {
    return done(refused({Code::kUnavailable, state == State::kReplacing ? kBeingReplaced : kReadOnly}));
  }
  const std::size_t bytes = bytes_of(batch);
  PendingCommit pending{.batch = std::move(batch), .done = std::move(done), .bytes = bytes, .generation = generation, .outcome = {}};
  switch (queue_.push(pending)) {
    case CommitQueue::Push::kQueued: return;
    case CommitQueue::Push::kFull:
      return pending.done(refused({Code::kUnavailable, "too many commits are waiting"}));
    case CommitQueue::Push::kStopped: return pending.done(refused({Code::kUnavailable, "the store is closing"}));
  }
}

Storage::Health Committer::health() const {
  if (state_ == State::kReplacing) return {false, kBeingReplaced};
  if (state_ != State::kWritable) {
    const MutexLock lock(reason_mutex_);
    return {false, reason_};
  }
  if (below_floor()) return {false, kDiskFull};
  return {};
}

void Committer::run() {
  std::vector<PendingCommit> group;
  for (;;) {
    std::int64_t timeout_ms = CommitQueue::kForever;
    if (state_ == State::kFailed) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(recover_at_ - SteadyClock::now());
      timeout_ms = std::max<std::int64_t>(left.count(), 0);
    }
    group.clear();
    switch (queue_.take(group, timeout_ms)) {
      case CommitQueue::Take::kStopped: return;
      case CommitQueue::Take::kGroup: commit_group(group); break;
      case CommitQueue::Take::kNothing: break;
    }
    replace_if_asked();
    if (state_ == State::kWritable && slot_.current()->alarm().raised()) {
      fail(State::kFailed, slot_.current()->alarm().reason());
    }
    if (state_ == State::kFailed && SteadyClock::now() >= recover_at_) recover();
  }
}

void Committer::commit_group(std::vector<PendingCommit>& group) {
  if (state_ == State::kWritable && slot_.current()->alarm().raised()) {
    fail(State::kFailed, slot_.current()->alarm().reason());
  }
  if (state_ != State::kWritable) return refuse(group, kReadOnly);
  if (below_floor()) return refuse(group, kDiskFull);

  Overlay overlay;
  rocksdb::WriteBatch writes;
  const Version last = plan(group, overlay, writes);
  if (last != 0) {
    writes.Put(rocksdb::Slice(kCounterKey), big_endian(last));
    const rocksdb::Status status = slot_.current()->db().Write(synced(), &writes);
    if (status.ok()) {
      backoff_ms_ = options_.reopen_min_ms;
      publish(group, overlay, last);
    } else {
      fail(State::kFailed, status.ToString());
      doubt(group);
    }
  }
  answer(group);
}

Version Committer::plan(std::vector<PendingCommit>& group, Overlay& overlay, rocksdb::WriteBatch& writes) {
  Version last = 0;
  for (PendingCommit& pending : group) {
    if (pending.generation != generation_) {
      pending.outcome = refused({Code::kUnavailable, kBeingReplaced});
      continue;
    }
    pending.outcome = check(pending.batch, overlay);
    if (!pending.outcome.ok()) continue;
    pending.outcome.at = last != 0 ? last : durable();
    if (pending.batch.operations.empty()) continue;
    last = pending.outcome.at = ++assigned_;
    for (const Operation& operation : pending.batch.operations) {
      const rocksdb::Status added = operation.value ? put_user(writes, operation.key, *operation.value, last)
                                                    : erase_user(writes, operation.key);
      CHECK(added.ok());  // Adding to a batch in memory fails only over 4 GiB.
      overlay[operation.key] = operation.value ? last : 0;
    }
  }
  return last;
}

Outcome Committer::check(const Batch& batch, const Overlay& overlay) {
  Outcome outcome;
  for (std::size_t i = 0; i < batch.conditions.size(); ++i) {
    const auto version = version_of(batch.conditions[i].key, overlay);
    if (!version.ok()) return refused(version.error());
    if (!holds(batch.conditions[i], *version)) outcome.conflicts.push_back(i);
  }
  outcome.kind = outcome.conflicts.empty() ? Outcome::Kind::kOk : Outcome::Kind::kConflict;
  return outcome;
}

Result<Version> Committer::version_of(std::string_view key, const Overlay& overlay) {
  if (const auto found = overlay.find(key); found != overlay.end()) return found->second;
  if (const auto known = index_.find(key)) return *known;
  TRY_ASSIGN(const Version version, slot_.current()->version_of(key));
  index_.put(key, version);
  return version;
}

void Committer::publish(std::vector<PendingCommit>& group, const Overlay& overlay, Version last) {
  for (const auto& [key, version] : overlay) index_.put(key, version);
  durable_.store(last, std::memory_order_release);
  for (PendingCommit& pending : group) {
    if (writes_something(pending)) hub_.publish(std::move(pending.batch.operations), pending.outcome.at);
  }
}

void Committer::doubt(std::vector<PendingCommit>& group) {
  for (PendingCommit& pending : group) {
    if (writes_something(pending)) {
      unknown_.add(pending.batch.request_id);
      doubtful_.push_back(
          {pending.batch.request_id, pending.outcome.at, std::move(pending.batch.operations)});
      pending.outcome = {};
      pending.outcome.kind = Outcome::Kind::kUnknown;
      pending.outcome.error = {Code::kUnknown, "the store failed while writing"};
    } else if (pending.outcome.ok()) {
      // What it was checked against may not be there.
      pending.outcome = refused({Code::kUnavailable, kReadOnly});
    }
  }
}

bool Committer::below_floor() const {
  if (options_.free_space_floor_bytes == 0) return false;
  std::uint64_t free_bytes = 0;
  const auto status = file_system_of(options_).GetFreeSpace(options_.path, {}, &free_bytes, nullptr);
  return status.ok() && free_bytes < options_.free_space_floor_bytes;
}

void Committer::fail(State state, std::string reason) {
  if (options_.warn) options_.warn("the store is read-only: " + reason);
  {
    const MutexLock lock(reason_mutex_);
    reason_ = std::move(reason);
  }
  recover_at_ = SteadyClock::now() + std::chrono::milliseconds(backoff_ms_);
  state_ = state;
}

Result<Version> Committer::replace(const EntrySource& source) {
  MutexLock lock(replacing_);
  if (source_ != nullptr) return Error{Code::kUnavailable, kBeingReplaced};
  source_ = &source;
  replacement_.reset();
  queue_.wake();
  while (!replacement_) replaced_.wait(replacing_);
  source_ = nullptr;
  return *std::exchange(replacement_, std::nullopt);
}

void Committer::replace_if_asked() {
  const EntrySource* source = nullptr;
  {
    MutexLock lock(replacing_);
    if (source_ == nullptr || replacement_) return;
    source = source_;
  }
  Result<Version> made = replace_all(*source);
  MutexLock lock(replacing_);
  replacement_ = std::move(made);
  replaced_.notify_all();
}

Result<Version> Committer::replace_all(const EntrySource& source) {
  if (state_ != State::kWritable) return Error{Code::kUnavailable, kReadOnly};
  state_ = State::kReplacing;
  Replacement replacement(options_);
  const Version at = assigned_ + 1;
  auto changed = replacement.build(source, at);
  if (changed.ok()) changed = change_over(replacement);
  replacement.tidy_up();
  if (slot_.current() == nullptr || slot_.current()->mode() != RocksHandle::Mode::kReadWrite) {
    fail(State::kFailed, "the store could not be opened again after its content was to be replaced");
    return Error{Code::kUnavailable, kReadOnly};
  }
  const bool replaced = changed.ok();
  if (replaced) {
    assigned_ = at;
    durable_.store(at, std::memory_order_release);
    index_.clear();
    hub_.reset(at);
  }
  // Whoever saw the state before, and queues only now, asked before this.
  if (replaced) ++generation_;
  state_ = State::kWritable;
  if (!replaced) return std::move(changed).error();
  return at;
}

Result<void> Committer::change_over(const Replacement& replacement) {
  Result<void> swapped;
  slot_.replace([&](std::unique_ptr<RocksHandle> old) {
    old.reset();
    swapped = replacement.swap();
    auto opened = reopen(nullptr);
    if (!swapped.ok() || (opened != nullptr && opened->mode() == RocksHandle::Mode::kReadWrite)) return opened;
    opened.reset();
    swapped = Error{Code::kUnavailable, "the new content cannot be opened"};
    if (!replacement.swap_back().ok()) return std::unique_ptr<RocksHandle>();
    return reopen(nullptr);
  });
  return swapped;
}

void Committer::recover() {
  backoff_ms_ = std::min(backoff_ms_ * 2, options_.reopen_max_ms);
  recover_at_ = SteadyClock::now() + std::chrono::milliseconds(backoff_ms_);
  if (!disk_takes_writes()) return;
  slot_.replace([this](std::unique_ptr<RocksHandle> old) { return reopen(std::move(old)); });
  RocksHandle* handle = slot_.current();
  if (handle == nullptr || handle->mode() != RocksHandle::Mode::kReadWrite) return;

  const Version counter = handle->opened_at();
  const bool doubtful_is_there = !doubtful_.empty() && counter == doubtful_.back().at;
  if (counter != durable() && !doubtful_is_there) {
    return fail(State::kLostCommits, "acknowledged commits are missing from the store");
  }
  settle(counter);
  index_.clear();
  if (!counter_can_be_written(*handle, counter)) return;
  state_ = State::kWritable;
  if (options_.warn) options_.warn("the store is writable again");
}

bool Committer::disk_takes_writes() const {
  rocksdb::FileSystem& files = file_system_of(options_);
  const std::string name = options_.path + "/probe";
  const bool written = rocksdb::WriteStringToFile(&files, std::string(kProbeBytes, '\0'), name, true).ok();
  files.DeleteFile(name, {}, nullptr).PermitUncheckedError();
  return written;
}

std::unique_ptr<RocksHandle> Committer::reopen(std::unique_ptr<RocksHandle> old) {
  old.reset();
  for (const auto mode : {RocksHandle::Mode::kReadWrite, RocksHandle::Mode::kReadOnly}) {
    auto opened = RocksHandle::open(options_, mode, [&queue = queue_] { queue.wake(); });
    if (opened.ok()) return std::move(opened).value();
  }
  return nullptr;
}

void Committer::settle(Version counter) {
  const bool happened = counter != durable();
  durable_.store(counter, std::memory_order_release);
  for (Doubtful& commit : doubtful_) {
    if (happened) hub_.publish(std::move(commit.operations), commit.at);
    unknown_.settle(commit.id, happened ? Resolution::kHappened : Resolution::kDidNotHappen);
  }
  doubtful_.clear();
}

bool Committer::counter_can_be_written(RocksHandle& handle, Version counter) const {
  if (handle.alarm().raised()) return false;
  return handle.db().Put(synced(), rocksdb::Slice(kCounterKey), big_endian(counter)).ok();
}

}  // namespace keyhold::storage
