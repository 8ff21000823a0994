#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "core/background.h"
#include "core/call.h"
#include "core/keys.h"
#include "core/secret.h"
#include "core/worker_parts.h"

/// When a secret's value was last read, by whom and by which API, to the day.
///
/// The journal knows every read. This is what lists and reports show of it: the first read of each day (of UTC) that a secret, or one of
/// its versions, was read on. A read of what is in the caches, and was read on this day before, costs one comparison.
namespace keyhold::core {

/// Reads that are to be put into the store. They are few: the first of a version and day.
///
/// threads   Any.
class LastReads {
 public:
  static constexpr std::size_t kWaitingMax = 1024;  // Beyond it, the version's next read is noted.

  struct Read {
    keys::MountId mount = 0;
    std::string secret_id;
    std::string version_id;
    records::LastRead last;
  };

  bool full() const { return waiting_.load(std::memory_order_relaxed) >= kWaitingMax; }
  /// Whether there was room.
  bool add(Read read) EXCLUDES(mutex_);
  /// The oldest, at most `count`.
  std::vector<Read> take(std::size_t count) EXCLUDES(mutex_);
  /// Back to be taken anew, whether or not there is room.
  void put_back(std::vector<Read> reads) EXCLUDES(mutex_);

 private:
  std::atomic<std::size_t> waiting_{0};
  Mutex mutex_;
  std::vector<Read> reads_ GUARDED_BY(mutex_);
};

namespace secrets {

/// The caller is given this content.
void note_read(const Call& call, const Head& head, const Version& version, const Content& content);

/// nullptr: it was never read. Of the transaction's conditions it is none.
Result<std::shared_ptr<const records::LastRead>> last_read(Transaction& tx, keys::MountId mount, std::string_view secret_id);
/// 0: never.
UnixMillis version_read_ms(const records::LastRead* last, std::string_view version_id);

}  // namespace secrets

/// Puts them there.
///
/// A kill loses those of the last second; a read of the same day makes up for it.
/// threads   Any; start() and stop() one at a time.
class LastReadWorker {
 public:
  explicit LastReadWorker(WorkerParts parts) : parts_(std::move(parts)) {}

  void start();
  void stop();  // After what waits was written, if the store takes it.

 private:
  void round();
  Result<void> write(const std::vector<LastReads::Read>& reads);

  const WorkerParts parts_;
  BackgroundThread thread_;
};

}  // namespace keyhold::core
