#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/random.h"
#include "crypto/xaes256gcm.h"

namespace keyhold::core {

/// The keys of the barrier: numbered terms, of which the newest encrypts and all decrypt, and a derivation secret that
/// never rotates.
///
/// threads   Any for const calls.
class Keyring {
 public:
  static constexpr std::size_t kTermsMax = 1024;  // A rotation a week for 19 years; bounded by the arena of KeyBytes.
  static constexpr std::size_t kDerivationSecretBytes = 32;

  /// Term 1 and a derivation secret, both random.
  static Keyring create(crypto::Rng& rng, UnixMillis now_ms);
  /// errors: kCorrupt.
  static Result<Keyring> parse(std::string_view record);
  /// As docs/storage_format.md says; fields that a newer program wrote are kept.
  SecretBytes serialize() const;

  /// Adds a term, the active one from now on. errors: kLimited: kTermsMax.
  Result<void> add_term(crypto::Rng& rng, UnixMillis now_ms);

  /// Drops the terms that are younger than that, but for the first: the one before is then the active one.
  void keep_installed_until(UnixMillis time_ms);

  std::uint32_t active_term() const { return terms_.back().number; }
  UnixMillis active_since_ms() const { return terms_.back().installed_ms; }
  const crypto::Xaes256Gcm& active_cipher() const { return terms_.back().cipher; }
  /// nullptr when there is no such term.
  const crypto::Xaes256Gcm* cipher(std::uint32_t term) const;
  const KeyBytes& derivation_secret() const { return derivation_secret_; }

 private:
  struct Term {
    std::uint32_t number;
    UnixMillis installed_ms;
    KeyBytes key;  // For serialize(); the cipher does not give its key back.
    crypto::Xaes256Gcm cipher;
  };

  Keyring() = default;
  void install(std::uint32_t number, UnixMillis installed_ms, KeyBytes key);

  std::vector<Term> terms_;  // By number, never empty.
  KeyBytes derivation_secret_;
  SecretBytes unknown_fields_;  // As they stood in the record.
};

}  // namespace keyhold::core
