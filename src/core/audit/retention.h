#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "core/audit/journal.h"
#include "core/audit/journal_file.h"
#include "core/audit/line.h"
#include "core/audit/stream.h"

namespace keyhold::core::audit {

/// Keeps a journal within JournalOptions::retain_bytes: by dropping its oldest files, or by letting requests be refused until somebody
/// has taken files away.
///
/// A file is dropped only after its stream has written and signed a line that says so, and that line is on disk: whoever
/// verifies the journal can tell a file that policy dropped from one that was taken away. So while there is no signer (sealed),
/// nothing is dropped. The newest file of a stream always stays.
///
/// threads   tidy() by the sync thread; set_forwarded() by any.
class Retention {
 public:
  Retention(const JournalOptions& options, StreamContext& context) : options_(options), context_(context) {}

  using Streams = std::vector<std::unique_ptr<Stream>>;
  /// Measures the journal, then drops what is to be dropped. Returns when to come again at the latest.
  MonotonicMillis tidy(const Descriptor& directory, const Streams& streams) EXCLUDES(mutex_);

  void set_forwarded(std::function<std::uint64_t(int)> forwarded_below) EXCLUDES(mutex_);

 private:
  struct ClosedFile {
    FileName name;
    FileName next;
    std::uint64_t bytes = 0;
    std::int64_t changed_ns = 0;
  };
  /// The oldest file of each stream that has newer ones, and the size of all.
  Result<std::map<int, ClosedFile>> measure(const Descriptor& directory);
  bool forwarded(const ClosedFile& file) EXCLUDES(mutex_);
  Result<void> drop(const Descriptor& directory, const Streams& streams, const ClosedFile& file);
  void tell(const std::string& line);

  const JournalOptions& options_;
  StreamContext& context_;
  MonotonicMillis measured_ms_ = 0;
  bool measured_ = false;
  std::string told_;

  Mutex mutex_;
  std::function<std::uint64_t(int)> forwarded_below_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core::audit
