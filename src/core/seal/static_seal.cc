#include "core/seal/static_seal.h"

#include <utility>

#include "base/encoding.h"
#include "base/secret_bytes.h"

namespace keyhold::core {
namespace {

using crypto::Xaes256Gcm;

constexpr char kFormat = 1;
constexpr std::size_t kIdAt = 2;

std::string head_of(std::string_view id) { return std::string{kFormat, static_cast<char>(id.size())}.append(id); }

/// Empty: it is none.
std::string_view id_in(std::string_view wrapped) {
  if (wrapped.size() < kIdAt || wrapped[0] != kFormat) return {};
  const auto size = static_cast<std::uint8_t>(wrapped[1]);
  return wrapped.size() < kIdAt + size ? std::string_view() : wrapped.substr(kIdAt, size);
}

Error damaged() { return {Code::kCorrupt, "the unseal key does not open under the keys of the seal's configuration"}; }

}  // namespace

Result<StaticSeal> StaticSeal::make(Key current, std::optional<Key> previous, crypto::Rng& rng) {
  const auto valid = [](const Key& key) { return !key.id.empty() && key.id.size() <= kIdBytesMax && key.key.size() == Xaes256Gcm::kKeyBytes; };
  if (!valid(current) || (previous && !valid(*previous))) {
    return Error{Code::kInvalid, "a key of the seal needs an id of 1 to 64 bytes and 32 bytes"};
  }
  if (previous && previous->id == current.id) return Error{Code::kInvalid, "the keys of the seal have one id"};
  std::optional<Cipher> former;
  if (previous) former.emplace(Cipher{std::move(previous->id), Xaes256Gcm(previous->key)});
  return StaticSeal(Cipher{std::move(current.id), Xaes256Gcm(current.key)}, std::move(former), rng);
}

Result<KeyBytes> StaticSeal::parse_key(std::string_view content) {
  if (content.size() == Xaes256Gcm::kKeyBytes) return KeyBytes::copy_of(content);
  const auto begin = content.find_first_not_of(" \t\r\n");
  const auto end = content.find_last_not_of(" \t\r\n");
  const std::string_view text = begin == std::string_view::npos ? std::string_view() : content.substr(begin, end - begin + 1);
  auto bytes = hex_decode_secret(text);
  if (!bytes.ok()) bytes = base64_decode_secret(text);
  if (!bytes.ok() || bytes->size() != Xaes256Gcm::kKeyBytes) {
    return Error{Code::kInvalid, "it must hold 32 bytes, or those in hexadecimal or base64"};
  }
  return KeyBytes::copy_of(bytes->reveal());
}

Result<std::string> StaticSeal::wrap(const KeyBytes& key, std::string_view context) {
  std::string wrapped = head_of(current_.id);
  const std::string associated = wrapped + std::string(context);
  const std::string nonce = rng_.bytes(Xaes256Gcm::kNonceBytes);
  wrapped += nonce;
  current_.cipher.seal(nonce, associated, key.reveal(), wrapped);
  return wrapped;
}

Result<KeyBytes> StaticSeal::unwrap(std::string_view wrapped, std::string_view context) {
  const std::string_view id = id_in(wrapped);
  if (id.empty()) return damaged();
  const Cipher* known = id == current_.id ? &current_ : previous_ && id == previous_->id ? &*previous_ : nullptr;
  if (known == nullptr) return Error{Code::kCorrupt, "the unseal key is wrapped by a key whose id the seal's configuration does not name"};
  const std::string head = head_of(id);
  if (wrapped.size() < head.size() + Xaes256Gcm::kNonceBytes + Xaes256Gcm::kTagBytes) return damaged();
  const auto opened = known->cipher.open(wrapped.substr(head.size(), Xaes256Gcm::kNonceBytes), head + std::string(context),
                                         wrapped.substr(head.size() + Xaes256Gcm::kNonceBytes));
  if (!opened.ok()) return damaged();
  if (opened->size() > KeyBytes::kKeyBytesMax) return damaged();
  return KeyBytes::copy_of(opened->reveal());
}

bool StaticSeal::outdated(std::string_view wrapped) const { return id_in(wrapped) != current_.id; }

}  // namespace keyhold::core
