#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/unique_function.h"
#include "core/audit_record.h"
#include "core/authenticator.h"
#include "core/conflict_queue.h"
#include "core/lane.h"
#include "core/node.h"
#include "core/request.h"
#include "core/router.h"
#include "core/work_pool.h"

namespace keyhold::core {

struct RecordSubject;

/// The one door: authenticate → authorise → run the handler in a transaction → commit → audit → reply.
///
/// A read that the caches can answer is done on its I/O thread in one go. Everything else runs on the pool of its
/// route's cost. A handler that wrote is committed in this order: its intent goes to the journal, then journal sync and
/// store commit run side by side, then the outcome goes to the journal, then the caller gets its answer. A conflict runs
/// the handler again. What cannot be journaled is refused.
///
/// The lanes' threads are stopped before it is destroyed, the lanes themselves after it; it waits for commits in flight.
/// threads   handle() on the lane's thread.
class Gate {
 public:
  /// `warn` gets lines for the operator's log, from the lanes' threads: faults of this side, each with the id of its request, by which the
  /// journal knows it too.
  Gate(Node& node, const Router& router, std::function<void(std::string_view)> warn = {})
      : node_(node), router_(router), warn_(std::move(warn)) {}
  ~Gate();

  using Done = UniqueFunction<void(Answer)>;

  /// Answers `request`. `done` is called once, on the lane's thread, possibly before this returns.
  void handle(Lane& lane, Request request, Done done);

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;
  enum class Run { kOnLane, kOnPool };

  void start_on_lane(const JobPtr& job);
  void submit(const JobPtr& job);
  void submit_after_intent(const JobPtr& job);
  /// Whether a request of nobody known gets a record of its own; else it is counted.
  bool admitted(audit::FailureQuota& quota, const Job& job) const;
  void write_intent(const JobPtr& job, Lane::Written written);
  void run_on_pool(const JobPtr& job);
  /// Everything between resolving and the commit. errors: kMiss only with kOnLane.
  Result<Reply> execute(Job& job, Transaction& tx, Run run, const Result<void>& resolved);
  /// Begins a run: finds the configuration and the route as they are now.
  Result<void> resolve(Job& job, Run run);
  Result<void> authenticate(Job& job, Transaction& tx, Run run);
  /// The same of a route that takes a wrapping token, which may be the caller's credential or stand in the body.
  Result<void> authenticate_bearer(Job& job, Transaction& tx, Run run);
  static Result<FieldValues> parse_fields(const Job& job);
  /// Of an operation by name: asks for all that it needs, and notes what the journal tells it by.
  static Result<void> authorize_targets(Job& job, Call& call);

  void begin_commit(const JobPtr& job);
  void commit_beside_sync(const JobPtr& job);
  void commit(storage::Batch batch, storage::CommitDone done);
  void commit_staged(const JobPtr& job, std::size_t index);
  void commit_main(const JobPtr& job);
  void on_outcome(const JobPtr& job, storage::Outcome outcome);
  void commit_part_done(const JobPtr& job);
  void run_again(const JobPtr& job);
  void finish(const JobPtr& job, Result<Reply> result);
  void finish_on_lane(const JobPtr& job);
  void tell_fault(const Job& job) const;
  static bool tells_secrets(const Job& job);
  static RecordSubject subject_of(const Job& job);
  static void write_last_record(const Job& job);
  static void give(Job& job);

  Node& node_;
  const Router& router_;
  const std::function<void(std::string_view)> warn_;
  Authenticator authenticator_;
  ConflictQueue conflicts_;

  Mutex commits_mutex_;
  CondVar commits_done_;
  std::size_t commits_ GUARDED_BY(commits_mutex_) = 0;

  WorkPools pools_;
};

}  // namespace keyhold::core
