#include "core/authenticator.h"

#include <vector>

#include "base/limits.h"
#include "core/audit_record.h"

namespace keyhold::core {
namespace {

Error denied() { return {Code::kDenied, "permission denied"}; }

Error refused(SignatureFault fault, AwsProtocol protocol) {
  return {Code::kDenied, std::string(aws_text_of(fault)), aws_code_of(fault, protocol)};
}

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
  if (!BatchTokens::looks_like(token.reveal())) {
    TRY_ASSIGN(TokenState found, tokens.find(tx, owner, std::move(id)));
    // It travels with each request that is signed: by itself it proves nothing.
    if (!found.record->principal_arn().empty()) return denied();
    return found;
  }
  auto record = opened(id);
  if (record == nullptr) {
    TRY_ASSIGN(records::Token carried, tokens.batch().open(token.reveal()));
    record = std::make_shared<const records::Token>(std::move(carried));
  }
  TRY(tokens.check_batch(tx, owner, *record));
  return TokenState{std::move(id), std::move(record), nullptr};
}

Result<Authenticator::Signer> Authenticator::find_signer(const Subject& subject, Transaction& tx) {
  const SignedCredential& credential = *subject.request.credential.signed_by;
  const SignatureV4& signature = credential.signature;
  const Error unrecognized = refused(SignatureFault::kUnrecognizedClient, credential.protocol);
  const TokenStore& tokens = subject.session.tokens;
  const keys::NamespaceId owner = subject.request.namespace_id;
  if (signature.session_token.empty()) {
    TRY_ASSIGN(auto key, access_keys::find(tx, owner, signature.access_key_id));
    if (key == nullptr) return unrecognized;
    const auto live = access_keys::check_live(tx, tokens, *key);
    if (!live.ok()) return live.code() == Code::kDenied ? unrecognized : live.error();
    return Signer{TokenState{key->record.id(), key->token, nullptr}, key, key->secret.clone(), key};
  }
  if (signature.session_token.size() > limits::kTokenBytesMax) return unrecognized;
  std::string id = tokens.id_of(signature.session_token.reveal());
  if (!crypto::equal_constant_time(subject.session.temporary_keys.access_key_id(id), signature.access_key_id)) return unrecognized;
  auto found = tokens.find(tx, owner, id);
  // The id was made here for this token: its credentials were good once.
  if (!found.ok() && found.code() == Code::kDenied) return refused(SignatureFault::kExpiredToken, credential.protocol);
  if (!found.ok()) return std::move(found).error();
  if (found->record->principal_arn().empty()) return unrecognized;
  SecretBytes secret = subject.session.temporary_keys.secret_access_key(id);
  return Signer{*found, found->record, std::move(secret), nullptr};
}

Result<std::shared_ptr<const Principal>> Authenticator::authenticate_signed(const Subject& subject, Transaction& tx) {
  const SignedCredential& credential = *subject.request.credential.signed_by;
  const SignatureV4& signature = credential.signature;
  if (credential.fault) return refused(*credential.fault, credential.protocol);
  const LeaseClock::Moment moment = subject.clock.moment();
  if (!moment.trusted) return Error{Code::kUnavailable, "the time is not trusted"};
  const std::string_view path = subject.request.path;
  const SignatureExpectation expected{.service = path.substr(0, path.find('/')), .now_ms = moment.now_ms};
  // Before anything is looked up for it.
  if (const auto fault = check_signature_v4(signature, expected)) return refused(*fault, credential.protocol);
  TRY_ASSIGN(const Signer signer, find_signer(subject, tx));
  auto signing_key = subject.session.signing_keys->find(signature, signer.holder);
  const bool known = signing_key != nullptr;
  if (!known) signing_key = std::make_shared<const SigningKey>(SigningKey::derive(signer.secret, signature));
  if (const auto fault = verify_signature_v4(signature, *signing_key, expected)) return refused(*fault, credential.protocol);
  if (!known) subject.session.signing_keys->keep(signature, signer.holder, std::move(signing_key));
  TRY_ASSIGN(auto principal, principal_of(subject, signer.token));
  if (!principal->bound_cidrs.allows(subject.request.peer_address)) return denied();
  if (signer.key != nullptr) TRY(access_keys::note_use(tx, *signer.key, moment.now_ms));
  tx.keep();
  return principal;
}

Result<std::shared_ptr<const Principal>> Authenticator::authenticate(const Subject& subject, Transaction& tx) {
  if (subject.request.credential.signed_by != nullptr) return authenticate_signed(subject, tx);
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
  principal->iam = subject.config->grants_of(*principal->token).iam;
  const Credential& credential = subject.request.credential;
  const std::string_view shown = credential.signed_by == nullptr ? credential.token.reveal() : credential.signed_by->signature.access_key_id;
  principal->audit_members = render_principal(*principal, subject.session.redactor.hash(shown));
  if (token.record->num_uses() == 1) return std::shared_ptr<const Principal>(std::move(principal));  // It will not be asked for again.
  MutexLock lock(mutex_);
  if (principals_.size() >= limits::kPrincipalsMax) principals_.clear();
  principals_.insert_or_assign(token.id, KnownPrincipal{subject.config, principal});
  return std::shared_ptr<const Principal>(std::move(principal));
}

}  // namespace keyhold::core
