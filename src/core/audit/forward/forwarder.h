#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "core/audit/bell.h"
#include "core/audit/forward/cursor.h"
#include "core/audit/forward/device.h"
#include "core/audit/forward/file_sink.h"
#include "core/audit/forward/tail.h"
#include "core/audit/forward/vault_lines.h"
#include "core/audit/journal.h"

namespace keyhold::core::audit {

/// Since the start, for metrics and alarms.
struct ForwarderCounters {
  std::uint64_t lines = 0;            // Written to the device.
  std::uint64_t failures = 0;         // Attempts to open, write or sync it.
  std::uint64_t cursors_lost = 0;     // Streams that were begun anew, since the cursor did not fit the journal.
  std::uint64_t records_missed = 0;   // Removed from the journal before they were read.
  std::uint64_t records_damaged = 0;  // Lines of the journal that cannot be read.
  bool failing = false;               // Now.
};

/// Writes what the journal holds to a device, in Vault's form, behind the requests: a device that is full, slow or gone never stops
/// the server. Every record gets there at least once, whatever is killed when: the cursor, kept beside the journal, moves only
/// after the lines before it are on disk.
///
/// owner     Made after the journal and destroyed before it.
/// threads   Any; it has one of its own.
class Forwarder {
 public:
  struct Parts {
    const Device& device;
    const std::string& journal_directory;
    Journal& journal;
    const Clock& clock;
    FileCalls& calls;
    VaultLines::Hash hash;
    std::function<void(std::string_view)> log;  // Lines for the operator.
    std::int64_t save_ms = 1000;                // The cursor is kept this often, so a kill repeats that much.
  };
  explicit Forwarder(Parts parts);
  /// Forwards what is there for up to kDrainMs, then keeps the cursor.
  ~Forwarder();

  const Device& device() const { return device_; }
  ForwarderCounters counters() const;

  /// Opens the device's file anew, which adopt() then goes on in, from a whole line on; so all that a reload needs can be had before
  /// any of it takes effect.
  Result<FileSink> open_again() const { return FileSink::open(device_.file_path, device_.mode, calls_); }
  void adopt(FileSink sink) EXCLUDES(mutex_);

  /// All lines of the stream below this sequence number are in the device, on disk.
  std::uint64_t forwarded_below(int stream) const EXCLUDES(mutex_);

 private:
  struct Source {
    StreamTail tail;
    VaultLines lines;
    Cursor::Stream saved;
    Position through;  // Lines before it were written by an earlier process.
    std::uint64_t missed = 0;
  };

  void run();
  void load_cursor();
  void begin_sources(const Cursor& cursor);
  bool pass();
  enum class Collected : std::uint8_t {
    kMore,
    kAll,      // There is no more for now.
    kStalled,  // What comes next needs the node unsealed.
  };
  Result<Collected> collect(Source& source);
  void tell_missed(Source& source);
  bool write_out();
  Result<void> ensure_sink() EXCLUDES(mutex_);
  void take_next_sink() EXCLUDES(mutex_);
  /// From the last kept cursor on again: what came after it may not be in the device.
  void go_back();
  bool save_due() const;
  void save();
  void failed(const Error& error);
  void recovered();
  std::int64_t wait_ms() const;

  const Device device_;
  const std::string directory_;
  Journal& journal_;
  const Clock& clock_;
  FileCalls& calls_;
  const VaultLines::Hash hash_;
  const std::function<void(std::string_view)> log_;
  const std::int64_t save_ms_;

  // Of the thread.
  std::vector<Source> sources_;
  std::optional<FileSink> sink_;
  std::string out_;       // Whole lines.
  std::size_t done_ = 0;  // Of out_, written.
  TimeText time_;
  MonotonicMillis saved_ms_ = 0;
  bool unsaved_ = false;
  std::int64_t backoff_ms_ = 0;  // 0 = not failing.
  MonotonicMillis retry_ms_ = 0;
  std::string last_error_;
  bool cursor_kept_ = true;

  Bell bell_;
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> cursors_lost_{0};
  std::atomic<std::uint64_t> records_missed_{0};
  std::atomic<std::uint64_t> records_damaged_{0};
  std::atomic<bool> failing_{false};
  mutable Mutex mutex_;
  std::optional<FileSink> next_sink_ GUARDED_BY(mutex_);
  std::map<int, std::uint64_t> forwarded_below_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace keyhold::core::audit
