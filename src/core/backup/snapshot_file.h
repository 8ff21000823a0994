#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/spool_file.h"
#include "core/backup/archive.h"
#include "crypto/ed25519.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "storage/storage.h"

/// A store at one moment as one file (docs/snapshots.md has the format). It holds what lies in the store, encrypted as it is there: no key is
/// in it, and it opens with the key shares, or by the seal, of its time.
///
/// Each section has a MAC under a key of the store; what lists the digests of all parts is signed by the store's journal key, so that anybody who has
/// the public key can verify a file without a server.
namespace keyhold::core::backup {

/// What a file says of itself: `manifest.json`.
struct Manifest {
  std::string id;             // 32 hexadecimal digits.
  std::string store_id;       // 16 bytes.
  storage::Version at = 0;    // In the store's history.
  UnixMillis created_ms = 0;
  std::string keyhold_version;
  std::string seal_type;      // As sys/seal-status says it.
  int shares = 0;
  int threshold = 0;
  std::uint32_t active_term = 0;  // No entry is encrypted under a later one.

  std::string to_json() const;
  /// errors: kInvalid; kUnsupported: of a newer program.
  static Result<Manifest> parse(std::string_view json);
};

/// The keys by which a store knows its own snapshots.
struct SnapshotKeys {
  crypto::HmacSha256 mac;
  crypto::Ed25519Signer signer;
};

struct Written {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};
/// errors: of the view, or the sink.
Result<Written> write_snapshot(storage::View& view, const Manifest& manifest, const SnapshotKeys& keys, const Sink& sink);

/// Reads a file once, from front to back. What next() has yielded is to be believed only once it has yielded the end: the signature is
/// there.
///
/// threads   One.
class SnapshotReader {
 public:
  /// `keys`: of the store that is to have made it: other files are refused, and so is a section that was changed, before its entries are
  /// yielded. Null: the file's own public key is believed, and told by public_key().
  /// errors: kInvalid: no snapshot, or a damaged one; kUnsupported; kUnavailable.
  static Result<std::unique_ptr<SnapshotReader>> open(std::shared_ptr<const SpoolFile> file, const SnapshotKeys* keys);

  const Manifest& manifest() const { return manifest_; }
  /// Entries of a section; none at the end. errors: as open().
  Result<std::vector<storage::Entry>> next();
  /// 32 bytes, once the end was reached.
  const std::string& public_key() const { return public_key_; }
  std::uint64_t entries() const { return entries_; }

 private:
  SnapshotReader(std::shared_ptr<const SpoolFile> file, const SnapshotKeys* keys);

  Result<std::string> pull(std::size_t bytes);
  /// The next file, its digest noted.
  Result<ArchiveReader::File> take_file();
  Result<std::vector<storage::Entry>> read_section(const ArchiveReader::File& file);
  Result<void> check_sums(const ArchiveReader::File& file);

  const std::shared_ptr<const SpoolFile> file_;
  const SnapshotKeys* const keys_;
  std::uint64_t offset_ = 0;
  ArchiveReader archive_;
  Manifest manifest_;
  std::string sums_;  // As they should be.
  std::uint64_t sections_ = 0;
  std::uint64_t entries_ = 0;
  std::string last_key_;
  std::string public_key_;
  bool ended_ = false;
};

/// Reads all of it. errors: as SnapshotReader.
struct Verified {
  Manifest manifest;
  std::uint64_t entries = 0;
  std::string public_key;
};
Result<Verified> verify_snapshot(std::shared_ptr<const SpoolFile> file, const SnapshotKeys* keys);

}  // namespace keyhold::core::backup
