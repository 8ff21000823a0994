#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// The watches of an embedded store, and a bounded ring of recent changes from which a watch can start in the past.
///
/// owner     The store; outlives its watches.
/// threads   Any; publish() one at a time, in the order of versions.
class WatchHub {
 public:
  /// Changes up to `opened_at` are not known here.
  explicit WatchHub(Version opened_at) : known_after_(opened_at), latest_(opened_at) {}

  /// Tells the watchers of one commit; returns when all have seen it.
  void publish(std::vector<Operation> operations, Version at);

  /// Everything may have changed.
  void reset(Version at);

  /// As Storage::watch(). `visible`: the newest version that a reader may already have seen, published or not.
  std::unique_ptr<Watch> watch(std::string_view prefix, Version from, Version visible, Watcher& watcher);

 private:
  struct ChangedKey {
    std::string key;
    bool erased = false;
  };
  struct Commit {
    Version at = 0;
    std::size_t bytes = 0;
    std::vector<ChangedKey> keys;
  };
  class Registration;

  void remember(Commit commit) REQUIRES(mutex_);

  Mutex mutex_;  // Held while watchers are called.
  std::vector<Registration*> registrations_ GUARDED_BY(mutex_);
  std::deque<Commit> ring_ GUARDED_BY(mutex_);
  std::size_t ring_bytes_ GUARDED_BY(mutex_) = 0;
  Version known_after_ GUARDED_BY(mutex_);  // The ring holds every change later than this.
  Version latest_ GUARDED_BY(mutex_);       // Published last.
};

}  // namespace keyhold::storage
