#include "core/authenticator.h"

#include <vector>

#include "base/limits.h"
#include "core/audit_record.h"

namespace keyhold::core {

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

Result<std::shared_ptr<const Principal>> Authenticator::authenticate(const Subject& subject, Transaction& tx) {
  const SecretBytes& token = subject.request.credential.token;
  if (token.empty() || token.size() > limits::kTokenBytesMax) return Error{Code::kDenied, "permission denied"};
  const std::string token_id = token_id_of(subject);
  TRY_ASSIGN(auto record, subject.session.tokens.find(tx, subject.request.namespace_id, token_id, clock_.now_ms()));
  return principal_of(subject, token_id, std::move(record));
}

std::shared_ptr<const Principal> Authenticator::principal_of(const Subject& subject, const std::string& token_id,
                                                             std::shared_ptr<const records::Token> token) {
  {
    MutexLock lock(mutex_);
    const auto known = principals_.find(token_id);
    if (known != principals_.end() && known->second.config == subject.config &&
        known->second.principal->token == token) {
      return known->second.principal;
    }
  }
  auto principal = std::make_shared<Principal>();
  principal->token_id = token_id;
  principal->token = std::move(token);
  principal->policies = subject.config->grants_of(*principal->token).compile();
  principal->audit_members =
      render_principal(*principal, subject.session.redactor.hash(subject.request.credential.token.reveal()));
  MutexLock lock(mutex_);
  if (principals_.size() >= limits::kPrincipalsMax) principals_.clear();
  principals_.insert_or_assign(token_id, KnownPrincipal{subject.config, principal});
  return principal;
}

}  // namespace keyhold::core
