#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/audit/redactor.h"
#include "core/backup/snapshot_file.h"
#include "core/records.pb.h"
#include "core/seal/barrier.h"
#include "core/seal/seal_manager.h"
#include "core/secret.h"
#include "crypto/random.h"
#include "storage/storage.h"

/// Snapshots of a store and what becomes of them: the files are backup::SnapshotReader's and write_snapshot()'s business.
///
/// Whatever is restored, the store's epoch changes: tokens, wrapping tokens and temporary credentials of before are void.
namespace keyhold::core::store_snapshots {

/// errors: kSealed.
Result<backup::SnapshotKeys> keys_of(const Barrier& barrier);

/// Of the store as it is now, in a file below `directory` ("" = in memory) or wherever `sink` puts it.
/// errors: kSealed; kUnavailable.
Result<backup::Written> save(const storage::Storage& store, const Barrier& barrier, const SealStatus& seal, UnixMillis now, crypto::Rng& rng,
                             const backup::Sink& sink);

/// A snapshot of the very store that the barrier is open for, checked from its first byte to its last.
/// errors: kInvalid: damaged, of another store, or with entries under keys that the barrier does not have; kSealed.
Result<backup::Verified> check_own(const std::shared_ptr<const SpoolFile>& file, const Barrier& barrier);

/// What Storage::replace() is to be given so that the store has the snapshot's entries, and its own keys, shares and seal of today: what opened
/// the store once and does not any more is not to come back. `file` was checked.
/// errors: of the store, kSealed; those of its calls: as check_own().
Result<storage::EntrySource> entries_for_own_store(std::shared_ptr<const SpoolFile> file, const storage::Storage& store, const Barrier& barrier,
                                                   crypto::Rng& rng);

/// The same for a store that is closed, to which the snapshot brings its keys, and which may be another one: all of it, and a mark that settle()
/// finds. `public_key`: 32 bytes, of whom the file must be; empty = of whomever it is.
/// errors of its calls: kInvalid.
Result<storage::EntrySource> entries_for_closed_store(std::shared_ptr<const SpoolFile> file, std::string_view public_key);

/// Once a store is unsealed: if it was restored while it was closed, gives it another epoch.
/// errors: kCorrupt: the snapshot was not signed by the key of the store in it; kUnavailable.
Result<void> settle(storage::Storage& store, const Barrier& barrier, crypto::Rng& rng);

/// The content of a secret's current version as of a snapshot of this store.
struct OldSecret {
  backup::Manifest manifest;
  SecretBytes content;
  records::Version::ContentKind kind = records::Version::JSON_OBJECT;
  std::uint64_t number = 0;
};
/// errors: as check_own(); kNotFound: the snapshot has no such mount, or the secret had no content to be read then.
Result<OldSecret> find_secret(const std::shared_ptr<const SpoolFile>& file, const Barrier& barrier, const Clock& clock, std::string_view mount_path,
                              std::string_view name, const audit::Redactor& redactor);

}  // namespace keyhold::core::store_snapshots
