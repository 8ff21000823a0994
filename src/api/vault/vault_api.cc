#include "api/vault/vault_api.h"

#include "api/vault/vault_request.h"
#include "api/vault/vault_response.h"

namespace keyhold::api {

namespace {

/// The ids of tokens stay the same for a store's life, so they may outlive a sealing.
struct VaultConnection final : http::ConnectionState {
  core::TokenMemo memo;
};

core::TokenMemo& memo_of(http::Exchange& exchange) {
  auto& state = exchange.state();
  if (state == nullptr) state = std::make_unique<VaultConnection>();
  return static_cast<VaultConnection&>(*state).memo;
}

}  // namespace

void VaultApi::on_request(http::Worker& worker, http::Request http_request, std::unique_ptr<http::Exchange> exchange) {
  auto request = parse_vault_request(http_request);
  if (!request.ok()) {
    exchange->respond(render_vault_error(vault_status(request.code()), request.error().message));
    return;
  }
  request->credential.memo = &memo_of(*exchange);
  // The answer may want the query after the request is gone.
  auto respond = [exchange = std::move(exchange), query = request->query](core::Answer answer) {
    exchange->respond(render_vault_answer(answer, query));
  };
  gate_.handle(lanes_.of(worker), std::move(*request), std::move(respond));
}

http::Response VaultApi::refuse(int status, std::string_view reason) { return render_vault_error(status, reason); }

}  // namespace keyhold::api
