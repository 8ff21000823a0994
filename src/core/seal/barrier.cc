#include "core/seal/barrier.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "base/limits.h"
#include "crypto/hmac.h"

namespace keyhold::core {
namespace {

using crypto::Xaes256Gcm;

constexpr char kEntryFormat = 3;
constexpr std::size_t kFormatAt = 4;
constexpr std::size_t kNonceAt = 5;
constexpr std::size_t kCiphertextAt = kNonceAt + Xaes256Gcm::kNonceBytes;
constexpr std::size_t kDerivedKeyBytes = 32;
constexpr std::string_view kDeriveContext = "keyhold/derive/1/";

Error sealed_error() { return {Code::kSealed, "the server is sealed"}; }

Error corrupt_error(std::string_view storage_key) {
  std::string message = "a stored entry does not open";
  const char kind = storage_key.empty() ? '\0' : storage_key.front();
  if (kind >= 'a' && kind <= 'z') message.append(" (kind ").append(1, kind).append(")");
  return {Code::kCorrupt, std::move(message)};
}

/// Store id ‖ storage key, on the stack.
class AssociatedData {
 public:
  AssociatedData(std::string_view store_id, std::string_view storage_key)
      : size_(store_id.size() + storage_key.size()) {
    CHECK(size_ <= sizeof bytes_);
    std::memcpy(bytes_, store_id.data(), store_id.size());
    if (!storage_key.empty()) std::memcpy(bytes_ + store_id.size(), storage_key.data(), storage_key.size());
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[Barrier::kStoreIdBytes + limits::kStorageKeyBytesMax];
  std::size_t size_;
};

}  // namespace

Barrier::Barrier(crypto::Rng& rng) : rng_(rng) {}

void Barrier::unseal(std::string store_id, Keyring keyring) {
  CHECK(store_id.size() == kStoreIdBytes);
  const MutexLock lock(store_id_mutex_);
  if (store_id_known_.load(std::memory_order_relaxed)) {
    CHECK(store_id == store_id_);
  } else {
    store_id_ = std::move(store_id);
    store_id_known_.store(true, std::memory_order_release);
  }
  const auto former = active_term();
  if (!former || former->number != keyring.active_term()) encryptions_.store(0, std::memory_order_relaxed);
  keyring_.replace(std::make_unique<const Keyring>(std::move(keyring)));
}

std::optional<Barrier::Term> Barrier::active_term() const {
  const auto keyring = keyring_.pin();
  if (!keyring) return std::nullopt;
  return Term{keyring->active_term(), keyring->active_since_ms()};
}

/// What cannot be followed now is tried again by the next who asks; the older term is as good until then.
void Barrier::follow_if_outdated() const {
  if (!outdated_.load(std::memory_order_acquire) || !follow_ || !outdated_.exchange(false)) return;
  if (!follow_().ok()) outdated_.store(true, std::memory_order_release);
}

void Barrier::seal_up() { keyring_.replace(nullptr); }

const std::string& Barrier::store_id() const {
  static const std::string unknown;
  return store_id_known_.load(std::memory_order_acquire) ? store_id_ : unknown;
}

Result<std::string> Barrier::encrypt(std::string_view storage_key, std::string_view plaintext) const {
  if (storage_key.size() > limits::kStorageKeyBytesMax) return Error{Code::kTooLarge, "a storage key is too long"};
  follow_if_outdated();
  const auto keyring = keyring_.pin();
  if (!keyring) return sealed_error();
  encryptions_.fetch_add(1, std::memory_order_relaxed);
  const AssociatedData associated(store_id_, storage_key);

  std::array<char, kCiphertextAt> head;
  put_big_endian32(head.data(), keyring->active_term());
  head[kFormatAt] = kEntryFormat;
  const auto nonce = std::span(head).subspan(kNonceAt);
  rng_.fill(nonce);

  std::string entry;
  entry.reserve(kEntryOverheadBytes + plaintext.size());
  entry.append(head.data(), head.size());
  keyring->active_cipher().seal({nonce.data(), nonce.size()}, associated.view(), plaintext, entry);
  return entry;
}

Result<SecretBytes> Barrier::decrypt(std::string_view storage_key, std::string_view entry) const {
  Terms terms = Terms::kKnown;
  auto opened = open(storage_key, entry, terms);
  if (terms == Terms::kKnown || !follow_) return opened;
  TRY(follow_());
  return open(storage_key, entry, terms);
}

Result<SecretBytes> Barrier::decrypt_without_following(std::string_view storage_key, std::string_view entry) const {
  Terms terms = Terms::kKnown;
  return open(storage_key, entry, terms);
}

Result<SecretBytes> Barrier::open(std::string_view storage_key, std::string_view entry, Terms& terms) const {
  const auto keyring = keyring_.pin();
  if (!keyring) return sealed_error();
  if (storage_key.size() > limits::kStorageKeyBytesMax || entry.size() < kEntryOverheadBytes ||
      entry[kFormatAt] != kEntryFormat) {
    return corrupt_error(storage_key);
  }
  const Xaes256Gcm* const cipher = keyring->cipher(get_big_endian32(entry.data()));
  if (cipher == nullptr) {
    terms = Terms::kUnknown;
    return corrupt_error(storage_key);
  }
  const AssociatedData associated(store_id_, storage_key);
  auto plaintext =
      cipher->open(entry.substr(kNonceAt, Xaes256Gcm::kNonceBytes), associated.view(), entry.substr(kCiphertextAt));
  if (!plaintext.ok()) return corrupt_error(storage_key);
  return plaintext;
}

Result<KeyBytes> Barrier::derive(std::string_view purpose) const {
  const auto keyring = keyring_.pin();
  if (!keyring) return sealed_error();
  return crypto::hkdf_sha256(keyring->derivation_secret(), std::string(kDeriveContext).append(purpose), kDerivedKeyBytes);
}

}  // namespace keyhold::core
