#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/audit/verify.h"
#include "crypto/ed25519.h"

/// The audit journal: a local, append-only, hash-chained, signed record of every request (docs/audit_journal.md has the
/// format). It is the record of truth: a request whose records cannot be written is refused.
namespace keyhold::core::audit {

class Bell;
class FileCalls;

struct JournalOptions {
  std::string directory;        // Created with mode 0700; files have mode 0600.
  int streams = 1;              // One for each I/O thread, and one for what the server does by itself; at most kStreamsMax.
  std::int64_t sync_ms = 100;   // A background sync follows a write within this.
  std::uint64_t rotate_bytes = 256ull * 1024 * 1024;  // A stream goes on in a new file after this.

  /// Of all files together; 0 = without bound. Reached, no request is taken, or the oldest closed files are dropped. So that
  /// there are some, a stream goes on in a new file after a part of it at the latest.
  std::uint64_t retain_bytes = 0;
  enum class WhenFull : std::uint8_t {
    kRefuse,
    kDropForwarded,  // What all audit devices have; when there is no more of it, as kRefuse.
    kDrop,
  };
  WhenFull when_full = WhenFull::kRefuse;
  std::function<void(std::string_view)> warn = {};  // Lines for the operator's log; from any thread.

  static constexpr int kStreamsMax = 1024;
};

/// One stream: a file of its own, with its own chain.
///
/// The thread that appends pays for one hash of each line. The Merkle tree takes chain values as its leaves, so the sync
/// thread builds it from 32 bytes a line, behind the requests; it also signs the checkpoints.
///
/// threads   append(), write() and sync() from the one thread that owns the stream. `done` of sync() comes from the
///           journal's sync thread.
class JournalStream {
 public:
  virtual ~JournalStream() = default;

  /// Adds a record to the buffer: `members` is the inside of a JSON object, already escaped and redacted, without braces and
  /// newlines, not empty, and does not begin with a member called "genesis" or "checkpoint". Sequence number, time and
  /// chain hash are added here. Not in the file before write(), which refuses the batch if a record exceeds 1 MiB.
  virtual void append(std::string_view members) = 0;

  /// Hands all appended records to the operating system with one write. On an error (full disk, lost file) nothing of
  /// this batch counts as written: a partial line is cut off again, the chain goes back, and later writes are
  /// tried anew. Does nothing and succeeds when the buffer is empty.
  /// errors   kUnavailable; kTooLarge.
  virtual Result<void> write() = 0;

  /// Calls `done` once all that was written before is on disk (fdatasync, shared by all who wait). After an error the
  /// file is never trusted or written again: the stream goes on in a new one.
  virtual void sync(std::function<void(Result<void>)> done) = 0;
};

/// What has happened since the journal was opened, for metrics and alarms.
struct JournalCounters {
  std::uint64_t records = 0;         // Written.
  std::uint64_t write_failures = 0;  // Batches refused.
  std::uint64_t sync_failures = 0;   // Files given up because they could not be synced.
  std::uint64_t files_lost = 0;      // Files given up because they were unlinked or replaced.
  std::uint64_t signing_failures = 0;  // Checkpoints, or the public key, that could not be written.
  std::uint64_t bytes = 0;             // Of all files, when there is a bound.
  std::uint64_t files_dropped = 0;     // Because of the bound.
  std::uint64_t files_dropped_unforwarded = 0;  // Of them, before all audit devices had them.
};

/// The part of a stream's current file that is on disk and will not be cut off again: what a reader may take of it. Of files that
/// are not current, it may take all.
struct SyncedEnd {
  std::uint64_t file = 0;  // Its first sequence number; 0 = the stream has no current file.
  std::uint64_t bytes = 0;
};

/// All streams of a server, their sync thread and their checkpoints.
///
/// threads   Any, except as JournalStream says. Destroying it writes final checkpoints and syncs; records appended and
///           not written are dropped.
class Journal {
 public:
  /// Takes a lock on the directory, so that no two processes write to one journal.
  /// errors   kInvalid: streams out of range; kUnavailable: the directory cannot be used, or is in use.
  static Result<std::unique_ptr<Journal>> open(const JournalOptions& options, const Clock& clock);
  /// With the system calls of a test. `calls` outlives the journal.
  static Result<std::unique_ptr<Journal>> open(const JournalOptions& options, const Clock& clock, FileCalls& calls);
  virtual ~Journal() = default;

  virtual JournalStream& stream(int index) = 0;

  /// While a signer is set, a stream signs a checkpoint (C2SP signed note over an RFC 6962 Merkle root) with
  /// every 1,000 records or 10 s, at rotation, when the signer is taken away, and at the end.
  /// The public key is kept beside the files as `journal.pub`. The signer is let go of before a call with another returns.
  virtual void set_signer(std::shared_ptr<const crypto::Ed25519Signer> signer) = 0;

  virtual JournalCounters counters() const = 0;

  // For those who read along.
  /// Streams that are there: those of the options and those of earlier starts.
  virtual int streams() const = 0;
  virtual SyncedEnd synced_end(int stream) const = 0;
  /// Rings `listener` after each sync, until it is removed.
  virtual void add_listener(Bell& listener) = 0;
  virtual void remove_listener(Bell& listener) = 0;
  /// Tells the sequence number below which all devices have a stream's lines; nullptr = they have none. Not called after a call with
  /// another returns.
  virtual void set_forwarded(std::function<std::uint64_t(int stream)> forwarded_below) = 0;
};

}  // namespace keyhold::core::audit
