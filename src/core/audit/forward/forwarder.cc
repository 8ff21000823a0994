#include "core/audit/forward/forwarder.h"

#include <algorithm>
#include <utility>

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kBatchBytes = 256 * 1024;
constexpr std::int64_t kFirstBackoffMs = 100;
constexpr std::int64_t kBackoffMsMax = 10'000;
constexpr std::int64_t kIdleMs = 10'000;        // Looks around this often when nobody rings.
constexpr std::int64_t kDrainMs = 2'000;
// A write whose outcome is not in the journal after this has none: a request's deadline and its commit are far shorter.
constexpr std::int64_t kOutcomeMsMax = 10 * 60'000;

}  // namespace

Forwarder::Forwarder(Parts parts)
    : device_(parts.device),
      directory_(parts.journal_directory),
      journal_(parts.journal),
      clock_(parts.clock),
      calls_(parts.calls),
      hash_(std::move(parts.hash)),
      log_(std::move(parts.log)),
      save_ms_(parts.save_ms) {
  load_cursor();
  journal_.add_listener(bell_);
  thread_ = std::thread([this] { run(); });
}

Forwarder::~Forwarder() {
  journal_.remove_listener(bell_);
  bell_.stop();
  thread_.join();
}

ForwarderCounters Forwarder::counters() const {
  return {.lines = lines_,
          .failures = failures_,
          .cursors_lost = cursors_lost_,
          .records_missed = records_missed_,
          .records_damaged = records_damaged_,
          .failing = failing_};
}

void Forwarder::adopt(FileSink sink) {
  {
    MutexLock lock(mutex_);
    next_sink_ = std::move(sink);
  }
  bell_.ring();
}

std::uint64_t Forwarder::forwarded_below(int stream) const {
  MutexLock lock(mutex_);
  const auto found = forwarded_below_.find(stream);
  return found == forwarded_below_.end() ? 0 : found->second;
}

void Forwarder::load_cursor() {
  auto cursor = audit::load_cursor(directory_, device_.name);
  if (!cursor.ok() && cursor.code() != Code::kNotFound) {
    ++cursors_lost_;
    log_("audit device " + device_.name + ": " + cursor.error().message + "; everything in the journal is written again");
  }
  begin_sources(cursor.ok() ? *cursor : Cursor());
}

void Forwarder::begin_sources(const Cursor& cursor) {
  sources_.clear();
  const auto accessors = device_.hash_accessors ? VaultLines::Accessors::kHashed : VaultLines::Accessors::kClear;
  for (int index = 0; index < journal_.streams(); ++index) {
    StreamTail tail(directory_, journal_, index);
    Cursor::Stream saved;
    bool found = false;
    if (const auto known = cursor.streams.find(index); known != cursor.streams.end()) {
      saved = known->second;
      const auto sought = tail.seek(saved.from);
      found = sought.ok() && *sought == StreamTail::Sought::kFound;
      if (!found) {
        ++cursors_lost_;
        log_("audit device " + device_.name + ": its cursor does not fit the journal; the stream is written again");
      }
    }
    if (!found) {
      tail.seek_oldest();
      saved = {.from = tail.position(), .through = {}};
      unsaved_ = true;
    }
    const Position through = saved.through;
    sources_.push_back(
        {.tail = std::move(tail), .lines = VaultLines(accessors, hash_), .saved = saved, .through = through});
  }
  MutexLock lock(mutex_);
  for (int index = 0; index < journal_.streams(); ++index) {
    forwarded_below_[index] = sources_[static_cast<std::size_t>(index)].saved.from.sequence + 1;
  }
}

void Forwarder::run() {
  bool stopping = false;
  MonotonicMillis drained_by_ms = 0;
  if (unsaved_) save();  // Where it begins: what is removed before it can be written is known to be missed, after a kill as well.
  saved_ms_ = clock_.monotonic_ms();
  while (true) {
    const bool moved = pass();
    if (save_due()) save();
    if (stopping && (!moved || clock_.monotonic_ms() > drained_by_ms)) break;
    if (moved || stopping) continue;
    if (bell_.wait(wait_ms()) == Bell::Heard::kStop) {
      stopping = true;
      drained_by_ms = clock_.monotonic_ms() + kDrainMs;
    }
  }
  if (unsaved_) save();
}

std::int64_t Forwarder::wait_ms() const {
  MonotonicMillis until_ms = clock_.monotonic_ms() + kIdleMs;
  if (backoff_ms_ > 0) {
    until_ms = retry_ms_;
  } else if (unsaved_) {
    until_ms = saved_ms_ + save_ms_;
  }
  return std::clamp<std::int64_t>(until_ms - clock_.monotonic_ms(), 1, kIdleMs);
}

/// One batch. False when there is nothing to do but wait.
bool Forwarder::pass() {
  take_next_sink();
  if (backoff_ms_ > 0 && clock_.monotonic_ms() < retry_ms_) return false;
  if (done_ == out_.size()) {
    out_.clear();
    done_ = 0;
    for (Source& source : sources_) {
      const auto collected = collect(source);
      if (!collected.ok()) failed(collected.error());
      if (collected.ok() && *collected == Collected::kAll) {
        source.lines.close_before(time_.at(clock_.now_ms() - kOutcomeMsMax), out_);
      }
    }
    // Also when no line came of it: the cursor moves over checkpoints too.
    if (out_.empty()) return false;
  }
  return write_out();
}

/// Appends what a stream has to say to out_.
Result<Forwarder::Collected> Forwarder::collect(Source& source) {
  std::string ignored;
  while (out_.size() < kBatchBytes) {
    TRY_ASSIGN(const auto next, source.tail.peek());
    tell_missed(source);
    if (!next) return Collected::kAll;
    if (!next->line) {
      ++records_damaged_;
      log_("audit device " + device_.name + ": a damaged line of the journal cannot be forwarded");
    } else {
      ignored.clear();
      std::string& out = next->begin.before(source.through) ? ignored : out_;
      if (source.lines.take(*next->line, next->text, next->begin, out) == VaultLines::Taken::kNeedsKey) {
        return Collected::kStalled;
      }
    }
    source.tail.advance();
    unsaved_ = true;
  }
  return Collected::kMore;
}

void Forwarder::tell_missed(Source& source) {
  const std::uint64_t missed = source.tail.lines_missed() - source.missed;
  if (missed == 0) return;
  source.missed += missed;
  records_missed_ += missed;
  log_("audit device " + device_.name + ": " + std::to_string(missed) +
       " lines were removed from the journal before they were forwarded");
}

bool Forwarder::write_out() {
  if (auto ready = ensure_sink(); !ready.ok()) {
    failed(ready.error());
    return false;
  }
  std::string_view rest = std::string_view(out_).substr(done_);
  const auto written = sink_->append(rest);
  done_ = out_.size() - rest.size();
  if (!written.ok()) {
    failed(written.error());
    // A full disk gets the rest of the line when there is space again; another error may be the file's end.
    if (!sink_->out_of_space()) {
      sink_.reset();
      go_back();
    }
    return false;
  }
  lines_ += static_cast<std::uint64_t>(std::count(out_.begin(), out_.end(), '\n'));
  recovered();
  return true;
}

Result<void> Forwarder::ensure_sink() {
  if (sink_) return {};
  TRY_ASSIGN(FileSink sink, open_again());
  sink_ = std::move(sink);
  return {};
}

void Forwarder::take_next_sink() {
  std::optional<FileSink> next;
  {
    MutexLock lock(mutex_);
    next = std::exchange(next_sink_, std::nullopt);
  }
  if (!next) return;
  const bool kept = !sink_ || sink_->sync().ok();
  sink_ = std::move(next);
  backoff_ms_ = 0;
  // The new file begins with a whole line.
  done_ = done_ == out_.size() || done_ == 0 ? done_ : out_.rfind('\n', done_ - 1) + 1;
  if (!kept) go_back();
}

void Forwarder::go_back() {
  Cursor cursor;
  for (std::size_t i = 0; i < sources_.size(); ++i) cursor.streams[static_cast<int>(i)] = sources_[i].saved;
  out_.clear();
  done_ = 0;
  unsaved_ = false;
  begin_sources(cursor);
}

bool Forwarder::save_due() const {
  return unsaved_ && done_ == out_.size() && clock_.monotonic_ms() >= saved_ms_ + save_ms_;
}

void Forwarder::save() {
  if (done_ != out_.size()) return;
  saved_ms_ = clock_.monotonic_ms();
  if (sink_) {
    if (!sink_->linked()) {
      failed({Code::kUnavailable, "the audit device's file was removed"});
      sink_.reset();
      return go_back();
    }
    if (auto synced = sink_->sync(); !synced.ok()) {
      // The kernel may have dropped what it could not write, and call it clean the next time.
      failed(synced.error());
      sink_.reset();
      return go_back();
    }
  }
  Cursor cursor;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    const Position at = source.tail.position();
    cursor.streams[static_cast<int>(i)] = {.from = source.lines.oldest_pending().value_or(at),
                                           .through = at.before(source.through) ? source.through : at};
  }
  if (auto saved = save_cursor(directory_, device_.name, cursor); !saved.ok()) {
    ++failures_;
    if (std::exchange(cursor_kept_, false)) {
      log_("audit device " + device_.name + ": its cursor cannot be kept: " + saved.error().message);
    }
    return;
  }
  unsaved_ = false;
  cursor_kept_ = true;
  MutexLock lock(mutex_);
  for (const auto& [index, stream] : cursor.streams) {
    sources_[static_cast<std::size_t>(index)].saved = stream;
    forwarded_below_[index] = stream.from.sequence + 1;
  }
}

void Forwarder::failed(const Error& error) {
  ++failures_;
  failing_ = true;
  backoff_ms_ = std::clamp(backoff_ms_ * 2, kFirstBackoffMs, kBackoffMsMax);
  retry_ms_ = clock_.monotonic_ms() + backoff_ms_;
  if (error.message == last_error_) return;
  last_error_ = error.message;
  log_("audit device " + device_.name + ": " + error.message + "; trying again");
}

void Forwarder::recovered() {
  if (!failing_) return;
  failing_ = false;
  backoff_ms_ = 0;
  last_error_.clear();
  log_("audit device " + device_.name + ": writing again");
}

}  // namespace keyhold::core::audit
