#include "core/audit/failure_quota.h"

#include <utility>

namespace keyhold::core::audit {

void FailureQuota::Window::move_to(MonotonicMillis now_ms) {
  if (now_ms - begin_ms < kWindowMs) return;
  begin_ms = now_ms;
  recorded = 0;
}

FailureQuota::Source& FailureQuota::find(std::string_view source, MonotonicMillis now_ms) {
  if (const auto found = sources_.find(source); found != sources_.end()) return found->second;
  if (sources_.size() >= kSourcesMax || source.size() > kSourceBytesMax) return other_;
  return sources_.emplace(source, Source{.window = {.begin_ms = now_ms}}).first->second;
}

FailureQuota::Decision FailureQuota::admit(std::string_view source, MonotonicMillis now_ms) {
  MutexLock lock(mutex_);
  Source& found = find(source, now_ms);
  found.window.move_to(now_ms);
  all_.move_to(now_ms);
  if (found.window.recorded < kSourceRecordsMax && all_.recorded < kRecordsMax) {
    ++found.window.recorded;
    ++all_.recorded;
    return Decision::kRecord;
  }
  if (found.counted++ == 0) found.first_ms = now_ms;
  found.last_ms = now_ms;
  return Decision::kCount;
}

std::vector<FailureQuota::Summary> FailureQuota::drain(MonotonicMillis now_ms) {
  MutexLock lock(mutex_);
  if (now_ms - drained_ms_ < kWindowMs) return {};
  return take(now_ms);
}

std::vector<FailureQuota::Summary> FailureQuota::drain_all(MonotonicMillis now_ms) {
  MutexLock lock(mutex_);
  return take(now_ms);
}

std::vector<FailureQuota::Summary> FailureQuota::take(MonotonicMillis now_ms) {
  drained_ms_ = now_ms;
  std::vector<Summary> summaries;
  const auto move = [&](std::string_view name, Source& source) {
    if (source.counted == 0) return;
    summaries.push_back({.source = std::string(name),
                         .failures = std::exchange(source.counted, 0),
                         .span_ms = source.last_ms - source.first_ms});
  };
  for (auto& [name, source] : sources_) move(name, source);
  move(kOther, other_);
  // A source is remembered while its window lasts, so that it cannot be recorded anew at once.
  std::erase_if(sources_, [&](const auto& entry) { return now_ms - entry.second.window.begin_ms >= kWindowMs; });
  return summaries;
}

}  // namespace keyhold::core::audit
