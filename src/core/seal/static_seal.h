#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/seal/auto_seal.h"
#include "crypto/random.h"
#include "crypto/xaes256gcm.h"

namespace keyhold::core {

/// `seal "static"`: a key that the operator keeps in a file or a credential of systemd's. Whoever has it and the store has everything.
///
/// What is wrapped is 0x01 ‖ length of the key's id (1) ‖ id ‖ nonce (24) ‖ ciphertext ‖ tag (16), by XAES-256-GCM, with all that stands before
/// the nonce and the context as associated data.
class StaticSeal final : public AutoSeal {
 public:
  static constexpr std::size_t kIdBytesMax = 64;

  struct Key {
    std::string id;
    KeyBytes key;
  };
  /// `previous`: opens what was wrapped before the current key came.
  /// errors: kInvalid: an id that is empty, too long or given twice, a key of another length than 32 bytes.
  static Result<StaticSeal> make(Key current, std::optional<Key> previous, crypto::Rng& rng);

  /// A key as operators write one: 32 bytes, or 64 hexadecimal digits, or base64 of 32 bytes; white space around the latter is ignored.
  /// errors: kInvalid, saying nothing about the content.
  static Result<KeyBytes> parse_key(std::string_view content);

  std::string_view type() const override { return "static"; }
  Result<std::string> wrap(const KeyBytes& key, std::string_view context) override;
  Result<KeyBytes> unwrap(std::string_view wrapped, std::string_view context) override;
  bool outdated(std::string_view wrapped) const override;

 private:
  struct Cipher {
    std::string id;
    crypto::Xaes256Gcm cipher;
  };
  StaticSeal(Cipher current, std::optional<Cipher> previous, crypto::Rng& rng)
      : current_(std::move(current)), previous_(std::move(previous)), rng_(rng) {}

  Cipher current_;
  std::optional<Cipher> previous_;
  crypto::Rng& rng_;
};

}  // namespace keyhold::core
