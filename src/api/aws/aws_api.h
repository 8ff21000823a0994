#pragma once

#include <memory>

#include "api/lanes.h"
#include "core/gate.h"
#include "http/server.h"

namespace keyhold::api {

/// AWS's HTTP APIs: JSON 1.1 (Secrets Manager) and Query with XML (STS), signed by Signature Version 4. Turns their requests into
/// core::Request and answers into their bodies, codes and headers. Decides nothing.
///
/// Outlives the server that calls it.
/// threads   As http::Handler.
/// source    AWS service API references; docs/coverage.md lists the operations.
class AwsApi {
 public:
  AwsApi(core::Gate& gate, Lanes& lanes) : gate_(gate), lanes_(lanes) {}

  /// Whether a request is one of these: by X-Amz-Target, or by a form or a query with an Action at "/".
  static bool speaks(const http::Request& request);
  void on_request(http::Worker& worker, http::Request request, std::unique_ptr<http::Exchange> exchange);

 private:
  core::Gate& gate_;
  Lanes& lanes_;
};

}  // namespace keyhold::api
