#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/batch_token.h"
#include "core/keys.h"
#include "core/lease_clock.h"
#include "core/records.pb.h"
#include "core/token_ttl.h"
#include "core/transaction.h"
#include "crypto/hmac.h"
#include "crypto/random.h"

namespace keyhold::core {

/// What a new token is to be.
struct TokenSpec {
  keys::NamespaceId namespace_id = keys::kRootNamespace;
  records::Token::Type type = records::Token::SERVICE;
  std::vector<std::string> policies;
  std::string path;             // Of the request that makes it.
  keys::MountId mount_id = 0;   // Whose lease it is: it ends with the mount. 0 = nobody's.
  std::string lease_path;       // `path` below that mount.
  std::string display_name;
  std::map<std::string, std::string> metadata;
  std::int64_t ttl_s = 0;  // 0 = never expires: for root tokens only.
  std::int64_t explicit_max_ttl_s = 0;
  std::int64_t period_s = 0;
  std::int64_t num_uses = 0;  // 0 = no limit.
  bool renewable = false;
  std::vector<std::string> bound_cidrs;
  std::string role;
  // Of temporary credentials of AWS's form: who they are to IAM's policies. Such a token lets nobody in by itself.
  std::string principal_arn;
  std::string principal_id;
  bool has_dependents = false;  // Something is kept for it from the start that its end must delete.
  /// Their liveness, the parent's first; empty = orphan.
  std::vector<std::string> ancestors;
  std::string parent;  // Id of the parent: needed of a batch token's only.
  SecretBytes chosen;  // A token given by the operator (dev mode); empty = a random one.
  SecretBytes drawn;   // One that TokenStore::draw() made before, so that a request which is run again makes the same one.
};

struct NewToken {
  SecretBytes token;
  std::string accessor;  // Empty for a batch token.
  records::Token record;
};

/// A token that is valid now.
struct TokenState {
  std::string id;
  std::shared_ptr<const records::Token> record;
  std::shared_ptr<const records::Liveness> life;  // nullptr of a batch token.

  bool batch() const { return record->type() == records::Token::BATCH; }
  UnixMillis expires_ms() const { return life == nullptr ? record->expires_ms() : life->expires_ms(); }  // 0 = never.
};

/// Tokens. The store never holds one, only its HMAC under a key of the barrier: the token's id.
///
/// A service token is a record that does not change but when an ancestor lets go of it, a liveness that renewals move on and
/// its end deletes, and a counter when its uses are limited. It is valid while its own liveness and those of all its
/// ancestors are there, their times have not come, and the mounts that gave them out are there, all of which is checked at every
/// use. Beside that stand indexes:
/// by accessor, by parent, by lease path, by time of expiry; each is written and deleted with the token.
///
/// A token that ends is deleted at once. What lies below it is invalid from that commit on, and deleted by a job
/// (core/token_reaper.h) which the same commit leaves. A token may also let go of what lies below it: its liveness then stays,
/// marked as detached, until the job has rewritten its descendants.
///
/// A batch token is not stored: it carries its record, encrypted, and is valid while its parent is.
///
/// All of them are void once the store's epoch has changed.
///
/// threads   Any.
class TokenStore {
 public:
  static constexpr std::size_t kAncestorsMax = 32;
  // What stands in each audit record of a token, or is read with it at each use.
  static constexpr std::size_t kPoliciesMax = 256;
  static constexpr std::size_t kDisplayNameBytesMax = 512;
  static constexpr std::size_t kMetadataBytesMax = 16 * 1024;
  static constexpr std::size_t kBoundCidrsMax = 64;
  static constexpr std::size_t kChosenBytesMax = 512;

  struct Parts {
    crypto::HmacSha256 ids;
    BatchTokens batch;
    const LeaseClock& clock;
    std::uint64_t epoch = 0;  // Of the store, as of unsealing.
  };
  explicit TokenStore(Parts parts) : parts_(std::move(parts)) {}

  /// 32 bytes.
  std::string id_of(std::string_view token) const { return std::string(crypto::as_view(parts_.ids(token))); }

  /// The text of a service token, always as long.
  static SecretBytes draw(crypto::Rng& rng);
  static constexpr std::size_t kDrawnBytes = 47;

  /// errors: kInvalid (bounds); kUnavailable (the time is not trusted).
  Result<NewToken> create(Transaction& tx, TokenSpec spec, crypto::Rng& rng) const;

  // Looking up. Always within one namespace: an id or an accessor of another is unknown.
  // errors: kDenied, saying nothing about why; kUnavailable (the time is not trusted); kMiss.

  Result<TokenState> find(Transaction& tx, keys::NamespaceId owner, std::string id) const;
  /// A token of either kind, as its bearer presents it.
  Result<TokenState> find_presented(Transaction& tx, keys::NamespaceId owner, std::string_view token) const;
  Result<TokenState> find_accessor(Transaction& tx, keys::NamespaceId owner, std::string_view accessor) const;
  /// A batch token whose record was opened before.
  Result<void> check_batch(Transaction& tx, keys::NamespaceId owner, const records::Token& record) const;
  const BatchTokens& batch() const { return parts_.batch; }

  /// Takes one use of a token with a limited number of them; the last one ends it. errors: kDenied; kMiss in a transaction
  /// that only looks.
  Result<void> use(Transaction& tx, const TokenState& token) const;
  /// Uses left after this request; 0 = no limit; -1 = this is the last.
  Result<std::int64_t> uses_left(Transaction& tx, const TokenState& token) const;

  /// Moves the end on, or nearer. `wish.made_ms` is set here. errors: kInvalid: not renewable, or past its maximum.
  Result<GrantedTtl> renew(Transaction& tx, const TokenState& token, TtlWish wish, const TtlBounds& bounds) const;

  /// Ends a token, and with it everything below it. errors: kDenied: unknown.
  Result<void> revoke(Transaction& tx, keys::NamespaceId owner, std::string_view id) const;
  /// Ends a token; its children go on as orphans. errors: kDenied: unknown.
  Result<void> revoke_orphaning(Transaction& tx, keys::NamespaceId owner, std::string_view id) const;

  /// Notes that something is kept for the token which its end must delete.
  Result<void> note_dependents(Transaction& tx, keys::NamespaceId owner, std::string_view liveness) const;

  // What lives like a token and is none: an access key. It has a liveness too, and tokens below it name that as an ancestor.

  /// The time from which a life counts. errors: kUnavailable (the time is not trusted).
  Result<UnixMillis> trusted_now() const;
  /// Whether it lives, and its mount is there. errors: kDenied; kUnavailable (the time is not trusted); kMiss.
  Result<void> check_alive(Transaction& tx, keys::NamespaceId owner, std::string_view liveness) const;
  /// Erases its liveness, and so ends the tokens below it. Nothing happens when it is not there.
  Result<void> end_alive(Transaction& tx, keys::NamespaceId owner, std::string_view liveness) const;

  /// Does what an entry of the expiry index is there for: ends its token if its time has come, else files it anew.
  Result<void> expire(Transaction& tx, std::string_view entry_key) const;

 private:
  enum class Link { kAlive, kEnded, kDetached };
  Result<Link> link(const std::shared_ptr<const records::Liveness>& life, const LeaseClock::Moment& moment) const;
  Result<void> check_ancestors(Transaction& tx, keys::NamespaceId owner, const records::Token& record,
                               const LeaseClock::Moment& moment) const;
  records::Token record_of(TokenSpec& spec, UnixMillis now_ms) const;
  Result<void> file(Transaction& tx, const std::string& id, const records::Token& record, bool has_dependents) const;
  void file_expiry(Transaction& tx, const records::Token& record, std::string_view id, UnixMillis expires_ms) const;
  void erase(Transaction& tx, const records::Token& record, std::string_view id, UnixMillis expires_ms) const;
  void end_life(Transaction& tx, keys::NamespaceId owner, std::string_view liveness, const records::Liveness* life) const;
  Result<void> end(Transaction& tx, keys::NamespaceId owner, std::string_view id, const records::Token& record) const;

  Parts parts_;
};

}  // namespace keyhold::core
