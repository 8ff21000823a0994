#include "core/token.h"

#include "base/limits.h"
#include "core/config.h"
#include "core/keys.h"
#include "core/policy/cidr.h"

namespace keyhold::core {
namespace {

constexpr std::string_view kServicePrefix = "hvs.";
constexpr std::size_t kRandomCharacters = 43;  // 256 bits in base 62.
constexpr std::size_t kAccessorCharacters = 24;
constexpr std::size_t kLivenessBytes = 16;

Error denied() { return {Code::kDenied, "permission denied"}; }
Error time_not_trusted() {
  return {Code::kUnavailable,
          "the server's clock has jumped: nothing that expires can be used until it is right again, or the server is unsealed anew"};
}

Result<void> check_bounds(const TokenSpec& spec) {
  if (spec.ancestors.size() > TokenStore::kAncestorsMax) {
    return Error{Code::kInvalid, "tokens are nested too deeply: use an orphan token"};
  }
  if (spec.chosen.size() > TokenStore::kChosenBytesMax) return Error{Code::kInvalid, "the token id is too long"};
  for (const std::string_view reserved : {kServicePrefix, BatchTokens::kPrefix}) {
    if (spec.chosen.reveal().starts_with(reserved)) {
      return Error{Code::kInvalid, "a custom token id cannot have the prefix of a generated one"};
    }
  }
  if (spec.policies.size() > TokenStore::kPoliciesMax) return Error{Code::kInvalid, "a token has too many policies"};
  if (spec.display_name.size() > TokenStore::kDisplayNameBytesMax) {
    return Error{Code::kInvalid, "the display name is too long"};
  }
  if (spec.bound_cidrs.size() > TokenStore::kBoundCidrsMax) return Error{Code::kInvalid, "a token has too many bound CIDRs"};
  TRY(CidrList::parse(spec.bound_cidrs));
  std::size_t metadata_bytes = 0;
  for (const auto& [name, value] : spec.metadata) metadata_bytes += name.size() + value.size();
  if (metadata_bytes > TokenStore::kMetadataBytesMax) return Error{Code::kInvalid, "the metadata is too long"};
  return {};
}

/// A token is a lease of the mount that gave it out, and ends with it: at once, though the job that deletes it comes later.
Result<bool> mount_is_there(Transaction& tx, keys::NamespaceId owner, keys::MountId id) {
  if (id < kFirstMountId) return true;
  TRY_ASSIGN(const auto mount, tx.load<records::Mount>(keys::mount(owner, id)));
  return mount != nullptr && mount->state() == records::Mount::ACTIVE;
}

}  // namespace

records::Token TokenStore::record_of(TokenSpec& spec, UnixMillis now_ms) const {
  records::Token record;
  record.set_namespace_id(spec.namespace_id);
  record.set_type(spec.type);
  for (std::string& policy : spec.policies) record.add_policies(std::move(policy));
  record.set_path(std::move(spec.path));
  record.set_mount_id(spec.mount_id);
  record.set_lease_path(std::move(spec.lease_path));
  record.set_display_name(std::move(spec.display_name));
  for (auto& [name, value] : spec.metadata) (*record.mutable_metadata())[name] = std::move(value);
  record.set_created_ms(now_ms);
  record.set_creation_ttl_s(spec.ttl_s);
  record.set_expires_ms(spec.ttl_s == 0 ? 0 : now_ms + spec.ttl_s * 1000);
  record.set_explicit_max_ttl_s(spec.explicit_max_ttl_s);
  record.set_period_s(spec.period_s);
  record.set_num_uses(spec.num_uses);
  record.set_renewable(spec.renewable);
  for (std::string& block : spec.bound_cidrs) record.add_bound_cidrs(std::move(block));
  record.set_role(std::move(spec.role));
  record.set_principal_arn(std::move(spec.principal_arn));
  record.set_principal_id(std::move(spec.principal_id));
  record.set_orphan(spec.ancestors.empty());
  record.set_epoch(parts_.epoch);
  return record;
}

SecretBytes TokenStore::draw(crypto::Rng& rng) {
  SecretBytes text = SecretBytes::copy_of(kServicePrefix);
  text.append(rng.base62(kRandomCharacters).reveal());
  static_assert(kDrawnBytes == kServicePrefix.size() + kRandomCharacters);
  return text;
}

Result<NewToken> TokenStore::create(Transaction& tx, TokenSpec spec, crypto::Rng& rng) const {
  TRY(check_bounds(spec));
  const LeaseClock::Moment moment = parts_.clock.moment();
  if (spec.ttl_s != 0 && !moment.trusted) return time_not_trusted();
  NewToken created;
  created.record = record_of(spec, moment.now_ms);
  records::Token& record = created.record;
  if (spec.type == records::Token::BATCH) {
    // Its parent says what is above it, so that it follows when an ancestor lets go of the parent.
    if (!spec.ancestors.empty()) {
      record.add_ancestors(std::move(spec.ancestors.front()));
      record.set_parent(std::move(spec.parent));
    }
    TRY_ASSIGN(created.token, parts_.batch.seal(record, rng));
    return created;
  }
  for (std::string& ancestor : spec.ancestors) record.add_ancestors(std::move(ancestor));
  record.set_liveness(rng.bytes(kLivenessBytes));
  created.token = std::move(spec.chosen.empty() ? spec.drawn : spec.chosen);
  if (created.token.empty()) created.token = draw(rng);
  created.accessor = std::string(rng.base62(kAccessorCharacters).reveal());
  record.set_accessor(created.accessor);
  TRY(file(tx, id_of(created.token.reveal()), record, spec.has_dependents));
  return created;
}

/// Everything that is stored of a new service token. What is added here is deleted in erase().
Result<void> TokenStore::file(Transaction& tx, const std::string& id, const records::Token& record, bool has_dependents) const {
  const keys::NamespaceId owner = record.namespace_id();
  const std::string token_key = keys::token(owner, id);
  TRY_ASSIGN(const EntryRef existing, tx.get(token_key));
  if (existing->present()) return Error{Code::kInvalid, "a token with this id exists already"};
  tx.put(token_key, encode_record(record));

  records::Liveness liveness;
  liveness.set_namespace_id(owner);
  liveness.set_expires_ms(record.expires_ms());
  liveness.set_has_dependents(has_dependents);
  liveness.set_mount_id(record.mount_id());
  tx.put(keys::liveness(owner, record.liveness()), encode_record(liveness));

  records::TokenRef reference;
  reference.set_namespace_id(owner);
  reference.set_token(id);
  const SecretBytes encoded = encode_record(reference);
  tx.put(keys::accessor(owner, id_of(record.accessor())), encoded.clone());
  if (record.ancestors_size() > 0) {
    TRY(note_dependents(tx, owner, record.ancestors(0)));
    tx.put(keys::child(owner, record.ancestors(0), id), encoded.clone());
  }
  if (record.num_uses() > 0) {
    records::Uses uses;
    uses.set_namespace_id(owner);
    uses.set_left(record.num_uses());
    tx.put(keys::uses(owner, record.liveness()), encode_record(uses));
  }
  if (record.expires_ms() != 0) {
    file_expiry(tx, record, id, record.expires_ms());
    if (record.mount_id() != 0) tx.put(keys::lease(record.mount_id(), record.lease_path(), id), encoded.clone());
  }
  return {};
}

Result<void> TokenStore::note_dependents(Transaction& tx, keys::NamespaceId owner, std::string_view liveness) const {
  const std::string key = keys::liveness(owner, liveness);
  TRY_ASSIGN(const auto life, tx.load<records::Liveness>(key));
  if (life == nullptr || life->detached()) return denied();
  if (life->has_dependents()) return {};
  // This very request takes its last use, and so ends it.
  if (tx.changes(key)) return Error{Code::kInvalid, "the token ends with this request: nothing can be kept for it"};
  records::Liveness marked = *life;
  marked.set_has_dependents(true);
  tx.put(key, encode_record(marked));
  return {};
}

Result<TokenStore::Link> TokenStore::link(const std::shared_ptr<const records::Liveness>& life,
                                          const LeaseClock::Moment& moment) const {
  if (life == nullptr) return Link::kEnded;
  if (life->detached()) return Link::kDetached;
  if (life->expires_ms() == 0) return Link::kAlive;
  if (!moment.trusted) return time_not_trusted();
  return life->expires_ms() > moment.now_ms ? Link::kAlive : Link::kEnded;
}

Result<void> TokenStore::check_ancestors(Transaction& tx, keys::NamespaceId owner, const records::Token& record,
                                         const LeaseClock::Moment& moment) const {
  for (const std::string& ancestor : record.ancestors()) {
    TRY_ASSIGN(const auto life, tx.load<records::Liveness>(keys::liveness(owner, ancestor)));
    TRY_ASSIGN(const Link above, link(life, moment));
    if (above == Link::kEnded) return denied();
    if (above == Link::kDetached) return {};  // What is above it no longer matters.
    TRY_ASSIGN(const bool mounted, mount_is_there(tx, owner, life->mount_id()));
    if (!mounted) return denied();
  }
  return {};
}

Result<UnixMillis> TokenStore::trusted_now() const {
  const LeaseClock::Moment moment = parts_.clock.moment();
  if (!moment.trusted) return time_not_trusted();
  return moment.now_ms;
}

Result<void> TokenStore::check_alive(Transaction& tx, keys::NamespaceId owner, std::string_view liveness) const {
  TRY_ASSIGN(const auto life, tx.load<records::Liveness>(keys::liveness(owner, liveness)));
  TRY_ASSIGN(const Link own, link(life, parts_.clock.moment()));
  if (own != Link::kAlive) return denied();
  TRY_ASSIGN(const bool mounted, mount_is_there(tx, owner, life->mount_id()));
  if (!mounted) return denied();
  return {};
}

Result<TokenState> TokenStore::find(Transaction& tx, keys::NamespaceId owner, std::string id) const {
  TokenState state;
  TRY_ASSIGN(state.record, tx.load<records::Token>(keys::token(owner, id)));
  if (state.record == nullptr || state.record->epoch() != parts_.epoch) return denied();
  const LeaseClock::Moment moment = parts_.clock.moment();
  TRY_ASSIGN(state.life, tx.load<records::Liveness>(keys::liveness(owner, state.record->liveness())));
  TRY_ASSIGN(const Link own, link(state.life, moment));
  if (own != Link::kAlive) return denied();
  TRY_ASSIGN(const bool mounted, mount_is_there(tx, owner, state.record->mount_id()));
  if (!mounted) return denied();
  if (const auto above = check_ancestors(tx, owner, *state.record, moment); !above.ok()) {
    if (above.code() != Code::kDenied) return above.error();
    // It is about to end, or it was let go of between two of these reads.
    if (tx.only_looks()) return Error{Code::kMiss, "whether a token above has ended is for the store to say"};
    if (tx.drop_outdated()) return Error{Code::kConflict, "the token was let go of meanwhile"};
    return denied();
  }
  state.id = std::move(id);
  return state;
}

Result<void> TokenStore::check_batch(Transaction& tx, keys::NamespaceId owner, const records::Token& record) const {
  if (record.namespace_id() != owner || record.epoch() != parts_.epoch) return denied();
  const LeaseClock::Moment moment = parts_.clock.moment();
  if (!moment.trusted) return time_not_trusted();
  if (record.expires_ms() <= moment.now_ms) return denied();
  TRY_ASSIGN(const bool mounted, mount_is_there(tx, owner, record.mount_id()));
  if (!mounted) return denied();
  if (record.orphan()) return {};
  TRY_ASSIGN(const TokenState parent, find(tx, owner, record.parent()));
  // One with the same chosen id that was made later is another token.
  if (parent.record->liveness() != record.ancestors(0)) return denied();
  return {};
}

Result<TokenState> TokenStore::find_presented(Transaction& tx, keys::NamespaceId owner, std::string_view token) const {
  if (token.empty() || token.size() > limits::kTokenBytesMax) return denied();
  if (!BatchTokens::looks_like(token)) return find(tx, owner, id_of(token));
  TRY_ASSIGN(records::Token record, parts_.batch.open(token));
  TRY(check_batch(tx, owner, record));
  return TokenState{id_of(token), std::make_shared<const records::Token>(std::move(record)), nullptr};
}

Result<TokenState> TokenStore::find_accessor(Transaction& tx, keys::NamespaceId owner, std::string_view accessor) const {
  TRY_ASSIGN(const auto reference, tx.load<records::TokenRef>(keys::accessor(owner, id_of(accessor))));
  if (reference == nullptr) return denied();
  return find(tx, owner, reference->token());
}

}  // namespace keyhold::core
