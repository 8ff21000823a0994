#include "server/pkcs11_seal.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace keyhold::server {
namespace {

using crypto::Pkcs11Token;

constexpr char kFormat = 1;

Error damaged() { return {Code::kCorrupt, "the unseal key does not open by the key of the seal's HSM"}; }

struct Wrapped {
  std::string_view head;
  Pkcs11Token::KeyName key;
  Pkcs11Token::Encrypted encrypted;
};

std::string head_of(const Pkcs11Token::KeyName& key) {
  std::string head(1, kFormat);
  for (const std::string* part : {&key.label, &key.id}) head.append(1, static_cast<char>(part->size())).append(*part);
  return head;
}

/// nullopt: it is none.
std::optional<Wrapped> parse(std::string_view record) {
  if (record.empty() || record[0] != kFormat) return std::nullopt;
  Wrapped wrapped;
  std::size_t at = 1;
  for (std::string* part : {&wrapped.key.label, &wrapped.key.id}) {
    if (at >= record.size()) return std::nullopt;
    const std::size_t size = static_cast<std::uint8_t>(record[at++]);
    if (size > record.size() - at) return std::nullopt;
    *part = record.substr(at, size);
    at += size;
  }
  wrapped.head = record.substr(0, at);
  if (record.size() - at < Pkcs11Token::kNonceBytes + Pkcs11Token::kTagBytes) return std::nullopt;
  wrapped.encrypted.nonce = record.substr(at, Pkcs11Token::kNonceBytes);
  wrapped.encrypted.ciphertext = record.substr(at + Pkcs11Token::kNonceBytes);
  return wrapped;
}

/// Whether what the configuration says of a key is true of this one.
bool fits(const Pkcs11Token::KeyName& asked, const Pkcs11Token::KeyName& key) {
  return (asked.label.empty() || asked.label == key.label) && (asked.id.empty() || asked.id == key.id);
}

/// As one would type it; in hexadecimal when that is not possible.
std::string for_people(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  return plain ? std::string(text) : "0x" + hex_encode(text);
}

}  // namespace

Pkcs11Seal::Pkcs11Seal(Settings settings, crypto::Rng& rng)
    : key_(std::move(settings.key)),
      previous_(std::move(settings.previous)),
      when_missing_(settings.when_missing),
      warn_(std::move(settings.warn)),
      rng_(rng),
      token_(std::move(settings.token)) {}

Result<std::string> Pkcs11Seal::wrap(const KeyBytes& key, std::string_view context) {
  TRY_ASSIGN(const KeyName name, token_.find(key_, when_missing_));
  std::string wrapped = head_of(name);
  TRY_ASSIGN(const auto encrypted, token_.encrypt(name, rng_.bytes(Pkcs11Token::kNonceBytes), wrapped + std::string(context), SecretBytes::copy_of(key.reveal())));
  return wrapped.append(encrypted.nonce).append(encrypted.ciphertext);
}

Result<KeyBytes> Pkcs11Seal::unwrap(std::string_view wrapped, std::string_view context) {
  const auto parsed = parse(wrapped);
  if (!parsed) return damaged();
  const KeyName* const asked = fits(key_, parsed->key) ? &key_ : previous_ && fits(*previous_, parsed->key) ? &*previous_ : nullptr;
  if (asked == nullptr) {
    tell_key(parsed->key);
    return Error{Code::kCorrupt, "the unseal key is wrapped by a key that the seal's configuration does not name"};
  }
  // By a label only where the configuration has one: it may have been changed in the HSM.
  const KeyName exact{asked->label, parsed->key.id.empty() ? asked->id : parsed->key.id};
  auto opened = token_.decrypt(exact, parsed->encrypted, std::string(parsed->head) + std::string(context));
  if (!opened.ok() && opened.code() == Code::kCorrupt) return damaged();
  TRY_ASSIGN(const SecretBytes key, std::move(opened));
  if (key.size() > KeyBytes::kKeyBytesMax) return damaged();
  return KeyBytes::copy_of(key.reveal());
}

bool Pkcs11Seal::outdated(std::string_view wrapped) const {
  const auto parsed = parse(wrapped);
  return !parsed || !fits(key_, parsed->key);
}

void Pkcs11Seal::tell_key(const KeyName& name) {
  if (!warn_ || told_.exchange(true)) return;
  warn_("seal: the store's unseal key is wrapped by the HSM's key with label \"" + for_people(name.label) + "\" and id \"0x" + hex_encode(name.id) +
        "\": name it as previous_key_label and previous_key_id");
}

}  // namespace keyhold::server
