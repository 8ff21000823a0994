#pragma once

#include <string>

#include "base/result.h"
#include "storage/rocksdb_storage.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// New content of a store, in a database beside the one it has, until the two change places.
///
/// Swapping is two renames. In between there is no database: whoever opens the store then finishes it (finish()).
/// threads   One.
class Replacement {
 public:
  explicit Replacement(const RocksOptions& options);

  /// Writes it whole and durable. errors: as Storage::replace().
  Result<void> build(const EntrySource& source, Version at);
  /// While no database of the store is open. errors: kUnavailable: nothing has changed.
  Result<void> swap() const;
  Result<void> swap_back() const;
  /// Removes the content that is not, or no longer, the store's.
  void tidy_up() const;

  /// Before a store is opened: ends what a kill interrupted.
  static Result<void> finish(const std::string& path);

 private:
  Result<void> write(const EntrySource& source, Version at) const;

  const RocksOptions& options_;
};

}  // namespace keyhold::storage
