#include "engine/sys/root_token_routes.h"

#include "base/encoding.h"
#include "base/json.h"
#include "core/key_ceremonies.h"
#include "engine/sys/shares.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;
using core::RootTokenAttempts;

/// Whose attempt it is when nobody says a nonce. No address looks like this.
constexpr std::string_view kTokenHolders = "token";

RootTokenAttempts& attempts_of(const Call& call) { return call.session().ceremonies->root_tokens; }

/// A stranger is given nothing that has to be stored, but the token that he has the shares for.
Result<void> not_wrapped(const Call& call) {
  if (call.request().wrap_ttl_s && !call.has_principal()) return Error{Code::kDenied, "permission denied"};
  return {};
}

Reply reply_of(const RootTokenAttempts::Status& status) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("nonce").string(status.nonce);
  writer.key("started").boolean(status.started);
  writer.key("progress").number(status.progress);
  writer.key("required").number(status.required);
  writer.key("complete").boolean(status.complete);
  writer.key("encoded_token").string(status.encoded_token.reveal());
  writer.key("encoded_root_token").string(status.encoded_token.reveal());
  writer.key("pgp_fingerprint").string("");
  writer.key("otp").string(status.pad.reveal());
  writer.key("otp_length").number(static_cast<std::int64_t>(RootTokenAttempts::kPadBytes));
  writer.end_object();
  if (!status.accessor.empty()) {
    reply.audit_members = "\"root_token_accessor\":";
    json::append_quoted(reply.audit_members, status.accessor);
  }
  return reply;
}

}  // namespace

RootTokenAttempts::Context RootTokenRoutes::context(Call& call) {
  return {call.tx(),  node_.seals(), call.session().tokens,
          call.rng(), call.has_principal() ? std::string(kTokenHolders) : call.request().peer_address, node_.clock().monotonic_ms()};
}

Result<Reply> RootTokenRoutes::status(Call& call) {
  TRY(not_wrapped(call));
  TRY_ASSIGN(const auto status, attempts_of(call).status(context(call), call.fields().text("nonce")));
  return reply_of(status);
}

Result<Reply> RootTokenRoutes::start(Call& call) {
  TRY(not_wrapped(call));
  if (!call.fields().text("pgp_key").empty()) return Error{Code::kInvalid, "PGP is not offered: leave out pgp_key and keep the otp"};
  TRY_ASSIGN(const auto status, attempts_of(call).start(context(call), call.fields().secret("otp")));
  return reply_of(status);
}

Result<Reply> RootTokenRoutes::cancel(Call& call) {
  const std::string nonce = call.fields().text("nonce");
  if (nonce.empty()) {
    const bool may = call.has_principal() && (call.principal().root() || call.principal().policies.allows(call.path(), core::Capability::kSudo));
    if (!may) return Error{Code::kDenied, "permission denied"};
    attempts_of(call).cancel_all();
    return Reply::none();
  }
  TRY(attempts_of(call).cancel(nonce));
  return Reply::none();
}

Result<Reply> RootTokenRoutes::cancel_any(Call& call) {
  const std::string nonce = call.fields().text("nonce");
  if (nonce.empty()) {
    attempts_of(call).cancel_all();
  } else {
    TRY(attempts_of(call).cancel(nonce));
  }
  return Reply::none();
}

Result<Reply> RootTokenRoutes::give(Call& call) {
  TRY(not_wrapped(call));
  TRY_ASSIGN(const SecretBytes share, shares::given(call));
  TRY_ASSIGN(const auto status, attempts_of(call).give(context(call), call.fields().text("nonce"), share));
  return reply_of(status);
}

Result<Reply> RootTokenRoutes::decode(Call& call) {
  TRY(not_wrapped(call));
  SecretBytes text = call.fields().secret("encoded_token");
  const SecretBytes pad = call.fields().secret("otp");
  while (text.size() % 4 != 0) text.push_back('=');
  auto token = base64_decode_secret(text.reveal());
  if (!token.ok() || token->empty() || token->size() != pad.size()) {
    return Error{Code::kInvalid, "'encoded_token' must be base64 of as many bytes as 'otp' has"};
  }
  for (std::size_t i = 0; i < token->size(); ++i) token->writable()[i] = static_cast<char>(token->writable()[i] ^ pad.reveal()[i]);
  Reply reply;
  json::Writer(reply.data).begin_object().key("token").string(token->reveal()).end_object();
  return reply;
}

}  // namespace keyhold::engine
