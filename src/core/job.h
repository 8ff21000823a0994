#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "core/background.h"
#include "core/cache/entry_cache.h"
#include "core/records.pb.h"
#include "core/token_reaper.h"
#include "storage/storage.h"

namespace keyhold::core {

/// Does the background work that is recorded in the store: deletes what a removed mount held, what an ended token leaves
/// behind (core/token_reaper.h), contents of versions that were given up, and chunks that a kill orphaned. A job is claimed by
/// leadership, whose fence every batch carries, and each batch leaves a state that the next run goes on from; a job record is
/// removed by its last batch.
///
/// threads   Any.
class JobRunner final : public storage::Watcher {
 public:
  /// `warn` takes lines for the operator's log, from the runner's thread.
  JobRunner(storage::Storage& store, EntryCache& cache, const Barrier& barrier, const Snapshot<Session>& session,
            const Clock& clock, std::function<void(std::string_view)> warn)
      : store_(store),
        cache_(cache),
        clock_(clock),
        warn_(std::move(warn)),
        reaper_(store, cache, barrier, session, [this] { return thread_.stopping(); }) {}
  ~JobRunner() override { stop(); }

  void start();
  void stop();  // Waits for the batch in hand.

  /// Runs all jobs there are, on the caller's thread. errors: of the first job that failed; the others were still tried.
  Result<void> run_all();

  void on_changes(std::span<const storage::Change> changes, storage::Version at) override;
  void on_reset(storage::Version at) override;

 private:
  void round();
  Result<void> run_one(const std::string& key);
  using Conditions = std::vector<storage::Condition>;
  Result<void> do_work(const records::Job& job, const Conditions& conditions);
  Result<void> remove_mount_data(const records::Job& job, const Conditions& conditions);
  Result<void> erase_versions(const records::Job& job, const Conditions& conditions);
  /// Calls `visit` with each key of a kind, page by page. errors: of the store, or the first of `visit`; the others were still visited.
  Result<void> for_each(std::string_view kind, const std::function<Result<void>(const std::string&)>& visit);
  Result<void> remove_orphaned_chunks(const std::string& key);
  /// Deletes all keys below a prefix, batch by batch, while the conditions hold.
  Result<void> erase_below(std::string_view prefix, const Conditions& conditions);

  storage::Storage& store_;
  EntryCache& cache_;
  const Clock& clock_;
  const std::function<void(std::string_view)> warn_;
  TokenReaper reaper_;
  std::unique_ptr<storage::Watch> watch_;
  BackgroundThread thread_;
};

}  // namespace keyhold::core
