#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/secret_bytes.h"
#include "crypto/hmac.h"

namespace keyhold::core {

/// Key shares as their holders give them, one by one, each once, under a nonce that a holder must know.
///
/// threads   One at a time.
class CollectedShares {
 public:
  CollectedShares() = default;
  explicit CollectedShares(std::string nonce) : nonce_(std::move(nonce)) {}

  const std::string& nonce() const { return nonce_; }
  bool is_nonce(std::string_view given) const { return !nonce_.empty() && crypto::equal_constant_time(nonce_, given); }

  /// A share that is here already counts once.
  void add(const SecretBytes& share) {
    if (!holds(share)) shares_.push_back(share.clone());
  }
  bool holds(const SecretBytes& share) const {
    return std::ranges::any_of(shares_, [&share](const SecretBytes& each) { return same(each, share); });
  }
  /// Whether it is the one that came last.
  bool was_last(const SecretBytes& share) const { return !shares_.empty() && same(shares_.back(), share); }
  void drop() { shares_.clear(); }

  int count() const { return static_cast<int>(shares_.size()); }
  std::span<const SecretBytes> all() const { return shares_; }

 private:
  static bool same(const SecretBytes& a, const SecretBytes& b) { return crypto::equal_constant_time(a.reveal(), b.reveal()); }

  std::string nonce_;
  std::vector<SecretBytes> shares_;
};

}  // namespace keyhold::core
