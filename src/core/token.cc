#include "core/token.h"

#include "base/limits.h"
#include "core/keys.h"

namespace keyhold::core {
namespace {

constexpr std::string_view kServicePrefix = "hvs.";
constexpr std::size_t kRandomCharacters = 43;  // 256 bits in base 62.
constexpr std::size_t kAccessorCharacters = 24;

constexpr std::size_t kLivenessBytes = 16;

Error denied() { return {Code::kDenied, "permission denied"}; }

Result<void> check_bounds(const TokenSpec& spec) {
  if (spec.ancestors.size() > TokenStore::kAncestorsMax) {
    return Error{Code::kInvalid, "tokens are nested too deeply: use an orphan token"};
  }
  if (spec.chosen.size() > limits::kTokenBytesMax) return Error{Code::kInvalid, "the token id is too long"};
  if (spec.policies.size() > TokenStore::kPoliciesMax) return Error{Code::kInvalid, "a token has too many policies"};
  if (spec.display_name.size() > TokenStore::kDisplayNameBytesMax) {
    return Error{Code::kInvalid, "the display name is too long"};
  }
  std::size_t metadata_bytes = 0;
  for (const auto& [name, value] : spec.metadata) metadata_bytes += name.size() + value.size();
  if (metadata_bytes > TokenStore::kMetadataBytesMax) return Error{Code::kInvalid, "the metadata is too long"};
  return {};
}

Result<bool> alive(Transaction& tx, keys::NamespaceId owner, std::string_view liveness_id, UnixMillis now) {
  TRY_ASSIGN(const auto liveness, tx.load<records::Liveness>(keys::liveness(owner, liveness_id)));
  return liveness != nullptr && (liveness->expires_ms() == 0 || liveness->expires_ms() > now);
}

}  // namespace

Result<NewToken> TokenStore::create(Transaction& tx, TokenSpec spec, UnixMillis now, crypto::Rng& rng) const {
  TRY(check_bounds(spec));
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
  record.set_liveness(rng.bytes(kLivenessBytes));

  records::Accessor accessor;
  accessor.set_namespace_id(spec.namespace_id);
  accessor.set_token(id);
  records::Liveness liveness;
  liveness.set_namespace_id(spec.namespace_id);
  liveness.set_expires_ms(record.expires_ms());

  const std::string token_key = keys::token(spec.namespace_id, id);
  TRY_ASSIGN(const EntryRef existing, tx.get(token_key));
  if (existing->present()) return Error{Code::kInvalid, "a token with this id exists already"};
  tx.put(token_key, encode_record(record));
  tx.put(keys::liveness(spec.namespace_id, record.liveness()), encode_record(liveness));
  tx.put(keys::accessor(spec.namespace_id, id_of(created.accessor)), encode_record(accessor));
  return created;
}

Result<std::shared_ptr<const records::Token>> TokenStore::find(Transaction& tx, keys::NamespaceId owner,
                                                               std::string_view id, UnixMillis now) const {
  TRY_ASSIGN(auto record, tx.load<records::Token>(keys::token(owner, id)));
  if (record == nullptr) return denied();
  TRY_ASSIGN(const bool itself_alive, alive(tx, owner, record->liveness(), now));
  if (!itself_alive) return denied();
  for (const std::string& ancestor : record->ancestors()) {
    TRY_ASSIGN(const bool ancestor_alive, alive(tx, owner, ancestor, now));
    if (!ancestor_alive) return denied();
  }
  return record;
}

Result<void> TokenStore::revoke(Transaction& tx, keys::NamespaceId owner, std::string_view id) const {
  const std::string token_key = keys::token(owner, id);
  TRY_ASSIGN(const auto record, tx.load<records::Token>(token_key));
  if (record == nullptr) return denied();
  tx.erase(keys::liveness(owner, record->liveness()));
  tx.erase(keys::accessor(owner, id_of(record->accessor())));
  tx.erase(token_key);
  return {};
}

}  // namespace keyhold::core
