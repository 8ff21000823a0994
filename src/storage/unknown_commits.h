#pragma once

#include <cstddef>
#include <deque>
#include <map>

#include "base/mutex.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// The latest commits that ended unknown, and what became of them. Bounded: the oldest are forgotten.
///
/// threads   Any.
class UnknownCommits {
 public:
  explicit UnknownCommits(std::size_t commits_max) : commits_max_(commits_max) {}

  /// Remembers one as still unknown; the id of all zeros is not remembered.
  void add(const RequestId& id);
  void settle(const RequestId& id, Resolution resolution);
  /// kStillUnknown as well for an id that was never added or is forgotten.
  Resolution find(const RequestId& id) const;

 private:
  const std::size_t commits_max_;
  mutable Mutex mutex_;
  std::map<RequestId, Resolution> resolutions_ GUARDED_BY(mutex_);
  std::deque<RequestId> order_ GUARDED_BY(mutex_);  // Oldest first.
};

}  // namespace keyhold::storage
