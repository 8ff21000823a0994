#pragma once

#include <functional>
#include <string_view>

#include "core/background_records.h"
#include "core/cache/entry_cache.h"
#include "core/call.h"
#include "core/lease_clock.h"
#include "core/snapshot.h"
#include "core/transaction.h"
#include "storage/storage.h"

namespace keyhold::core {

/// What a worker in the background has of its node, whose parts these are and which outlives it.
struct WorkerParts {
  storage::Storage& store;
  EntryCache& cache;
  const Barrier& barrier;
  const LeaseClock& clock;
  const Snapshot<Session>& session;
  crypto::Rng& rng;
  BackgroundRecords& records;
  std::function<void(std::string_view)> warn;  // Lines for the operator's log; from any thread.

  Transaction transaction() const { return {cache, store, Transaction::Mode::kThroughStore}; }
};

}  // namespace keyhold::core
