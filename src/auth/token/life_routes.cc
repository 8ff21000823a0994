#include "auth/token/token_answer.h"
#include "auth/token/token_auth.h"
#include "auth/token/token_role.h"
#include "core/expiry.h"
#include "core/keys.h"

namespace keyhold::auth {
namespace {

using core::Call;
using core::Reply;
using core::TokenState;

constexpr std::size_t kAccessorsMax = 100'000;  // In one answer: 3 MB.

/// Whatever else is wrong stays: that the time is not trusted, or that the caches do not know.
Result<TokenState> known(Result<TokenState> found, Error unknown) {
  if (!found.ok() && found.code() == Code::kDenied) return unknown;
  return found;
}

Result<TokenState> by_token(const Call& call, const SecretBytes& token, Error unknown) {
  if (token.empty()) return Error{Code::kInvalid, "missing token ID"};
  return known(call.session().tokens.find_presented(call.tx(), call.namespace_id(), token.reveal()), std::move(unknown));
}

Result<TokenState> by_accessor(const Call& call) {
  const std::string accessor = call.fields().text("accessor");
  if (accessor.empty()) return Error{Code::kInvalid, "missing accessor"};
  return known(call.session().tokens.find_accessor(call.tx(), call.namespace_id(), accessor), {Code::kInvalid, "invalid accessor"});
}

Error not_found() { return {Code::kInvalid, "token not found"}; }
Error not_revocable() { return {Code::kInvalid, "batch tokens cannot be revoked"}; }

/// `token` is told to whom already has it.
Result<Reply> renew_and_tell(Call& call, const TokenState& state, std::string_view token) {
  if (state.batch()) return Error{Code::kInvalid, "batch tokens cannot be renewed"};
  const core::records::Token& record = *state.record;
  core::TtlWish wish{call.fields().duration_s("increment"), record.period_s(), record.explicit_max_ttl_s(), 0};
  if (!record.role().empty()) {
    // The role as it is now decides, within what the token was promised.
    TRY_ASSIGN(const auto role, find_role(call, record.role()));
    if (role == nullptr) return Error{Code::kInvalid, "the role that the token was made through is gone: not renewing"};
    wish.period_s = role->period_s();
    if (role->explicit_max_ttl_s() != 0 && (wish.explicit_max_s == 0 || role->explicit_max_ttl_s() < wish.explicit_max_s)) {
      wish.explicit_max_s = role->explicit_max_ttl_s();
    }
  }
  // Asked for nothing in particular, it gets what it had at first.
  if (wish.ttl_s == 0) wish.ttl_s = record.creation_ttl_s();
  const core::TtlBounds bounds = core::ttl_bounds(call.mount().record);
  TRY_ASSIGN(core::GrantedTtl granted, call.session().tokens.renew(call.tx(), state, wish, bounds));
  TRY_ASSIGN(const std::int64_t uses_left, call.session().tokens.uses_left(call.tx(), state));
  Reply reply;
  reply.warnings = std::move(granted.warnings);
  json::Writer writer(reply.data);
  append_auth(writer, {record, token, granted.left_s(call.now()), uses_left});
  return reply;
}

Result<Reply> revoke_found(Call& call, const Result<TokenState>& found) {
  if (!found.ok()) {
    // It is not there, which is what was wanted.
    if (found.code() == Code::kDenied) return Reply::none();
    return found.error();
  }
  if (found->batch()) return not_revocable();
  TRY(call.session().tokens.revoke(call.tx(), call.namespace_id(), found->id));
  return Reply::none();
}

const SecretBytes& own_token(const Call& call) { return call.request().credential.token; }

Result<TokenState> own_state(const Call& call) {
  const core::Principal& caller = call.principal();
  if (caller.token->type() == core::records::Token::BATCH) return TokenState{caller.token_id, caller.token, nullptr};
  return call.session().tokens.find(call.tx(), call.namespace_id(), caller.token_id);
}

}  // namespace

Result<Reply> TokenAuth::lookup(Call& call) {
  SecretBytes token = call.fields().secret("token");
  if (token.empty()) token = own_token(call).clone();
  TRY_ASSIGN(const TokenState state, by_token(call, token, {Code::kDenied, "bad token"}));
  return lookup_answer(call, state, token.reveal());
}

Result<Reply> TokenAuth::lookup_self(Call& call) {
  TRY_ASSIGN(const TokenState state, own_state(call));
  return lookup_answer(call, state, own_token(call).reveal());
}

Result<Reply> TokenAuth::lookup_accessor(Call& call) {
  TRY_ASSIGN(const TokenState state, by_accessor(call));
  return lookup_answer(call, state, {});
}

Result<Reply> TokenAuth::renew(Call& call) {
  const SecretBytes token = call.fields().secret("token");
  TRY_ASSIGN(const TokenState state, by_token(call, token, not_found()));
  return renew_and_tell(call, state, token.reveal());
}

Result<Reply> TokenAuth::renew_self(Call& call) {
  TRY_ASSIGN(const TokenState state, own_state(call));
  return renew_and_tell(call, state, own_token(call).reveal());
}

Result<Reply> TokenAuth::renew_accessor(Call& call) {
  TRY_ASSIGN(const TokenState state, by_accessor(call));
  return renew_and_tell(call, state, {});
}

Result<Reply> TokenAuth::revoke(Call& call) {
  return revoke_found(call, by_token(call, call.fields().secret("token"), {Code::kDenied, ""}));
}

Result<Reply> TokenAuth::revoke_self(Call& call) {
  return revoke_found(call, own_state(call));
}

Result<Reply> TokenAuth::revoke_accessor(Call& call) {
  const auto found = by_accessor(call);
  if (!found.ok() && found.code() == Code::kInvalid && call.fields().has("accessor")) {
    Reply reply = Reply::none();
    reply.warnings.emplace_back("No token found with this accessor");
    return reply;
  }
  return revoke_found(call, found);
}

Result<Reply> TokenAuth::revoke_orphan(Call& call) {
  if (!call.principal().policies.allows(call.path(), core::Capability::kSudo)) {
    return Error{Code::kInvalid, "root or sudo privileges required to revoke and orphan"};
  }
  TRY_ASSIGN(const TokenState state,
             by_token(call, call.fields().secret("token"), {Code::kInvalid, "token to revoke not found"}));
  if (state.batch()) return not_revocable();
  TRY(call.session().tokens.revoke_orphaning(call.tx(), call.namespace_id(), state.id));
  return Reply::none();
}

Result<Reply> TokenAuth::list_accessors(Call& call) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("keys").begin_array();
  const std::string prefix = core::keys::accessor(call.namespace_id(), {});
  std::string after;
  std::size_t count = 0;
  for (bool more = true; more && count < kAccessorsMax;) {
    storage::ListOptions options;
    options.prefix = prefix;
    options.after = after;
    TRY_ASSIGN(const storage::Page page, call.tx().list(options));
    for (const auto& item : page.items) {
      TRY_ASSIGN(const auto reference, call.tx().glance<core::records::TokenRef>(item.key));
      if (reference == nullptr) continue;
      TRY_ASSIGN(const auto token, call.tx().glance<core::records::Token>(core::keys::token(call.namespace_id(), reference->token())));
      if (token == nullptr) continue;
      writer.string(token->accessor());
      ++count;
    }
    more = page.more;
    if (more) after = page.items.back().key;
    if (more && count >= kAccessorsMax) reply.warnings.emplace_back("there are more accessors than one answer can hold");
  }
  writer.end_array().end_object();
  if (count == 0) return Reply::not_found();
  return reply;
}

Result<Reply> TokenAuth::tidy(Call& call) {
  TRY(core::expire_from_the_beginning(call.tx()));
  Reply reply = Reply::none();
  reply.warnings.emplace_back(
      "Tidy operation successfully started. Any information from the operation will be printed to the server logs.");
  return reply;
}

}  // namespace keyhold::auth
