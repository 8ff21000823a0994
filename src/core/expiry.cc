#include "core/expiry.h"

#include <algorithm>

#include "core/keys.h"
#include "core/secret_due.h"

namespace keyhold::core {
namespace {

constexpr std::int64_t kRoundMs = 5'000;
constexpr std::int64_t kLeadershipMs = 30'000;
constexpr std::int64_t kMarkMs = 60'000;         // How old the mark of time may become while nothing expires.
constexpr std::int64_t kClockSkewMs = 600'000;   // Entries that nodes with slower clocks file before the mark are found still.
constexpr std::int64_t kWarnAgainMs = 60'000;
constexpr std::size_t kEntriesABatch = 12;       // See kTokensABatch in token_reaper.cc.

}  // namespace

void ExpiryWorker::start() {
  thread_.start([this] { round(); }, kRoundMs);
}

void ExpiryWorker::round() {
  watch_clock();
  if (const auto done = run(); !done.ok() && done.code() != Code::kConflict && !thread_.stopping()) {
    parts_.warn("expiry of tokens: " + done.error().message);
  }
}

void ExpiryWorker::watch_clock() {
  const bool trusted = parts_.clock.moment().trusted;
  const MonotonicMillis now_ms = parts_.clock.monotonic_ms();
  if (trusted) {
    if (warned_) parts_.warn("the wall clock agrees with the time since boot again: tokens that expire are accepted");
    warned_ = false;
    return;
  }
  if (warned_ && now_ms - warned_ms_ < kWarnAgainMs) return;
  warned_ = true;
  warned_ms_ = now_ms;
  parts_.warn(
      "ALARM: the wall clock has jumped by more than a minute. Tokens that expire are refused and nothing is deleted until it is "
      "set right. If it is right now, seal and unseal this node to confirm it.");
}

Result<void> ExpiryWorker::run() {
  const LeaseClock::Moment moment = parts_.clock.moment();
  if (!moment.trusted) return {};
  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto mark_record, tx.load<records::TimeMark>(keys::time_mark()));
  const UnixMillis seen_ms = mark_record == nullptr ? 0 : mark_record->seen_ms();
  const UnixMillis expired_ms = mark_record == nullptr ? 0 : mark_record->expired_ms();
  const UnixMillis from_ms = std::max<UnixMillis>(0, expired_ms - kClockSkewMs);

  storage::ListOptions first;
  first.prefix = keys::kExpiryKind;
  const std::string after = keys::expiry_from(from_ms);
  first.after = after;
  first.limit = 1;
  TRY_ASSIGN(const storage::Page page, parts_.store.list(first));
  const bool due = !page.items.empty() && keys::due_ms_of_expiry(page.items.front().key) <= moment.now_ms;
  if (!due && moment.now_ms - seen_ms < kMarkMs) return {};

  auto leadership = parts_.store.campaign("expiry", kLeadershipMs);
  if (!leadership.ok()) {
    if (leadership.code() == Code::kConflict) return {};  // Another node is at it.
    return std::move(leadership).error();
  }
  return work_from(from_ms, **leadership);
}

Result<void> ExpiryWorker::work_from(UnixMillis from_ms, storage::Leadership& leadership) {
  std::string after = keys::expiry_from(from_ms);
  for (;;) {
    storage::ListOptions options;
    options.prefix = keys::kExpiryKind;
    options.after = after;
    TRY_ASSIGN(const storage::Page page, parts_.store.list(options));
    const LeaseClock::Moment moment = parts_.clock.moment();
    std::vector<std::string> due;
    for (const auto& item : page.items) {
      if (keys::due_ms_of_expiry(item.key) > moment.now_ms) break;
      due.push_back(item.key);
      if (due.size() < kEntriesABatch) continue;
      TRY(expire(due, leadership.fence()));
      due.clear();
    }
    if (!due.empty()) TRY(expire(due, leadership.fence()));
    const bool all = !page.more || keys::due_ms_of_expiry(page.items.back().key) > moment.now_ms;
    // What came in since then is due later than the moment at which this began.
    TRY(mark(moment.now_ms, all ? moment.now_ms : keys::due_ms_of_expiry(page.items.back().key), leadership.fence()));
    if (all) return {};
    after = page.items.back().key;
    TRY(leadership.renew());
  }
}

Result<void> ExpiryWorker::expire(const std::vector<std::string>& entries, const storage::Condition& fence) {
  if (thread_.stopping()) return Error{Code::kUnavailable, "stopping"};
  const auto session = parts_.session.load();
  if (session == nullptr) return Error{Code::kSealed, "sealed"};
  Transaction tx = parts_.transaction();
  const UnixMillis now_ms = parts_.clock.now_ms();
  std::vector<Deed> deeds;
  for (const std::string& entry : entries) {
    TRY_ASSIGN(const auto reference, tx.load<records::TokenRef>(entry));
    const bool of_secret = reference != nullptr && reference->mount_id() != 0;
    TRY(of_secret ? secrets::do_due(tx, entry, *reference, now_ms, parts_.rng, deeds) : session->tokens.expire(tx, entry));
  }
  TRY_ASSIGN(const auto intents, parts_.records.begin(deeds));
  auto done = commit_in_background(parts_.store, parts_.barrier, tx, {fence});
  for (const RequestId& intent : intents) TRY(parts_.records.end(intent, done));
  if (done.ok() || done.code() != Code::kConflict || entries.size() == 1) return done;
  // One of them is being renewed or used: the others need not wait for it.
  for (const std::string& entry : entries) {
    auto alone = expire({entry}, fence);
    if (!alone.ok() && alone.code() != Code::kConflict) return alone;
  }
  return {};
}

Result<void> ExpiryWorker::mark(UnixMillis seen_ms, UnixMillis expired_ms, const storage::Condition& fence) {
  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto before, tx.load<records::TimeMark>(keys::time_mark()));
  records::TimeMark mark;
  mark.set_seen_ms(before == nullptr ? seen_ms : std::max(before->seen_ms(), seen_ms));
  mark.set_expired_ms(expired_ms);
  tx.put(keys::time_mark(), encode_record(mark));
  return commit_in_background(parts_.store, parts_.barrier, tx, {fence});
}

Result<void> expire_from_the_beginning(Transaction& tx) {
  const std::string key = keys::time_mark();
  TRY_ASSIGN(const auto mark, tx.load<records::TimeMark>(key));
  if (mark == nullptr || mark->expired_ms() == 0) return {};
  records::TimeMark first = *mark;
  first.set_expired_ms(0);
  tx.put(key, encode_record(first));
  return {};
}

}  // namespace keyhold::core
