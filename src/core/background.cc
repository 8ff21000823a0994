#include "core/background.h"

namespace keyhold::core {

void BackgroundThread::start(std::function<void()> round, std::int64_t every_ms) {
  stop();
  {
    MutexLock lock(mutex_);
    stopping_ = false;
    work_ = true;
  }
  thread_ = std::thread([this, round = std::move(round), every_ms] { loop(round, every_ms); });
}

void BackgroundThread::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BackgroundThread::wake() {
  {
    MutexLock lock(mutex_);
    work_ = true;
  }
  changed_.notify_all();
}

bool BackgroundThread::stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void BackgroundThread::loop(const std::function<void()>& round, std::int64_t every_ms) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!work_ && !stopping_) changed_.wait_for_ms(mutex_, every_ms);
      if (stopping_) return;
      work_ = false;
    }
    round();
  }
}

Result<void> commit_in_background(storage::Storage& store, const Barrier& barrier, const Transaction& tx,
                                  const std::vector<storage::Condition>& conditions) {
  TRY_ASSIGN(Transaction::Commit commit, tx.prepare(barrier));
  CHECK(commit.staged.empty());
  commit.batch.conditions.insert(commit.batch.conditions.end(), conditions.begin(), conditions.end());
  const storage::Outcome outcome = store.commit(std::move(commit.batch));
  if (outcome.ok()) return {};
  if (outcome.kind == storage::Outcome::Kind::kConflict) return Error{Code::kConflict, "something changed meanwhile"};
  return Error{Code::kUnavailable, "the store did not take a batch of background work"};
}

}  // namespace keyhold::core
