#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/unique_function.h"
#include "core/audit/failure_quota.h"
#include "core/audit/journal.h"
#include "core/config.h"
#include "core/request_metrics.h"
#include "core/snapshot.h"

namespace keyhold::core {

struct Session;

/// What the Gate keeps for one I/O thread: its journal stream, and the work that waits for the next write to it. All
/// that became ready in one turn of the thread shares one write of the journal.
///
/// threads   The I/O thread, but for hand_over(), which any thread may call.
class Lane {
 public:
  /// Runs a task on the I/O thread, after what is ready now. From any thread.
  using Post = std::function<void(std::function<void()>)>;

  Lane(audit::JournalStream& stream, Post post, const Snapshot<Config>& config_source,
       const Snapshot<Session>& session_source, const Clock& clock, RequestMetrics& own_metrics)
      : config(config_source), session(session_source), metrics(own_metrics), stream_(stream), post_(std::move(post)), clock_(clock) {}

  /// Gives `task` to the I/O thread. Tasks handed over before the thread gets to them share one wake-up.
  void hand_over(UniqueFunction<void()> task);

  audit::JournalStream& stream() { return stream_; }
  /// Of requests by nobody known: those that failed, and those that act without a token.
  audit::FailureQuota& failures() { return failures_; }
  audit::FailureQuota& acts() { return acts_; }

  /// Called after the next write of the journal, with its result.
  using Written = UniqueFunction<void(const Result<void>&)>;
  void after_write(Written written);

  /// Calls `synced` on this thread once everything appended so far is on disk, or failed to get there.
  void after_sync(Written synced);

  /// Lets go of a Session that is no longer the node's, which an idle thread would keep. From any thread.
  void refresh() {
    hand_over([this] {
      session.get();
      config.get();
    });
  }

  /// Writes what is still to be said at the end, and waits until it is on disk. Once the I/O thread has ended.
  Result<void> close();

  Snapshot<Config>::Reader config;
  Snapshot<Session>::Reader session;
  RequestMetrics& metrics;
  std::string scratch;  // For rendering a record.

 private:
  void drain();
  void schedule_flush();
  void flush();
  void append(const std::vector<audit::FailureQuota::Summary>& summaries);

  audit::JournalStream& stream_;
  Post post_;
  const Clock& clock_;
  audit::FailureQuota failures_;
  audit::FailureQuota acts_{{.source_records_max = audit::FailureQuota::kSourceActsMax,
                             .records_max = audit::FailureQuota::kActsMax}};
  std::vector<Written> waiting_write_;
  std::vector<Written> waiting_sync_;
  bool flush_scheduled_ = false;

  Mutex mutex_;
  std::vector<UniqueFunction<void()>> handed_over_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
