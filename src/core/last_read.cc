#include "core/last_read.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace keyhold::core {
namespace {

constexpr std::int64_t kRoundMs = 1'000;
constexpr std::size_t kBatch = 32;
constexpr int kTriesMax = 3;

bool same_day(UnixMillis a, UnixMillis b) { return a / kDayMs == b / kDayMs; }

/// Whether `last` did not say so yet.
bool update(records::LastRead& last, const LastReads::Read& read) {
  const UnixMillis read_ms = read.last.read_ms();
  auto* const versions = last.mutable_versions();
  auto version = std::find_if(versions->begin(), versions->end(), [&](const auto& known) { return known.version_id() == read.version_id; });
  const bool secret_known = same_day(last.read_ms(), read_ms) || last.read_ms() > read_ms;
  const bool version_known = version != versions->end() && (same_day(version->read_ms(), read_ms) || version->read_ms() > read_ms);
  if (secret_known && version_known) return false;
  if (!secret_known) {
    last.set_read_ms(read_ms);
    last.set_read_by(read.last.read_by());
    last.set_api(read.last.api());
  }
  if (!version_known) {
    auto* const changed = version == versions->end() ? versions->Add() : &*version;
    changed->set_version_id(read.version_id);
    changed->set_read_ms(read_ms);
  }
  return true;
}

void forget_versions_that_went(records::LastRead& last, const secrets::Head& head) {
  const auto gone = [&head](const auto& read) {
    return std::none_of(head.versions().begin(), head.versions().end(), [&](const auto& version) { return version.id() == read.version_id(); });
  };
  auto* const versions = last.mutable_versions();
  versions->erase(std::remove_if(versions->begin(), versions->end(), gone), versions->end());
}

}  // namespace

bool LastReads::add(Read read) {
  MutexLock lock(mutex_);
  if (reads_.size() >= kWaitingMax) return false;
  reads_.push_back(std::move(read));
  waiting_.store(reads_.size(), std::memory_order_relaxed);
  return true;
}

std::vector<LastReads::Read> LastReads::take(std::size_t count) {
  MutexLock lock(mutex_);
  const auto end = reads_.begin() + static_cast<std::ptrdiff_t>(std::min(count, reads_.size()));
  std::vector<Read> taken(std::make_move_iterator(reads_.begin()), std::make_move_iterator(end));
  reads_.erase(reads_.begin(), end);
  waiting_.store(reads_.size(), std::memory_order_relaxed);
  return taken;
}

void LastReads::put_back(std::vector<Read> reads) {
  MutexLock lock(mutex_);
  reads_.insert(reads_.begin(), std::make_move_iterator(reads.begin()), std::make_move_iterator(reads.end()));
  waiting_.store(reads_.size(), std::memory_order_relaxed);
}

namespace secrets {

void note_read(const Call& call, const Head& head, const Version& version, const Content& content) {
  LastReads& reads = *call.session().last_reads;
  if (same_day(content.noted_ms(), call.now()) || reads.full()) return;
  LastReads::Read read;
  read.mount = call.mount_id();
  read.secret_id = head.id();
  read.version_id = version.id();
  read.last.set_read_ms(call.now());
  read.last.set_read_by(call.principal().token->display_name());
  read.last.set_api(std::string(to_string(call.request().api)));
  if (reads.add(std::move(read))) content.set_noted_ms(call.now());
}

Result<std::shared_ptr<const records::LastRead>> last_read(Transaction& tx, keys::MountId mount, std::string_view secret_id) {
  return tx.glance<records::LastRead>(keys::last_read(mount, secret_id));
}

UnixMillis version_read_ms(const records::LastRead* last, std::string_view version_id) {
  if (last == nullptr) return 0;
  for (const auto& version : last->versions()) {
    if (version.version_id() == version_id) return version.read_ms();
  }
  return 0;
}

}  // namespace secrets

void LastReadWorker::start() {
  thread_.start([this] { round(); }, kRoundMs);
}

void LastReadWorker::stop() {
  thread_.stop();
  round();
}

void LastReadWorker::round() {
  const auto session = parts_.session.load();
  if (session == nullptr) return;
  for (;;) {
    auto reads = session->last_reads->take(kBatch);
    if (reads.empty()) return;
    Result<void> written = write(reads);
    for (int tries = 1; !written.ok() && written.code() == Code::kConflict && tries < kTriesMax; ++tries) written = write(reads);
    if (written.ok()) continue;
    session->last_reads->put_back(std::move(reads));  // The store takes none at present, or others are faster: later.
    return;
  }
}

Result<void> LastReadWorker::write(const std::vector<LastReads::Read>& reads) {
  Transaction tx = parts_.transaction();
  // Two versions of a secret may be among them.
  std::map<std::string, records::LastRead> changed;
  for (const LastReads::Read& read : reads) {
    const std::string key = keys::last_read(read.mount, read.secret_id);
    records::LastRead last;
    if (const auto before = changed.find(key); before != changed.end()) {
      last = before->second;
    } else {
      TRY_ASSIGN(const auto known, tx.load<records::LastRead>(key));
      if (known != nullptr) last = *known;
    }
    if (!update(last, read)) continue;
    TRY_ASSIGN(const auto head, tx.load<secrets::Head>(keys::secret(read.mount, read.secret_id)));
    if (head == nullptr) continue;  // It went meanwhile, and so does what is known of it.
    forget_versions_that_went(last, *head);
    tx.put(key, encode_record(last));
    changed[key] = std::move(last);
  }
  if (!tx.writes()) return {};
  auto done = commit_in_background(parts_.store, parts_.barrier, tx, {});
  if (!done.ok()) tx.drop_outdated();
  return done;
}

}  // namespace keyhold::core
