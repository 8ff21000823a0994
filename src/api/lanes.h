#pragma once

#include <memory>
#include <vector>

#include "core/lane.h"
#include "http/server.h"

namespace keyhold::api {

/// The Gate's lanes, one for each worker of the HTTP server, shared by all APIs.
///
/// Outlives the server that calls. Lanes are added before the server starts.
/// threads   As core::Lane.
class Lanes {
 public:
  /// In order of the workers' indexes.
  void add(std::unique_ptr<core::Lane> lane) { lanes_.push_back(std::move(lane)); }
  core::Lane& of(const http::Worker& worker) { return at(worker.index()); }
  core::Lane& at(int worker) { return *lanes_[static_cast<std::size_t>(worker)]; }

  void refresh() {
    for (const auto& lane : lanes_) lane->refresh();
  }

  /// Once the server has stopped: writes their last records.
  Result<void> close() {
    Result<void> result;
    for (const auto& lane : lanes_) {
      if (auto closed = lane->close(); !closed.ok()) result = std::move(closed);
    }
    return result;
  }
  /// Destroys them, and with them answers that nobody waits for any more.
  void drop() { lanes_.clear(); }

 private:
  std::vector<std::unique_ptr<core::Lane>> lanes_;
};

}  // namespace keyhold::api
