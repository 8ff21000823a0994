#include "core/audit/stream.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace keyhold::core::audit {
namespace {

constexpr MonotonicMillis kTellEachMs = 10'000;
constexpr std::uint64_t kCheckpointRecords = 1000;
constexpr std::int64_t kCheckpointMs = 10'000;

// 32 MiB of chain values: the sync thread is stuck for seconds at full speed, and the promise to sync is broken.
constexpr std::size_t kUnfoldedLinesMax = 1024 * 1024;

}  // namespace

Stream::Stream(StreamContext& context, int index, std::string journal, std::optional<StreamEnd> end,
               std::string public_key)
    : context_(context), index_(index), journal_(std::move(journal)), public_key_(std::move(public_key)) {
  genesis_.journal = journal_;
  genesis_.stream = index_;
  if (end) {
    genesis_.begin = end->begin;
    genesis_.torn_bytes = end->torn_bytes;
    next_sequence_ = end->previous.sequence + 1;
    chain_ = end->previous.chain;
    genesis_.previous = std::move(end->previous);
  }
}

void Stream::append(std::string_view members) {
  CHECK(!members.empty() && kind_of(members) == LineKind::kRecord);
  if (members.size() > kMembersBytesMax) {
    oversized_ = true;
    return;
  }
  pending_.append(members);
  entries_.push_back({.time_ms = context_.clock.now_ms(), .end = pending_.size()});
}

Result<void> Trouble::judge(Result<void> result) {
  if (result.ok()) {
    if (!told_.load(std::memory_order_relaxed)) return result;
    MutexLock lock(mutex_);
    if (told_.exchange(false)) tell("it is written again");
    return result;
  }
  MutexLock lock(mutex_);
  // A trouble that comes and goes is told of at most so often.
  if (!told_ && (told_ms_ == std::numeric_limits<MonotonicMillis>::min() || clock_.monotonic_ms() - told_ms_ >= kTellEachMs)) {
    told_ms_ = clock_.monotonic_ms();
    told_ = true;
    tell(result.error().message + "; requests are refused until it can be written");
  }
  return Error{Code::kUnavailable, "the audit journal cannot be written: the operator's log says why"};
}

void Trouble::tell(std::string_view line) {
  if (options_.warn) options_.warn("audit journal: " + std::string(line));
}

Result<void> Stream::write() {
  if (entries_.empty() && !oversized_) return {};
  Result<void> written = write_batch();
  if (written.ok()) {
    context_.records += entries_.size();
  } else {
    ++context_.write_failures;
  }
  pending_.clear();
  entries_.clear();
  oversized_ = false;
  return written;
}

Result<void> Stream::write_batch() {
  if (oversized_) return Error{Code::kTooLarge, "an audit record is too large"};
  TRY(rotate_if_full());

  MutexLock lock(mutex_);
  TRY(check_bound());
  if (!file_) TRY(context_.trouble.judge(begin_file()));
  if (unfolded_.size() > kUnfoldedLinesMax) {
    return Error{Code::kUnavailable, "the audit journal's sync does not keep up"};
  }
  output_.clear();
  output_chains_.clear();
  Digest chain = chain_;
  std::size_t begin = 0;
  for (const Entry& entry : entries_) {
    const auto members = std::string_view(pending_).substr(begin, entry.end - begin);
    chain = append_line(output_, next_sequence_ + output_chains_.size(), time_.at(entry.time_ms), members, chain);
    output_chains_.push_back(chain);
    begin = entry.end;
  }
  TRY(context_.trouble.judge(append_to_file(output_)));

  const bool idle = !unsynced_;
  const bool many = unsigned_records_ >= kCheckpointRecords;
  chain_ = chain;
  next_sequence_ += entries_.size();
  unsigned_records_ += entries_.size();
  unfolded_.insert(unfolded_.end(), output_chains_.begin(), output_chains_.end());
  mark_written();
  ++batch_;
  const bool ring = idle || (signer_ && !many && unsigned_records_ >= kCheckpointRecords);
  lock.unlock();
  if (ring) context_.bell.ring();
  return {};
}

Result<void> Stream::check_bound() {
  const std::uint64_t retain = context_.options.retain_bytes;
  if (retain == 0 || context_.total_bytes + pending_.size() <= retain) return {};
  // Nothing is dropped without a signer: a sealed node goes over the bound, or it could not be unsealed.
  if (!signer_ && context_.options.when_full != JournalOptions::WhenFull::kRefuse) return {};
  // The sync thread drops files, or looks whether some were taken away.
  if (!context_.full.exchange(true)) {
    context_.bell.ring();
    if (context_.options.warn) {
      context_.options.warn("audit journal: it has reached retain_bytes; requests are refused until its oldest files are gone");
    }
  }
  return Error{Code::kUnavailable, "the audit journal has reached retain_bytes: take its oldest files away, or raise it"};
}

Result<void> Stream::append_to_file(std::string_view bytes) {
  TRY(file_->append(bytes));
  context_.written_bytes += bytes.size();
  context_.total_bytes += bytes.size();
  return {};
}

Result<void> Stream::append_own_line(std::string_view members) {
  TimeText time;
  std::string line;
  const Digest chain = append_line(line, next_sequence_, time.at(context_.clock.now_ms()), members, chain_);
  TRY(append_to_file(line));
  chain_ = chain;
  ++next_sequence_;
  unfolded_.push_back(chain);
  mark_written();
  return {};
}

Result<void> Stream::rotate_if_full() {
  {
    MutexLock lock(mutex_);
    if (!file_ || file_->bytes() < context_.options.rotate_bytes) return {};
  }
  MutexLock tree_lock(tree_mutex_);
  fold();
  MutexLock lock(mutex_);
  if (!file_) return {};  // Given up by the sync thread in between.
  TRY(sign(Closing::kRotated));
  end_file(Begin::kRotation);
  return {};
}

Result<void> Stream::begin_file() {
  genesis_.public_key = public_key_;
  TRY_ASSIGN(auto file, JournalFile::create(context_.options.directory,
                                            FileName{.stream = index_, .first_sequence = next_sequence_}.text(),
                                            context_.calls));
  TimeText time;  // Also the sync thread comes here.
  std::string line;
  const Digest chain = append_line(line, next_sequence_, time.at(context_.clock.now_ms()), genesis_.members(), chain_);
  file_ = std::move(file);
  if (auto written = append_to_file(line); !written.ok()) {
    file_->discard();
    file_ = nullptr;
    return written;
  }
  ++file_number_;
  file_first_sequence_ = next_sequence_++;
  file_synced_bytes_ = 0;
  file_public_key_ = public_key_;
  chain_ = chain;
  unfolded_.assign(1, chain);
  unsigned_records_ = 0;
  signed_ms_ = context_.clock.monotonic_ms();
  return {};
}

void Stream::end_file(Begin reason_of_next) {
  genesis_.begin = reason_of_next;
  genesis_.torn_bytes = 0;
  genesis_.previous = {.file = file_->name(), .sequence = next_sequence_ - 1, .chain = chain_};
  ended_.push_back(std::move(file_));
  file_ = nullptr;
  unfolded_.clear();
  unsigned_records_ = 0;
}

void Stream::mark_written() {
  if (unsynced_) return;
  unsynced_ = true;
  unsynced_since_ms_ = context_.clock.monotonic_ms();
}

void Stream::sync(std::function<void(Result<void>)> done) {
  {
    MutexLock lock(mutex_);
    waiters_.push_back({.done = std::move(done), .batch = batch_});
  }
  context_.bell.ring();
}

void Stream::set_signer(std::shared_ptr<const crypto::Ed25519Signer> signer) {
  MutexLock tree_lock(tree_mutex_);
  fold();
  MutexLock lock(mutex_);
  if (signer_ != nullptr && unsigned_records_ > 0 && !sign(Closing::kOpen).ok()) ++context_.signing_failures;
  signer_ = std::move(signer);
  if (signer_ == nullptr) return;
  public_key_ = signer_->public_key();
  if (file_ && !file_public_key_.empty() && file_public_key_ != public_key_) end_file(Begin::kNewKey);
}

void Stream::fold() {
  {
    MutexLock lock(mutex_);
    if (tree_file_number_ != file_number_) tree_ = {};
    tree_file_number_ = file_number_;
    folding_.swap(unfolded_);
  }
  for (const Digest& chain : folding_) tree_.add(chain);
  folding_.clear();
}

void Stream::fold_rest() {
  if (tree_file_number_ != file_number_) tree_ = {};
  tree_file_number_ = file_number_;
  for (const Digest& chain : unfolded_) tree_.add(chain);
  unfolded_.clear();
}

bool Stream::checkpoint_due() {
  if (!file_ || !signer_ || unsigned_records_ == 0) return false;
  return unsigned_records_ >= kCheckpointRecords || context_.clock.monotonic_ms() >= signed_ms_ + kCheckpointMs;
}

Result<void> Stream::sign(Closing closing) {
  if (!file_ || !signer_) return {};
  fold_rest();
  const Checkpoint checkpoint{.origin = Checkpoint::origin_of(genesis_, file_first_sequence_),
                              .size = tree_.size(),
                              .root = tree_.root(),
                              .closing = closing};
  signed_ms_ = context_.clock.monotonic_ms();  // Also after a failure: not again at once.
  TRY(append_own_line(checkpoint.signed_members(key_name_of(journal_), *signer_)));
  unsigned_records_ = 0;
  file_public_key_ = signer_->public_key();
  return {};
}

Result<void> Stream::note_dropped(std::string_view members) {
  Result<void> outcome = Error{Code::kUnavailable, "the audit journal was not synced"};
  {
    MutexLock tree_lock(tree_mutex_);
    fold();
    MutexLock lock(mutex_);
    if (!signer_) return Error{Code::kSealed, "there is no key to sign with"};
    if (!file_) TRY(begin_file());
    TRY(append_own_line(members));
    TRY(sign(Closing::kOpen));
    waiters_.push_back({.done = [&outcome](Result<void> synced) { outcome = std::move(synced); }, .batch = ++batch_});
  }
  sync_files(Urgency::kNow);
  return outcome;
}

SyncedEnd Stream::synced_end() {
  MutexLock lock(mutex_);
  return file_ ? SyncedEnd{.file = file_first_sequence_, .bytes = file_synced_bytes_} : SyncedEnd{};
}

bool Stream::sync_files(Urgency urgency) {
  std::vector<Waiter> waiters;
  std::vector<std::shared_ptr<JournalFile>> files;
  std::shared_ptr<JournalFile> current;
  std::uint64_t batch = 0;
  std::uint64_t current_bytes = 0;
  {
    MutexLock lock(mutex_);
    const bool due = urgency == Urgency::kNow || !waiters_.empty() || !ended_.empty() ||
                     (unsynced_ && context_.clock.monotonic_ms() >= unsynced_since_ms_ + context_.options.sync_ms);
    if (!due) return false;
    waiters.swap(waiters_);
    files.swap(ended_);
    if (unsynced_) current = file_;
    if (current) current_bytes = current->bytes();
    unsynced_ = false;
    batch = batch_;
  }
  if (current) files.push_back(current);

  // No file is tried twice: after a failed fdatasync the kernel may call lost pages clean, and a second one succeeds.
  Result<void> outcome;
  bool lost = false;
  for (const auto& file : files) {
    if (auto synced = file->sync(); !synced.ok()) outcome = std::move(synced);
  }
  if (outcome.ok() && current && !current->in_place()) {
    lost = true;
    outcome = Error{Code::kUnavailable, "an audit journal file was unlinked or replaced"};
  }
  if (!files.empty()) outcome = context_.trouble.judge(std::move(outcome));
  {
    MutexLock lock(mutex_);
    if (!outcome.ok()) {
      ++(lost ? context_.files_lost : context_.sync_failures);
      if (current && file_ == current) {
        end_file(lost ? Begin::kLost : Begin::kSyncError);
        ended_.pop_back();  // Not to be synced again.
        batch = batch_;     // With what was written to it meanwhile.
        unsynced_ = false;
      }
      // Those who wait since before the last failure are still to be told of that one.
      if (doubtful_.through != synced_batch_) doubtful_.after = synced_batch_;
      doubtful_.through = batch;
    } else if (current && file_ == current) {
      file_synced_bytes_ = current_bytes;
    }
    synced_batch_ = batch;
  }
  for (Waiter& waiter : waiters) {
    bool doubtful = false;
    {
      MutexLock lock(mutex_);
      doubtful = waiter.batch > doubtful_.after && waiter.batch <= doubtful_.through;
    }
    if (!doubtful) {
      waiter.done({});
    } else if (!outcome.ok()) {
      waiter.done(outcome);
    } else {
      waiter.done(Error{Code::kUnavailable, "the audit journal's file was given up before it was synced"});
    }
  }
  return true;
}

MonotonicMillis Stream::catch_up() {
  {
    MutexLock tree_lock(tree_mutex_);
    fold();
    MutexLock lock(mutex_);
    if (checkpoint_due() && !sign(Closing::kOpen).ok()) ++context_.signing_failures;
  }
  MutexLock lock(mutex_);
  MonotonicMillis due = std::numeric_limits<MonotonicMillis>::max();
  if (unsynced_) due = unsynced_since_ms_ + context_.options.sync_ms;
  if (signer_ && unsigned_records_ > 0) due = std::min(due, signed_ms_ + kCheckpointMs);
  return due;
}

void Stream::close() {
  {
    MutexLock tree_lock(tree_mutex_);
    fold();
    MutexLock lock(mutex_);
    if (!sign(Closing::kClosed).ok()) ++context_.signing_failures;
  }
  sync_files(Urgency::kNow);
}

}  // namespace keyhold::core::audit
