#include "core/lane.h"

#include <future>

#include "base/json.h"

namespace keyhold::core {

void Lane::hand_over(UniqueFunction<void()> task) {
  bool first = false;
  {
    MutexLock lock(mutex_);
    first = handed_over_.empty();
    handed_over_.push_back(std::move(task));
  }
  if (first) post_([this] { drain(); });
}

void Lane::drain() {
  std::vector<UniqueFunction<void()>> tasks;
  {
    MutexLock lock(mutex_);
    tasks.swap(handed_over_);
  }
  for (auto& task : tasks) task();
}

void Lane::after_write(Written written) {
  waiting_write_.push_back(std::move(written));
  schedule_flush();
}

void Lane::after_sync(Written synced) {
  waiting_sync_.push_back(std::move(synced));
  schedule_flush();
}

void Lane::schedule_flush() {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  post_([this] { flush(); });
}

void Lane::flush() {
  flush_scheduled_ = false;
  append(failures_.drain(clock_.monotonic_ms()));
  append(acts_.drain(clock_.monotonic_ms()));
  const Result<void> result = stream_.write();
  std::vector<Written> written;
  written.swap(waiting_write_);
  std::vector<Written> to_sync;
  to_sync.swap(waiting_sync_);
  if (!to_sync.empty()) {
    if (result.ok()) {
      auto shared = std::make_shared<std::vector<Written>>(std::move(to_sync));
      stream_.sync([this, shared](Result<void> synced) {
        hand_over([shared, outcome = std::move(synced)] {
          for (Written& waiting : *shared) waiting(outcome);
        });
      });
    } else {
      for (Written& waiting : to_sync) waiting(result);
    }
  }
  for (Written& waiting : written) waiting(result);
  waiting_write_.reserve(written.capacity());
}

Result<void> Lane::close() {
  append(failures_.drain_all(clock_.monotonic_ms()));
  append(acts_.drain_all(clock_.monotonic_ms()));
  TRY(stream_.write());
  std::promise<Result<void>> synced;
  stream_.sync([&synced](Result<void> outcome) { synced.set_value(std::move(outcome)); });
  return synced.get_future().get();
}

void Lane::append(const std::vector<audit::FailureQuota::Summary>& summaries) {
  for (const auto& summary : summaries) {
    scratch.assign("\"type\":\"denied-summary\",\"peer\":");
    json::append_quoted(scratch, summary.source);
    scratch.append(",\"failures\":").append(std::to_string(summary.failures));
    scratch.append(",\"span_ms\":").append(std::to_string(summary.span_ms));
    stream_.append(scratch);
  }
}

}  // namespace keyhold::core
