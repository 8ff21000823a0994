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
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/transaction.h"
#include "crypto/hmac.h"
#include "crypto/random.h"

namespace keyhold::core {

/// What a new token is to be.
struct TokenSpec {
  keys::NamespaceId namespace_id = keys::kRootNamespace;
  std::vector<std::string> policies;
  std::string path;
  std::string display_name;
  std::map<std::string, std::string> metadata;
  std::int64_t ttl_s = 0;  // 0 = never expires: for root tokens only.
  std::int64_t explicit_max_ttl_s = 0;
  bool renewable = false;
  std::vector<std::string> ancestors;  // Their liveness, the parent's first; empty = orphan.
  SecretBytes chosen;                  // A token given by the operator (dev mode); empty = a random one.
};

struct NewToken {
  SecretBytes token;
  std::string accessor;
  records::Token record;
};

/// Tokens. The store never holds one, only its HMAC under a key of the barrier: the token's id.
///
/// A token is an immutable record, and a liveness key that its end deletes. It is valid while its own liveness key and
/// those of all its ancestors are there and their times have not come, all of which is checked at every use.
///
/// threads   Any.
class TokenStore {
 public:
  static constexpr std::size_t kAncestorsMax = 32;
  // What stands in each audit record of a token, or is read with it at each use.
  static constexpr std::size_t kPoliciesMax = 256;
  static constexpr std::size_t kDisplayNameBytesMax = 512;
  static constexpr std::size_t kMetadataBytesMax = 16 * 1024;
  static constexpr std::int64_t kDefaultTtlS = 32 * 24 * 3600;  // Vault's default and maximum lease: 768 h.
  static constexpr std::int64_t kMaxTtlS = 32 * 24 * 3600;

  explicit TokenStore(crypto::HmacSha256 key) : key_(std::move(key)) {}

  /// 32 bytes.
  std::string id_of(std::string_view token) const { return std::string(crypto::as_view(key_(token))); }

  /// errors: kInvalid (bounds).
  Result<NewToken> create(Transaction& tx, TokenSpec spec, UnixMillis now, crypto::Rng& rng) const;

  /// The record of a valid token. errors: kDenied, saying nothing about why; kMiss.
  Result<std::shared_ptr<const records::Token>> find(Transaction& tx, keys::NamespaceId owner, std::string_view id,
                                                     UnixMillis now) const;

  /// Ends a token, and with it everything below it.
  Result<void> revoke(Transaction& tx, keys::NamespaceId owner, std::string_view id) const;

 private:
  crypto::HmacSha256 key_;
};

}  // namespace keyhold::core
