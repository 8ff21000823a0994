#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"

namespace keyhold::core {

/// Lets requests that conflicted on one key run one after another, so that honest load on a hot key does not use up
/// its retries. Only fairness: correctness is in the commit's conditions.
///
/// threads   Any. `resume` is called by enter() or by another's leave(); it must not block.
class ConflictQueue {
 public:
  void enter(const std::string& key, std::function<void()> resume) EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      auto [place, first] = waiting_.try_emplace(key);
      if (!first) {
        place->second.push_back(std::move(resume));
        return;
      }
    }
    resume();
  }

  void leave(const std::string& key) EXCLUDES(mutex_) {
    std::function<void()> next;
    {
      MutexLock lock(mutex_);
      const auto place = waiting_.find(key);
      if (place == waiting_.end()) return;
      if (place->second.empty()) {
        waiting_.erase(place);
        return;
      }
      next = std::move(place->second.front());
      place->second.pop_front();
    }
    next();
  }

 private:
  Mutex mutex_;
  // A key stands here while one request runs with it; the deque holds those behind it.
  std::unordered_map<std::string, std::deque<std::function<void()>>> waiting_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
