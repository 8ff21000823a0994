#pragma once

#include <cstdint>
#include <map>

#include "base/clock.h"
#include "base/mutex.h"
#include "core/keys.h"
#include "core/transaction.h"

namespace keyhold::core {

/// How many there are of what a store holds, counted when somebody asks and kept for a while: a count reads every key of its kind.
///
/// threads   Any; one counts, the others wait for it.
class Census {
 public:
  struct Rotations {
    std::uint64_t overdue = 0;
    std::uint64_t failing = 0;
    std::uint64_t never_rotated = 0;
    std::uint64_t enabled = 0;
    std::uint64_t expired = 0;    // Secrets past their day.
    std::uint64_t rotate_by = 0;  // The same.
  };
  struct Counts {
    std::uint64_t tokens = 0;
    std::uint64_t leases = 0;
    std::map<keys::MountId, std::uint64_t> secrets;  // By mount.
    Rotations rotations;
  };

  static constexpr std::int64_t kKeptMs = 600'000;         // Tokens, leases, secrets.
  static constexpr std::int64_t kRotationsKeptMs = 15'000;  // Of a small index.

  /// Of all namespaces. errors: of the store.
  Result<Counts> counts(Transaction& tx, const Clock& clock) EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  Counts counts_ GUARDED_BY(mutex_);
  MonotonicMillis counted_ms_ GUARDED_BY(mutex_) = -kKeptMs;
  MonotonicMillis rotations_counted_ms_ GUARDED_BY(mutex_) = -kRotationsKeptMs;
};

}  // namespace keyhold::core
