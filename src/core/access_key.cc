#include "core/access_key.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/aws_names.h"
#include "core/policy/cidr.h"
#include "core/policy/policy_name.h"
#include "core/record.h"

namespace keyhold::core::access_keys {
namespace {

constexpr std::size_t kIdBytesMin = 16;         // AWS's.
constexpr std::size_t kSecretRandomBytes = 30;  // 40 characters in base64.
constexpr std::size_t kAccessorCharacters = 24;
constexpr std::size_t kLivenessBytes = 16;

Error invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }

bool is_id_character(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

Result<void> check_imported(const AccessKeySpec& spec) {
  if (!valid_id(spec.id)) return invalid("an access key id is 16 to 128 letters, digits and '_'");
  if (spec.id.starts_with(kTemporaryPrefix)) return invalid("an access key id that begins with ASIA is a temporary credential's");
  const std::string_view secret = spec.secret.reveal();
  const bool printable = std::all_of(secret.begin(), secret.end(), [](char byte) { return byte > ' ' && byte <= '~'; });
  if (secret.size() < kSecretBytesMin || secret.size() > kSecretBytesMax || !printable) {
    return invalid("a secret access key is 16 to 128 printable characters without spaces");
  }
  return {};
}

Result<void> set_policies(records::AccessKey& record, std::vector<std::string> policies) {
  if (policies.size() > TokenStore::kPoliciesMax) return invalid("an access key has too many policies");
  for (const std::string& name : policies) {
    if (reserved_policy_name(name)) return invalid("a policy that only the server gives cannot be an access key's");
  }
  std::sort(policies.begin(), policies.end());
  policies.erase(std::unique(policies.begin(), policies.end()), policies.end());
  record.mutable_policies()->Assign(policies.begin(), policies.end());
  return {};
}

Result<void> set_bound_cidrs(records::AccessKey& record, const std::vector<std::string>& blocks) {
  if (blocks.size() > TokenStore::kBoundCidrsMax) return invalid("an access key has too many bound CIDRs");
  TRY(CidrList::parse(blocks));
  record.mutable_bound_cidrs()->Assign(blocks.begin(), blocks.end());
  return {};
}

Result<void> set_description(records::AccessKey& record, std::string description) {
  if (description.size() > kDescriptionBytesMax) return invalid("the description is too long");
  if (!valid_utf8(description)) return invalid("the description is not UTF-8");
  record.set_description(std::move(description));
  return {};
}

Result<void> set_end(records::AccessKey& record, std::int64_t ttl_s, UnixMillis now_ms) {
  if (ttl_s < 0) return invalid("'ttl' cannot be negative");
  record.set_expires_ms(ttl_s == 0 ? 0 : now_ms + ttl_s * 1000);
  return {};
}

void put_liveness(Transaction& tx, records::AccessKey& record, crypto::Rng& rng) {
  record.set_liveness(rng.bytes(kLivenessBytes));
  records::Liveness life;
  life.set_namespace_id(record.namespace_id());
  life.set_expires_ms(record.expires_ms());
  life.set_mount_id(record.mount_id());
  tx.put(keys::liveness(record.namespace_id(), record.liveness()), encode_record(life));
}

records::Token token_of(const records::AccessKey& key) {
  records::Token token;
  token.set_namespace_id(key.namespace_id());
  token.set_accessor(key.accessor());
  *token.mutable_policies() = key.policies();
  token.set_path(key.path());
  token.set_mount_id(key.mount_id());
  token.set_display_name("access-key-" + key.id());
  (*token.mutable_metadata())["access_key_id"] = key.id();
  token.set_created_ms(key.created_ms());
  token.set_expires_ms(key.expires_ms());
  token.set_creation_ttl_s(key.expires_ms() == 0 ? 0 : (key.expires_ms() - key.created_ms()) / 1000);
  token.set_orphan(true);
  token.set_principal_arn(std::string(aws::kUserArn).append(key.id()));
  token.set_principal_id(key.id());
  token.set_liveness(key.liveness());
  *token.mutable_bound_cidrs() = key.bound_cidrs();
  return token;
}

Result<AccessKey> decode(const SecretBytes& stored) {
  TRY_ASSIGN(const RecordParts parts, split_record(stored.reveal()));
  AccessKey key;
  TRY(parse_header(parts.header, key.record));
  key.token = std::make_shared<const records::Token>(token_of(key.record));
  key.secret = SecretBytes::copy_of(parts.content);
  return key;
}

}  // namespace

bool valid_id(std::string_view id) {
  return id.size() >= kIdBytesMin && id.size() <= limits::kAwsAccessKeyIdBytesMax && std::all_of(id.begin(), id.end(), is_id_character);
}

Result<NewAccessKey> create(Transaction& tx, const TokenStore& tokens, AccessKeySpec spec, crypto::Rng& rng) {
  NewAccessKey made;
  if (spec.id.empty()) {
    spec.id = aws::unique_id(kPrefix, rng.bytes(aws::kUniqueIdBytes));
    append_base64(made.secret, rng.secret(kSecretRandomBytes).reveal());
  } else {
    TRY(check_imported(spec));
    made.secret = std::move(spec.secret);
  }
  const keys::NamespaceId owner = spec.namespace_id;
  std::string key = keys::access_key(owner, spec.id);
  TRY_ASSIGN(const EntryRef existing, tx.get(key));
  if (existing->present()) return invalid("an access key with this id exists already");
  TRY_ASSIGN(const UnixMillis now_ms, tokens.trusted_now());
  records::AccessKey& record = made.record;
  record.set_namespace_id(owner);
  record.set_mount_id(spec.mount_id);
  record.set_accessor(std::string(rng.base62(kAccessorCharacters).reveal()));
  TRY(set_policies(record, std::move(spec.policies)));
  TRY(set_bound_cidrs(record, spec.bound_cidrs));
  TRY(set_description(record, std::move(spec.description)));
  record.set_path(spec.mount_path + "key/" + spec.id);
  record.set_created_ms(now_ms);
  TRY(set_end(record, spec.ttl_s, now_ms));
  put_liveness(tx, record, rng);
  records::AccessKeyRef reference;
  reference.set_namespace_id(owner);
  tx.put(keys::access_key_of_mount(spec.mount_id, spec.id), encode_record(reference));
  record.set_id(std::move(spec.id));
  tx.put(std::move(key), encode_record(record, made.secret.reveal()));
  return made;
}

Result<std::shared_ptr<const AccessKey>> find(Transaction& tx, keys::NamespaceId owner, std::string_view id) {
  // Whatever is longer is no key's id, and may be no key of the store's either.
  if (id.size() > limits::kAwsAccessKeyIdBytesMax) return std::shared_ptr<const AccessKey>();
  TRY_ASSIGN(const EntryRef entry, tx.get(keys::access_key(owner, id)));
  if (!entry->present()) return std::shared_ptr<const AccessKey>();
  return entry->decoded<AccessKey>(decode);
}

Result<void> check_live(Transaction& tx, const TokenStore& tokens, const AccessKey& key) {
  if (key.record.disabled()) return Error{Code::kDenied, "permission denied"};
  return tokens.check_alive(tx, key.record.namespace_id(), key.record.liveness());
}

Result<records::AccessKey> change(Transaction& tx, const TokenStore& tokens, const AccessKey& key, AccessKeyChange wanted,
                                  crypto::Rng& rng) {
  const records::AccessKey& before = key.record;
  const keys::NamespaceId owner = before.namespace_id();
  records::AccessKey after = before;
  if (wanted.policies) TRY(set_policies(after, std::move(*wanted.policies)));
  if (wanted.bound_cidrs) TRY(set_bound_cidrs(after, *wanted.bound_cidrs));
  if (wanted.description) TRY(set_description(after, std::move(*wanted.description)));
  if (wanted.status) after.set_disabled(*wanted.status == Status::kDisabled);
  bool had_expired = false;
  if (wanted.ttl_s) {
    TRY_ASSIGN(const UnixMillis now_ms, tokens.trusted_now());
    TRY(set_end(after, *wanted.ttl_s, now_ms));
    had_expired = before.expires_ms() != 0 && before.expires_ms() <= now_ms;
  }
  if (had_expired || after.disabled() != before.disabled()) {
    if (!before.disabled()) TRY(tokens.end_alive(tx, owner, before.liveness()));
    after.clear_liveness();
    if (!after.disabled()) put_liveness(tx, after, rng);
  } else if (wanted.ttl_s && !after.disabled()) {
    std::string life_key = keys::liveness(owner, after.liveness());
    TRY_ASSIGN(const auto life, tx.load<records::Liveness>(life_key));
    if (life == nullptr) return Error{Code::kCorrupt, "the liveness of an access key is not there"};
    records::Liveness moved = *life;
    moved.set_expires_ms(after.expires_ms());
    tx.put(std::move(life_key), encode_record(moved));
  }
  tx.put(keys::access_key(owner, after.id()), encode_record(after, key.secret.reveal()));
  return after;
}

Result<void> erase(Transaction& tx, const TokenStore& tokens, const AccessKey& key) {
  const records::AccessKey& record = key.record;
  const keys::NamespaceId owner = record.namespace_id();
  if (!record.disabled()) TRY(tokens.end_alive(tx, owner, record.liveness()));
  tx.erase(keys::access_key(owner, record.id()));
  tx.erase(keys::access_key_use(owner, record.id()));
  tx.erase(keys::access_key_of_mount(record.mount_id(), record.id()));
  return {};
}

Result<Ids> list(Transaction& tx, keys::MountId mount, std::string_view after, std::size_t limit) {
  const std::string prefix = keys::access_key_of_mount(mount);
  const std::string key_after = after.empty() ? std::string() : keys::access_key_of_mount(mount, after);
  storage::ListOptions options;
  options.prefix = prefix;
  options.after = key_after;
  options.limit = limit;
  TRY_ASSIGN(const storage::Page page, tx.list(options));
  Ids found;
  found.more = page.more;
  for (const auto& item : page.items) found.ids.push_back(item.key.substr(prefix.size()));
  return found;
}

Result<void> note_use(Transaction& tx, const AccessKey& key, UnixMillis now_ms) {
  std::string use_key = keys::access_key_use(key.record.namespace_id(), key.record.id());
  TRY_ASSIGN(const auto use, tx.load<records::AccessKeyUse>(use_key));
  if (use != nullptr && use->used_ms() / kDayMs >= now_ms / kDayMs) return {};
  if (tx.only_looks()) return Error{Code::kMiss, "the first use of a day is a write"};
  records::AccessKeyUse noted;
  noted.set_namespace_id(key.record.namespace_id());
  noted.set_used_ms(now_ms);
  tx.put(std::move(use_key), encode_record(noted));
  return {};
}

Result<UnixMillis> last_used(Transaction& tx, const AccessKey& key) {
  TRY_ASSIGN(const auto use, tx.load<records::AccessKeyUse>(keys::access_key_use(key.record.namespace_id(), key.record.id())));
  return use == nullptr ? 0 : use->used_ms();
}

}  // namespace keyhold::core::access_keys
