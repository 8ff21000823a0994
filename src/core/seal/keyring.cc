#include "core/seal/keyring.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "core/seal/tagged_record.h"

namespace keyhold::core {
namespace {

using crypto::Xaes256Gcm;

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kDerivationSecretTag = 1;
constexpr std::uint8_t kTermTag = 2;  // Number (4 bytes) ‖ installed, UNIX milliseconds (8) ‖ key (32).

constexpr std::size_t kTermKeyAt = 12;
constexpr std::size_t kTermBytes = kTermKeyAt + Xaes256Gcm::kKeyBytes;

}  // namespace

void Keyring::install(std::uint32_t number, UnixMillis installed_ms, KeyBytes key) {
  Xaes256Gcm cipher(key);
  terms_.push_back(Term{number, installed_ms, std::move(key), std::move(cipher)});
}

Keyring Keyring::create(crypto::Rng& rng, UnixMillis now_ms) {
  Keyring keyring;
  keyring.derivation_secret_ = rng.key(kDerivationSecretBytes);
  keyring.install(1, now_ms, rng.key(Xaes256Gcm::kKeyBytes));
  return keyring;
}

Result<void> Keyring::add_term(crypto::Rng& rng, UnixMillis now_ms) {
  if (terms_.size() == kTermsMax) return Error{Code::kLimited, "the keyring is full"};
  install(active_term() + 1, now_ms, rng.key(Xaes256Gcm::kKeyBytes));
  return {};
}

void Keyring::keep_installed_until(UnixMillis time_ms) {
  while (terms_.size() > 1 && terms_.back().installed_ms > time_ms) terms_.pop_back();
}

const Xaes256Gcm* Keyring::cipher(std::uint32_t term) const {
  if (term == active_term()) return &active_cipher();
  const auto found = std::lower_bound(terms_.begin(), terms_.end(), term,
                                      [](const Term& each, std::uint32_t number) { return each.number < number; });
  return found == terms_.end() || found->number != term ? nullptr : &found->cipher;
}

SecretBytes Keyring::serialize() const {
  SecretBytes record;
  begin_tagged(record, kFormat);
  append_tagged(record, kDerivationSecretTag, derivation_secret_.reveal());
  for (const Term& term : terms_) {
    auto value = SecretBytes::zeroed(kTermBytes);
    char* const at = value.writable().data();
    put_big_endian32(at, term.number);
    put_big_endian64(at + 4, static_cast<std::uint64_t>(term.installed_ms));
    std::ranges::copy(term.key.reveal(), at + kTermKeyAt);
    append_tagged(record, kTermTag, value.reveal());
  }
  record.append(unknown_fields_.reveal());
  return record;
}

Result<Keyring> Keyring::parse(std::string_view record) {
  const Error corrupt{Code::kCorrupt, "the keyring is not one"};
  TRY_ASSIGN(const auto fields, parse_tagged(record, kFormat));
  Keyring keyring;
  for (const TaggedField& field : fields) {
    if (field.tag == kDerivationSecretTag) {
      if (field.value.size() != kDerivationSecretBytes || !keyring.derivation_secret_.empty()) return corrupt;
      keyring.derivation_secret_ = KeyBytes::copy_of(field.value);
    } else if (field.tag == kTermTag) {
      if (field.value.size() != kTermBytes || keyring.terms_.size() == kTermsMax) return corrupt;
      const std::uint32_t number = get_big_endian32(field.value.data());
      const std::uint32_t former = keyring.terms_.empty() ? 0 : keyring.active_term();
      if (number <= former) return corrupt;
      keyring.install(number, static_cast<UnixMillis>(get_big_endian64(field.value.data() + 4)),
                      KeyBytes::copy_of(field.value.substr(kTermKeyAt)));
    } else {
      append_tagged(keyring.unknown_fields_, field.tag, field.value);
    }
  }
  if (keyring.terms_.empty() || keyring.derivation_secret_.empty()) return corrupt;
  return keyring;
}

}  // namespace keyhold::core
