#include "core/authenticator.h"

#include <vector>

#include "base/limits.h"
#include "core/audit_record.h"

namespace keyhold::core {
namespace {

Error denied() { return {Code::kDenied, "permission denied"}; }

}  // namespace

std::string Authenticator::token_id_of(const Subject& subject) {
  const SecretBytes& token = subject.request.credential.token;
  TokenMemo* memo = subject.memo;
  if (memo == nullptr) return subject.session.tokens.id_of(token.reveal());
  if (!crypto::equal_constant_time(memo->token.reveal(), token.reveal())) {
    memo->id = subject.session.tokens.id_of(token.reveal());
    memo->token = token.clone();
  }
  return memo->id;
}

std::shared_ptr<const records::Token> Authenticator::opened(const std::string& token_id) {
  MutexLock lock(mutex_);
  const auto known = principals_.find(token_id);
  return known == principals_.end() ? nullptr : known->second.principal->token;
}

Result<TokenState> Authenticator::find(const Subject& subject, Transaction& tx) {
  const SecretBytes& token = subject.request.credential.token;
  if (token.empty() || token.size() > limits::kTokenBytesMax) return denied();
  const TokenStore& tokens = subject.session.tokens;
  const keys::NamespaceId owner = subject.request.namespace_id;
  std::string id = token_id_of(subject);
  if (!BatchTokens::looks_like(token.reveal())) return tokens.find(tx, owner, std::move(id));
  auto record = opened(id);
  if (record == nullptr) {
    TRY_ASSIGN(records::Token carried, tokens.batch().open(token.reveal()));
    record = std::make_shared<const records::Token>(std::move(carried));
  }
  TRY(tokens.check_batch(tx, owner, *record));
  return TokenState{std::move(id), std::move(record), nullptr};
}

Result<std::shared_ptr<const Principal>> Authenticator::authenticate(const Subject& subject, Transaction& tx) {
  TRY_ASSIGN(const TokenState token, find(subject, tx));
  TRY_ASSIGN(auto principal, principal_of(subject, token));
  // Before a use is taken: whoever asks from elsewhere must not use them up.
  if (!principal->bound_cidrs.allows(subject.request.peer_address)) return denied();
  TRY(subject.session.tokens.use(tx, token));
  tx.keep();
  return principal;
}

Result<std::shared_ptr<const Principal>> Authenticator::principal_of(const Subject& subject, const TokenState& token) {
  {
    MutexLock lock(mutex_);
    const auto known = principals_.find(token.id);
    if (known != principals_.end() && known->second.config == subject.config &&
        known->second.principal->token == token.record) {
      return known->second.principal;
    }
  }
  auto principal = std::make_shared<Principal>();
  principal->token_id = token.id;
  principal->token = token.record;
  const auto& blocks = token.record->bound_cidrs();
  TRY_ASSIGN(principal->bound_cidrs, CidrList::parse(std::vector<std::string>(blocks.begin(), blocks.end())));
  principal->policies = subject.config->policies_of(*principal->token);
  principal->audit_members =
      render_principal(*principal, subject.session.redactor.hash(subject.request.credential.token.reveal()));
  if (token.record->num_uses() == 1) return std::shared_ptr<const Principal>(std::move(principal));  // It will not be asked for again.
  MutexLock lock(mutex_);
  if (principals_.size() >= limits::kPrincipalsMax) principals_.clear();
  principals_.insert_or_assign(token.id, KnownPrincipal{subject.config, principal});
  return std::shared_ptr<const Principal>(std::move(principal));
}

}  // namespace keyhold::core
