#pragma once

#include <memory>
#include <string_view>

#include "api/lanes.h"
#include "core/gate.h"
#include "http/server.h"

namespace keyhold::api {

/// HashiCorp Vault's HTTP API: turns its requests into core::Request and answers into its envelope and status codes.
/// Decides nothing.
///
/// Outlives the server that calls it.
/// threads   As http::Handler.
/// source    Vault API documentation; ../docs/coverage.md lists the routes.
class VaultApi final : public http::Handler {
 public:
  VaultApi(core::Gate& gate, Lanes& lanes) : gate_(gate), lanes_(lanes) {}

  void on_request(http::Worker& worker, http::Request request, std::unique_ptr<http::Exchange> exchange) override;
  http::Response refuse(int status, std::string_view reason) override;

 private:
  core::Gate& gate_;
  Lanes& lanes_;
};

}  // namespace keyhold::api
