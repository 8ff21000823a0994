#pragma once

#include <cstdint>

#include "base/mutex.h"

namespace keyhold::core::audit {

/// Wakes a thread that waits for work.
///
/// threads   ring() and stop() from any; wait() from one.
class Bell {
 public:
  void ring() EXCLUDES(mutex_);
  void stop() EXCLUDES(mutex_);

  enum class Heard : std::uint8_t { kRing, kStop };
  /// Waits for a ring since the last wait, or `timeout_ms`.
  Heard wait(std::int64_t timeout_ms) EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  CondVar condition_;
  bool rung_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace keyhold::core::audit
