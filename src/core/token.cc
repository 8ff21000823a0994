#include "core/token.h"

#include "core/keys.h"

namespace keyhold::core {
namespace {

constexpr std::string_view kServicePrefix = "hvs.";
constexpr std::size_t kRandomCharacters = 43;  // 256 bits in base 62.
constexpr std::size_t kAccessorCharacters = 24;

Error denied() { return {Code::kDenied, "permission denied"}; }

}  // namespace

Result<NewToken> TokenStore::create(Transaction& tx, TokenSpec spec, UnixMillis now, crypto::Rng& rng) const {
  if (spec.ancestors.size() > kAncestorsMax) {
    return Error{Code::kInvalid, "tokens are nested too deeply: use an orphan token"};
  }
  NewToken created;
  if (spec.chosen.empty()) {
    created.token = SecretBytes::copy_of(kServicePrefix);
    created.token.append(rng.base62(kRandomCharacters).reveal());
  } else {
    created.token = std::move(spec.chosen);
  }
  created.accessor = std::string(rng.base62(kAccessorCharacters).reveal());
  const std::string id = id_of(created.token.reveal());

  records::Token& record = created.record;
  record.set_namespace_id(spec.namespace_id);
  record.set_accessor(created.accessor);
  for (std::string& policy : spec.policies) record.add_policies(std::move(policy));
  record.set_path(std::move(spec.path));
  record.set_display_name(std::move(spec.display_name));
  for (auto& [name, value] : spec.metadata) (*record.mutable_metadata())[name] = std::move(value);
  record.set_created_ms(now);
  record.set_creation_ttl_s(spec.ttl_s);
  record.set_expires_ms(spec.ttl_s == 0 ? 0 : now + spec.ttl_s * 1000);
  record.set_explicit_max_ttl_s(spec.explicit_max_ttl_s);
  record.set_renewable(spec.renewable);
  record.set_orphan(spec.ancestors.empty());
  for (std::string& ancestor : spec.ancestors) record.add_ancestors(std::move(ancestor));

  records::Accessor accessor;
  accessor.set_namespace_id(spec.namespace_id);
  accessor.set_token(id);
  records::Liveness liveness;
  liveness.set_namespace_id(spec.namespace_id);

  const std::string token_key = keys::token(spec.namespace_id, id);
  TRY_ASSIGN(const EntryRef existing, tx.get(token_key));
  if (existing->present()) return Error{Code::kInvalid, "a token with this id exists already"};
  tx.put(token_key, encode_record(record));
  tx.put(keys::liveness(spec.namespace_id, id), encode_record(liveness));
  tx.put(keys::accessor(spec.namespace_id, id_of(created.accessor)), encode_record(accessor));
  return created;
}

Result<std::shared_ptr<const records::Token>> TokenStore::find(Transaction& tx, keys::NamespaceId owner,
                                                               std::string_view id, UnixMillis now) const {
  TRY_ASSIGN(auto record, tx.load<records::Token>(keys::token(owner, id)));
  if (record == nullptr) return denied();
  if (record->expires_ms() != 0 && record->expires_ms() <= now) return denied();
  TRY_ASSIGN(const EntryRef alive, tx.get(keys::liveness(owner, id)));
  if (!alive->present()) return denied();
  for (const std::string& ancestor : record->ancestors()) {
    TRY_ASSIGN(const EntryRef ancestor_alive, tx.get(keys::liveness(owner, ancestor)));
    if (!ancestor_alive->present()) return denied();
  }
  return record;
}

Result<void> TokenStore::revoke(Transaction& tx, keys::NamespaceId owner, std::string_view id) const {
  const std::string token_key = keys::token(owner, id);
  TRY_ASSIGN(const auto record, tx.load<records::Token>(token_key));
  if (record == nullptr) return denied();
  tx.erase(keys::liveness(owner, id));
  tx.erase(keys::accessor(owner, id_of(record->accessor())));
  tx.erase(token_key);
  return {};
}

}  // namespace keyhold::core
