#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/ed25519.h"

/// The audit journal: a local, append-only, hash-chained, signed record of every request (docs/audit_journal.md has the
/// format). It is the record of truth: a request whose records cannot be written is refused.
namespace keyhold::core::audit {

struct JournalOptions {
  std::string directory;        // Created with mode 0700; files have mode 0600.
  int streams = 1;              // One per I/O thread.
  std::int64_t sync_ms = 100;   // A background sync follows a write within this.
  std::uint64_t rotate_bytes = 256ull * 1024 * 1024;  // A stream goes on in a new file after this.
};

/// One stream: a file of its own, with its own chain.
///
/// threads   append(), write() and sync() from the one thread that owns the stream. `done` of sync() comes from the
///           journal's sync thread.
class JournalStream {
 public:
  virtual ~JournalStream() = default;

  /// Adds a record to the buffer: `members` is the inside of a JSON object, already escaped and redacted, without braces,
  /// and not empty. Sequence number, time and chain hash are added here. Not in the file before write().
  virtual void append(std::string_view members) = 0;

  /// Hands all appended records to the operating system with one write. On an error (full disk, lost file) nothing of
  /// this batch counts as written: a partial line is cut off again, the chain goes back, and later writes are
  /// tried anew. Does nothing and succeeds when the buffer is empty.
  virtual Result<void> write() = 0;

  /// Calls `done` once all that was written before is on disk (fdatasync, shared by all who wait).
  virtual void sync(std::function<void(Result<void>)> done) = 0;
};

/// All streams of a server, their sync thread and their checkpoints.
///
/// threads   Any, except as JournalStream says. Destroying it writes final checkpoints and syncs.
class Journal {
 public:
  static Result<std::unique_ptr<Journal>> open(const JournalOptions& options, const Clock& clock);
  virtual ~Journal() = default;

  virtual JournalStream& stream(int index) = 0;

  /// While a signer is set, a stream signs a checkpoint (C2SP signed note over an RFC 6962 Merkle root) with
  /// every 1,000 records or 10 s, at rotation, when the signer is taken away, and at the end.
  /// The public key is kept beside the files as `journal.pub`.
  virtual void set_signer(std::shared_ptr<const crypto::Ed25519Signer> signer) = 0;
};

/// What `keyhold audit verify` found.
struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t unsigned_records = 0;  // After the last checkpoint: chained only.
  bool whole = false;                  // Ends with a closing checkpoint: no tail was cut.
};

/// Verifies one stream file offline. `public_key` (32 bytes) pins the signer; empty = the one the file names, in which case
/// the report proves integrity only against someone without the key.
/// errors   kCorrupt with the line number and what is wrong; kNotFound.
Result<VerifyReport> verify_file(const std::string& path, std::string_view public_key);

}  // namespace keyhold::core::audit
