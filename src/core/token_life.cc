#include "core/keys.h"
#include "core/token.h"

namespace keyhold::core {
namespace {

Error denied() { return {Code::kDenied, "permission denied"}; }

}  // namespace

void TokenStore::file_expiry(Transaction& tx, const records::Token& record, std::string_view id, UnixMillis expires_ms) const {
  records::TokenRef reference;
  reference.set_namespace_id(record.namespace_id());
  reference.set_token(std::string(id));
  tx.put(keys::expiry(expires_ms, record.namespace_id(), id), encode_record(reference));
}

/// Deletes everything of a token but its liveness. Entries of the expiry index may be left that it was filed under before it
/// was renewed; the worker finds no token and deletes them.
void TokenStore::erase(Transaction& tx, const records::Token& record, std::string_view id, UnixMillis expires_ms) const {
  const keys::NamespaceId owner = record.namespace_id();
  tx.erase(keys::token(owner, id));
  tx.erase(keys::accessor(owner, id_of(record.accessor())));
  if (record.ancestors_size() > 0) tx.erase(keys::child(owner, record.ancestors(0), id));
  if (record.num_uses() > 0) tx.erase(keys::uses(owner, record.liveness()));
  if (record.expires_ms() == 0) return;
  tx.erase(keys::expiry(record.expires_ms(), owner, id));
  tx.erase(keys::expiry(expires_ms, owner, id));
  if (record.mount_id() != 0) tx.erase(keys::lease(record.mount_id(), record.lease_path(), id));
}

namespace {

void leave_job(Transaction& tx, records::Job::Kind kind, keys::NamespaceId owner, std::string_view liveness, UnixMillis now_ms) {
  records::Job job;
  job.set_kind(kind);
  job.set_namespace_id(owner);
  job.set_liveness(std::string(liveness));
  job.set_created_ms(now_ms);
  tx.put(keys::token_job(owner, liveness), encode_record(job));
}

}  // namespace

void TokenStore::end_life(Transaction& tx, keys::NamespaceId owner, std::string_view liveness, const records::Liveness* life) const {
  tx.erase(keys::liveness(owner, liveness));
  if (life == nullptr || !life->has_dependents()) return;
  leave_job(tx, records::Job::END_DEPENDENTS, owner, liveness, parts_.clock.now_ms());
}

Result<void> TokenStore::end_alive(Transaction& tx, keys::NamespaceId owner, std::string_view liveness) const {
  TRY_ASSIGN(const auto life, tx.load<records::Liveness>(keys::liveness(owner, liveness)));
  if (life != nullptr) end_life(tx, owner, liveness, life.get());
  return {};
}

Result<void> TokenStore::end(Transaction& tx, keys::NamespaceId owner, std::string_view id, const records::Token& record) const {
  TRY_ASSIGN(const auto life, tx.load<records::Liveness>(keys::liveness(owner, record.liveness())));
  erase(tx, record, id, life == nullptr ? record.expires_ms() : life->expires_ms());
  end_life(tx, owner, record.liveness(), life.get());
  return {};
}

Result<void> TokenStore::revoke(Transaction& tx, keys::NamespaceId owner, std::string_view id) const {
  TRY_ASSIGN(const auto record, tx.load<records::Token>(keys::token(owner, id)));
  if (record == nullptr) return denied();
  return end(tx, owner, id, *record);
}

Result<void> TokenStore::revoke_orphaning(Transaction& tx, keys::NamespaceId owner, std::string_view id) const {
  TRY_ASSIGN(const auto record, tx.load<records::Token>(keys::token(owner, id)));
  if (record == nullptr) return denied();
  const std::string liveness_key = keys::liveness(owner, record->liveness());
  TRY_ASSIGN(const auto life, tx.load<records::Liveness>(liveness_key));
  if (life == nullptr || !life->has_dependents()) return end(tx, owner, id, *record);
  erase(tx, *record, id, life->expires_ms());
  records::Liveness detached = *life;
  detached.set_detached(true);
  tx.put(liveness_key, encode_record(detached));
  leave_job(tx, records::Job::DETACH_DEPENDENTS, owner, record->liveness(), parts_.clock.now_ms());
  return {};
}

Result<void> TokenStore::use(Transaction& tx, const TokenState& token) const {
  const records::Token& record = *token.record;
  if (record.num_uses() == 0) return {};
  if (tx.only_looks()) return Error{Code::kMiss, "a use of a limited token is a write"};
  const keys::NamespaceId owner = record.namespace_id();
  const std::string key = keys::uses(owner, record.liveness());
  TRY_ASSIGN(const auto uses, tx.load<records::Uses>(key));
  if (uses == nullptr || uses->left() <= 0) return denied();
  if (uses->left() == 1) return end(tx, owner, token.id, record);
  records::Uses after = *uses;
  after.set_left(uses->left() - 1);
  tx.put(key, encode_record(after));
  return {};
}

Result<std::int64_t> TokenStore::uses_left(Transaction& tx, const TokenState& token) const {
  const records::Token& record = *token.record;
  if (record.num_uses() == 0) return 0;
  const std::string key = keys::uses(record.namespace_id(), record.liveness());
  TRY_ASSIGN(const auto uses, tx.load<records::Uses>(key));
  if (uses == nullptr) return denied();
  const bool uses_it = tx.changes(key);  // This request is one of its uses.
  const std::int64_t left = uses->left() - (uses_it ? 1 : 0);
  return left > 0 ? left : -1;
}

Result<GrantedTtl> TokenStore::renew(Transaction& tx, const TokenState& token, TtlWish wish, const TtlBounds& bounds) const {
  const records::Token& record = *token.record;
  const keys::NamespaceId owner = record.namespace_id();
  if (token.batch() || !record.renewable() || token.expires_ms() == 0) return Error{Code::kInvalid, "lease is not renewable"};
  const std::string liveness_key = keys::liveness(owner, record.liveness());
  // This very request takes its last use, and so ends it.
  if (tx.changes(liveness_key)) return Error{Code::kInvalid, "the token has no uses left"};
  wish.made_ms = record.created_ms();
  const UnixMillis now_ms = parts_.clock.now_ms();
  TRY_ASSIGN(GrantedTtl granted, grant_ttl(wish, bounds, now_ms));
  // An entry of the expiry index at its end or before is always there: only an earlier end needs a new one.
  if (granted.expires_ms < token.life->expires_ms()) file_expiry(tx, record, token.id, granted.expires_ms);
  records::Liveness renewed = *token.life;
  renewed.set_expires_ms(granted.expires_ms);
  renewed.set_renewed_ms(now_ms);
  tx.put(liveness_key, encode_record(renewed));
  return granted;
}

Result<void> TokenStore::expire(Transaction& tx, std::string_view entry_key) const {
  TRY_ASSIGN(const auto entry, tx.load<records::TokenRef>(entry_key));
  if (entry == nullptr) return {};
  tx.erase(std::string(entry_key));
  const keys::NamespaceId owner = entry->namespace_id();
  TRY_ASSIGN(const auto record, tx.load<records::Token>(keys::token(owner, entry->token())));
  if (record == nullptr) return {};
  TRY_ASSIGN(const auto life, tx.load<records::Liveness>(keys::liveness(owner, record->liveness())));
  const LeaseClock::Moment moment = parts_.clock.moment();
  if (!moment.trusted) return Error{Code::kUnavailable, "the time is not trusted"};
  if (life != nullptr && life->expires_ms() > moment.now_ms) {
    file_expiry(tx, *record, entry->token(), life->expires_ms());
    return {};
  }
  return end(tx, owner, entry->token(), *record);
}

}  // namespace keyhold::core
