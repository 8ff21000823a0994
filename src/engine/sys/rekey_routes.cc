#include "engine/sys/rekey_routes.h"

#include "base/json.h"
#include "core/key_ceremonies.h"
#include "engine/sys/shares.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::RekeyAttempt;
using core::Reply;

RekeyAttempt& attempt_of(const Call& call) { return call.session().ceremonies->rekey; }

/// Members that an attempt and its end have in common.
void append_terms(json::Writer& writer, const RekeyAttempt::Status& status) {
  writer.key("nonce").string(status.nonce);
  writer.key("pgp_fingerprints").null();
  writer.key("backup").boolean(false);
  writer.key("verification_required").boolean(status.verification_required);
  if (!status.verification_nonce.empty()) writer.key("verification_nonce").string(status.verification_nonce);
}

Reply status_reply(const RekeyAttempt::Status& status) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_terms(writer, status);
  writer.key("started").boolean(status.started);
  writer.key("t").number(status.threshold);
  writer.key("n").number(status.shares);
  writer.key("progress").number(status.progress);
  writer.key("required").number(status.required);
  writer.key("seal_threshold").number(status.required);
  writer.end_object();
  return reply;
}

Reply verification_reply(const RekeyAttempt::Status& status) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("nonce").string(status.verification_nonce);
  writer.key("started").boolean(!status.verification_nonce.empty());
  writer.key("t").number(status.threshold);
  writer.key("n").number(status.shares);
  writer.key("progress").number(status.verification_progress);
  writer.end_object();
  return reply;
}

}  // namespace

Result<RekeyAttempt::Context> RekeyRoutes::context(Call& call) {
  const bool recovery = node_.seals().status().recovery_seal;
  const bool of_recovery = call.path().find("recovery") != std::string_view::npos;
  if (recovery != of_recovery) {
    return Error{Code::kInvalid, recovery ? "this server unseals itself and has recovery keys: sys/rekey-recovery-key" : "there are no recovery keys: sys/rekey"};
  }
  return RekeyAttempt::Context{call.tx(), node_.seals(), call.rng(), node_.clock().monotonic_ms()};
}

Result<Reply> RekeyRoutes::status(Call& call) {
  TRY_ASSIGN(const auto asked, context(call));
  TRY_ASSIGN(const auto status, attempt_of(call).status(asked));
  return status_reply(status);
}

Result<Reply> RekeyRoutes::start(Call& call) {
  // Ignoring these would show in clear what the caller wants encrypted.
  if (!call.fields().string_list("pgp_keys").empty() || call.fields().boolean("backup")) {
    return Error{Code::kInvalid, "encrypted shares are not offered: leave out pgp_keys and backup"};
  }
  const std::int64_t shares = call.fields().integer("secret_shares");
  const std::int64_t threshold = call.fields().integer("secret_threshold");
  if (shares < 1 || shares > 255 || threshold < 1 || threshold > shares) {
    return Error{Code::kInvalid, "secret_shares must be 1 to 255 and secret_threshold 1 to secret_shares"};
  }
  using enum RekeyAttempt::Verification;
  const auto verification = call.fields().boolean("require_verification") ? kRequired : kNone;
  TRY_ASSIGN(const auto asked, context(call));
  TRY_ASSIGN(const auto status, attempt_of(call).start(asked, static_cast<int>(shares), static_cast<int>(threshold), verification));
  return status_reply(status);
}

Result<Reply> RekeyRoutes::cancel(Call& call) {
  TRY(context(call));
  TRY(attempt_of(call).cancel(call.fields().text("nonce")));
  return Reply::none();
}

Result<Reply> RekeyRoutes::give(Call& call) {
  TRY_ASSIGN(const SecretBytes share, shares::given(call));
  TRY_ASSIGN(const auto asked, context(call));
  TRY_ASSIGN(const auto given, attempt_of(call).give(asked, call.fields().text("nonce"), share));
  if (!given.complete) return status_reply(given.status);
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_terms(writer, given.status);
  writer.key("complete").boolean(true);
  shares::append(writer, given.new_shares);
  writer.end_object();
  return reply;
}

Result<Reply> RekeyRoutes::verification(Call& call) {
  TRY_ASSIGN(const auto asked, context(call));
  TRY_ASSIGN(const auto status, attempt_of(call).status(asked));
  if (status.verification_nonce.empty()) return Error{Code::kInvalid, "no rekey verification in progress"};
  return verification_reply(status);
}

Result<Reply> RekeyRoutes::verify(Call& call) {
  TRY_ASSIGN(const SecretBytes share, shares::given(call));
  TRY_ASSIGN(const auto asked, context(call));
  TRY_ASSIGN(const auto given, attempt_of(call).verify(asked, call.fields().text("nonce"), share));
  if (!given.complete) return verification_reply(given.status);
  Reply reply;
  json::Writer(reply.data).begin_object().key("nonce").string(given.status.verification_nonce).key("complete").boolean(true).end_object();
  return reply;
}

Result<Reply> RekeyRoutes::restart_verification(Call& call) {
  TRY_ASSIGN(const auto asked, context(call));
  TRY_ASSIGN(const auto status, attempt_of(call).restart_verification(asked));
  return verification_reply(status);
}

}  // namespace keyhold::engine
