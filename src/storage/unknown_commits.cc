#include "storage/unknown_commits.h"

namespace keyhold::storage {

void UnknownCommits::add(const RequestId& id) {
  if (id == RequestId{}) return;
  const MutexLock lock(mutex_);
  if (!resolutions_.insert_or_assign(id, Resolution::kStillUnknown).second) return;
  order_.push_back(id);
  if (order_.size() <= commits_max_) return;
  resolutions_.erase(order_.front());
  order_.pop_front();
}

void UnknownCommits::settle(const RequestId& id, Resolution resolution) {
  const MutexLock lock(mutex_);
  if (const auto found = resolutions_.find(id); found != resolutions_.end()) found->second = resolution;
}

Resolution UnknownCommits::find(const RequestId& id) const {
  const MutexLock lock(mutex_);
  const auto found = resolutions_.find(id);
  return found == resolutions_.end() ? Resolution::kStillUnknown : found->second;
}

}  // namespace keyhold::storage
