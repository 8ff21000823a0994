#include "storage/commit_queue.h"

#include <utility>

#include "base/limits.h"

namespace keyhold::storage {

CommitQueue::Push CommitQueue::push(PendingCommit& commit) {
  const MutexLock lock(mutex_);
  if (stopped_) return Push::kStopped;
  if (commits_.size() >= limits::kStorageQueueCommitsMax) return Push::kFull;
  if (bytes_ + commit.bytes > limits::kStorageQueueBytesMax) return Push::kFull;
  bytes_ += commit.bytes;
  commits_.push_back(std::move(commit));
  if (commits_.size() == 1) changed_.notify_one();
  return Push::kQueued;
}

void CommitQueue::wake() {
  const MutexLock lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

void CommitQueue::stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
  changed_.notify_one();
}

CommitQueue::Take CommitQueue::take(std::vector<PendingCommit>& group, std::int64_t timeout_ms) {
  const MutexLock lock(mutex_);
  while (commits_.empty()) {
    if (stopped_) return Take::kStopped;
    if (std::exchange(woken_, false)) return Take::kNothing;
    if (timeout_ms == kForever) {
      changed_.wait(mutex_);
    } else if (changed_.wait_for_ms(mutex_, timeout_ms) == CondVar::Woken::kTimedOut && commits_.empty()) {
      return stopped_ ? Take::kStopped : Take::kNothing;
    }
  }
  std::size_t group_bytes = 0;
  while (!commits_.empty() && group.size() < limits::kStorageGroupCommitsMax) {
    group_bytes += commits_.front().bytes;
    if (!group.empty() && group_bytes > limits::kStorageGroupBytesMax) break;
    bytes_ -= commits_.front().bytes;
    group.push_back(std::move(commits_.front()));
    commits_.pop_front();
  }
  return Take::kGroup;
}

}  // namespace keyhold::storage
