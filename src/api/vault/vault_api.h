#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/gate.h"
#include "http/server.h"

namespace keyhold::api {

/// HashiCorp Vault's HTTP API: turns its requests into core::Request and answers into its envelope and status codes.
/// Decides nothing.
///
/// Outlives the server that calls it. Lanes are added before the server starts.
/// threads   As http::Handler.
/// source    Vault API documentation; ../docs/coverage.md lists the routes.
class VaultApi final : public http::Handler {
 public:
  explicit VaultApi(core::Gate& gate) : gate_(gate) {}

  /// One for each worker, in order of their indexes.
  void add_lane(std::unique_ptr<core::Lane> lane) { lanes_.push_back(std::move(lane)); }
  core::Lane& lane(int worker) { return *lanes_[static_cast<std::size_t>(worker)]; }
  /// Once the server has stopped: writes their last records.
  Result<void> close_lanes();
  /// Destroys them, and with them answers that nobody waits for any more.
  void drop_lanes() { lanes_.clear(); }

  void on_request(http::Worker& worker, http::Request request, std::unique_ptr<http::Exchange> exchange) override;
  http::Response refuse(int status, std::string_view reason) override;

 private:
  core::Gate& gate_;
  std::vector<std::unique_ptr<core::Lane>> lanes_;
};

}  // namespace keyhold::api
