#include "core/audit/bell.h"

namespace keyhold::core::audit {

void Bell::ring() {
  {
    MutexLock lock(mutex_);
    rung_ = true;
  }
  condition_.notify_one();
}

void Bell::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  condition_.notify_one();
}

Bell::Heard Bell::wait(std::int64_t timeout_ms) {
  MutexLock lock(mutex_);
  while (!rung_ && !stopped_) {
    if (condition_.wait_for_ms(mutex_, timeout_ms) == CondVar::Woken::kTimedOut) break;
  }
  rung_ = false;
  return stopped_ ? Heard::kStop : Heard::kRing;
}

}  // namespace keyhold::core::audit
