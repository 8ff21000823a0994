#pragma once

#include "api/aws/aws_api.h"
#include "api/lanes.h"
#include "api/vault/vault_api.h"
#include "core/gate.h"
#include "http/server.h"

namespace keyhold::api {

/// One port for every API: gives each request to the one it speaks.
///
/// Outlives the server that calls it.
/// threads   As http::Handler.
class FrontDoor final : public http::Handler {
 public:
  FrontDoor(core::Gate& gate, Lanes& lanes) : vault_(gate, lanes), aws_(gate, lanes) {}

  void on_request(http::Worker& worker, http::Request request, std::unique_ptr<http::Exchange> exchange) override {
    if (AwsApi::speaks(request)) return aws_.on_request(worker, std::move(request), std::move(exchange));
    vault_.on_request(worker, std::move(request), std::move(exchange));
  }
  /// What cannot be read is of no API: the answer has Vault's shape.
  http::Response refuse(int status, std::string_view reason) override { return vault_.refuse(status, reason); }

 private:
  VaultApi vault_;
  AwsApi aws_;
};

}  // namespace keyhold::api
