#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/token.h"
#include "core/transaction.h"
#include "crypto/random.h"

/// Access keys of AWS's form: an id that each request names, and a secret that never travels, by which it is signed.
///
/// The id is unique in its namespace, so that a signature finds its key without naming a mount. The secret access key is the
/// content of the key's record. A key lives like a token: it has a liveness, which ends with it, with its time, with its
/// disabling and with the mount that made it, and tokens made below it (temporary credentials) name that as their
/// ancestor. What a key may do is said by its policies; `AccessKey::token` says it in the form of a token's record.
///
/// Being static, keys outlive the restoration of a snapshot, as policies do.
///
/// threads   Any, a transaction each.
namespace keyhold::core::access_keys {

// Of secrets that are imported.
inline constexpr std::size_t kSecretBytesMin = 16;
inline constexpr std::size_t kSecretBytesMax = 128;
inline constexpr std::size_t kDescriptionBytesMax = 512;
inline constexpr std::string_view kPrefix = "AKIA";
inline constexpr std::string_view kTemporaryPrefix = "ASIA";  // Ids of temporary credentials: never a key's.

/// Whether it has the form of an access key's id: 16 to limits::kAwsAccessKeyIdBytesMax letters, digits and '_'.
bool valid_id(std::string_view id);

struct AccessKeySpec {
  keys::NamespaceId namespace_id = keys::kRootNamespace;
  keys::MountId mount_id = 0;  // Of the auth method that makes it.
  std::string mount_path;      // "auth/keys/".
  std::string id;              // Of a pair that was made elsewhere; empty = a random one.
  SecretBytes secret;          // Of the same.
  std::vector<std::string> policies;  // In their normal form.
  std::vector<std::string> bound_cidrs;
  std::string description;
  std::int64_t ttl_s = 0;  // 0 = never expires.
};

struct NewAccessKey {
  SecretBytes secret;
  records::AccessKey record;
};

/// A key as stored, alive or not. Immutable, and the same object while its record stays the same.
struct AccessKey {
  records::AccessKey record;
  /// What a token with this key's powers would be: who it is in audit records, its policies, from where it may be used, and
  /// the liveness that tokens made below it name. It is in no store.
  std::shared_ptr<const records::Token> token;
  SecretBytes secret;
};

/// errors: kInvalid: bounds, a policy that only the server gives ("root" too), or an id that is taken, by another mount or not;
/// kUnavailable (the time is not trusted).
Result<NewAccessKey> create(Transaction& tx, const TokenStore& tokens, AccessKeySpec spec, crypto::Rng& rng);

/// nullptr when there is none of this id. Not yet a reason to let anybody in: see check_live(). errors: kMiss, kCorrupt.
Result<std::shared_ptr<const AccessKey>> find(Transaction& tx, keys::NamespaceId owner, std::string_view id);

/// Whether it may be used now: enabled, not expired, and its mount there. To be asked at each use.
/// errors: kDenied, saying nothing about why; kUnavailable (the time is not trusted); kMiss.
Result<void> check_live(Transaction& tx, const TokenStore& tokens, const AccessKey& key);

enum class Status : std::uint8_t { kEnabled, kDisabled };

/// What is to be different; nullopt = as it is.
struct AccessKeyChange {
  std::optional<std::vector<std::string>> policies{};  // In their normal form.
  std::optional<std::vector<std::string>> bound_cidrs{};
  std::optional<std::string> description{};
  std::optional<std::int64_t> ttl_s{};  // From now on; 0 = never expires.
  std::optional<Status> status{};
};

/// Changes a key; returns it as it is then. Its disabling ends all tokens below it; enabling it again, or giving time to one that had
/// expired, does not bring them back. Other changes leave them as they are.
/// errors: kInvalid, kUnavailable: as create(). Disabling does not need the time.
Result<records::AccessKey> change(Transaction& tx, const TokenStore& tokens, const AccessKey& key, AccessKeyChange wanted,
                                  crypto::Rng& rng);

/// Deletes a key, and ends all tokens below it.
Result<void> erase(Transaction& tx, const TokenStore& tokens, const AccessKey& key);

/// One page of the ids that a mount made, in their order.
struct Ids {
  std::vector<std::string> ids;
  bool more = false;
};
Result<Ids> list(Transaction& tx, keys::MountId mount, std::string_view after, std::size_t limit);

/// Notes that it was used: writes at most once a UTC day. errors: kMiss, in a transaction that only looks, when it must write.
Result<void> note_use(Transaction& tx, const AccessKey& key, UnixMillis now_ms);
/// The first use on the last day of use; 0 = it was never used.
Result<UnixMillis> last_used(Transaction& tx, const AccessKey& key);

}  // namespace keyhold::core::access_keys
