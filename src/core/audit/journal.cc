#include "core/audit/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "base/mutex.h"
#include "core/audit/recovery.h"
#include "core/audit/retention.h"
#include "core/audit/stream.h"
#include "crypto/random.h"

namespace keyhold::core::audit {
namespace {

constexpr const char* kPublicKeyFile = "journal.pub";
constexpr std::size_t kJournalIdBytes = 16;
constexpr int kFilesRetained = 4;         // Of a stream at least, so that the oldest can be dropped.
constexpr std::int64_t kIdleMs = 60'000;  // The sync thread looks around this often with nothing to do.

JournalOptions with_files_to_drop(JournalOptions options) {
  if (options.retain_bytes == 0 || options.streams < 1) return options;
  const auto files = static_cast<std::uint64_t>(kFilesRetained * options.streams);
  options.rotate_bytes = std::min(options.rotate_bytes, options.retain_bytes / files);
  return options;
}

/// Nothing if there is no such file or it is not one of ours.
std::string read_public_key(const Descriptor& directory) {
  const Descriptor file(::openat(directory.get(), kPublicKeyFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 64> digits;
  if (!file.valid() || ::read(file.get(), digits.data(), digits.size()) != static_cast<ssize_t>(digits.size())) return "";
  auto key = hex_decode({digits.data(), digits.size()});
  return key.ok() ? std::move(key).value() : "";
}

class JournalImpl final : public Journal {
 public:
  JournalImpl(JournalOptions options, const Clock& clock, std::unique_ptr<FileCalls> owned_calls, FileCalls* calls)
      : options_(with_files_to_drop(std::move(options))),
        owned_calls_(std::move(owned_calls)),
        context_{.options = options_, .clock = clock, .calls = calls != nullptr ? *calls : *owned_calls_, .bell = {}} {}

  ~JournalImpl() override {
    if (!sync_thread_.joinable()) return;
    context_.bell.stop();
    sync_thread_.join();
  }

  Result<void> start() {
    TRY_ASSIGN(directory_, open_directory(options_.directory));
    if (::faccessat(directory_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
      return system_error("the audit journal's directory cannot be written to");
    }
    if (::flock(directory_.get(), LOCK_EX | LOCK_NB) != 0) {
      return system_error("the audit journal's directory is in use by another process");
    }
    TRY_ASSIGN(const JournalListing listing, list_journal_files(options_.directory));
    std::vector<std::optional<StreamEnd>> ends;
    std::string journal;
    // Streams of an earlier start with more threads get no records, but are still read and kept.
    const int streams = std::max(options_.streams, listing.files.empty() ? 0 : listing.files.back().stream + 1);
    for (int index = 0; index < streams; ++index) {
      std::vector<FileName> own;
      std::copy_if(listing.files.begin(), listing.files.end(), std::back_inserter(own),
                   [&](const FileName& name) { return name.stream == index; });
      TRY_ASSIGN(auto end, recover_stream(directory_, std::move(own)));
      if (end && journal.empty()) journal = end->journal;
      ends.push_back(std::move(end));
    }
    if (journal.empty()) journal = hex_encode(crypto::OsRng().bytes(kJournalIdBytes));
    journal_ = journal;
    const std::string public_key = read_public_key(directory_);
    for (int index = 0; index < streams; ++index) {
      std::optional<StreamEnd>& end = ends[static_cast<std::size_t>(index)];
      const std::string own = end && !end->journal.empty() ? end->journal : journal;
      streams_.push_back(std::make_unique<Stream>(context_, index, own, std::move(end), public_key));
    }
    retention_.tidy(directory_, streams_);
    sync_thread_ = std::thread([this] { run(); });
    return {};
  }

  JournalStream& stream(int index) override {
    CHECK(index >= 0 && index < options_.streams);
    return *streams_[static_cast<std::size_t>(index)];
  }

  void set_signer(std::shared_ptr<const crypto::Ed25519Signer> signer) override EXCLUDES(signer_mutex_) {
    MutexLock lock(signer_mutex_);
    if (signer != nullptr && !keep_public_key(signer->public_key()).ok()) ++context_.signing_failures;
    for (const auto& stream : streams_) stream->set_signer(signer);
    context_.bell.ring();
  }

  JournalCounters counters() const override {
    return {.records = context_.records,
            .write_failures = context_.write_failures,
            .sync_failures = context_.sync_failures,
            .files_lost = context_.files_lost,
            .signing_failures = context_.signing_failures,
            .bytes = context_.total_bytes,
            .files_dropped = context_.files_dropped,
            .files_dropped_unforwarded = context_.files_dropped_unforwarded};
  }

  int streams() const override { return static_cast<int>(streams_.size()); }
  SyncedEnd synced_end(int stream) const override {
    return streams_[static_cast<std::size_t>(stream)]->synced_end();
  }

  void set_forwarded(std::function<std::uint64_t(int)> forwarded_below) override {
    retention_.set_forwarded(std::move(forwarded_below));
  }
  void add_listener(Bell& listener) override EXCLUDES(listeners_mutex_) {
    MutexLock lock(listeners_mutex_);
    listeners_.push_back(&listener);
  }
  void remove_listener(Bell& listener) override EXCLUDES(listeners_mutex_) {
    MutexLock lock(listeners_mutex_);
    std::erase(listeners_, &listener);
  }

 private:
  Result<void> keep_public_key(std::string_view public_key) {
    return replace_file(options_.directory, kPublicKeyFile,
                        hex_encode(public_key) + "\n" + verifier_key(key_name_of(journal_), public_key) + "\n");
  }

  void run() {
    std::int64_t wait_ms = 0;
    while (context_.bell.wait(wait_ms) != Bell::Heard::kStop) {
      // Those who wait for a sync come first; building the trees may take a while.
      bool synced = false;
      for (const auto& stream : streams_) synced = stream->sync_if_due() || synced;
      if (synced) ring_listeners();
      MonotonicMillis due = context_.clock.monotonic_ms() + kIdleMs;
      for (const auto& stream : streams_) due = std::min(due, stream->catch_up());
      due = std::min(due, retention_.tidy(directory_, streams_));
      wait_ms = std::clamp<std::int64_t>(due - context_.clock.monotonic_ms(), 1, kIdleMs);
    }
    for (const auto& stream : streams_) stream->close();
  }

  void ring_listeners() EXCLUDES(listeners_mutex_) {
    MutexLock lock(listeners_mutex_);
    for (Bell* listener : listeners_) listener->ring();
  }

  const JournalOptions options_;
  const std::unique_ptr<FileCalls> owned_calls_;
  StreamContext context_;
  Descriptor directory_;  // Locked.
  std::string journal_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Retention retention_{options_, context_};  // Of the sync thread, once it runs.
  Mutex listeners_mutex_;
  std::vector<Bell*> listeners_ GUARDED_BY(listeners_mutex_);
  Mutex signer_mutex_;  // One change of the signer at a time, of file and streams together.
  std::thread sync_thread_;
};

Result<std::unique_ptr<Journal>> open_journal(const JournalOptions& options, const Clock& clock,
                                              std::unique_ptr<FileCalls> owned_calls, FileCalls* calls) {
  if (options.streams < 1 || options.streams > JournalOptions::kStreamsMax) {
    return Error{Code::kInvalid, "the number of audit journal streams is out of range"};
  }
  auto journal = std::make_unique<JournalImpl>(options, clock, std::move(owned_calls), calls);
  TRY(journal->start());
  return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const JournalOptions& options, const Clock& clock) {
  return open_journal(options, clock, std::make_unique<FileCalls>(), nullptr);
}

Result<std::unique_ptr<Journal>> Journal::open(const JournalOptions& options, const Clock& clock, FileCalls& calls) {
  return open_journal(options, clock, nullptr, &calls);
}

}  // namespace keyhold::core::audit
