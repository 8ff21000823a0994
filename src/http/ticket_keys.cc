#include "http/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/key_bytes.h"
#include "base/mutex.h"

namespace keyhold::http {
namespace {

constexpr MonotonicMillis kRotationMs = 60 * 60 * 1000;
constexpr std::size_t kNameBytes = 16;   // Set by OpenSSL's callback.
constexpr std::size_t kCipherKeyBytes = 32;
constexpr std::size_t kMacKeyBytes = 32;
constexpr std::size_t kVectorBytes = 16;

// What the callback returns: OpenSSL's manual, SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
constexpr int kFailed = -1;
constexpr int kUnknownKey = 0;
constexpr int kAccepted = 1;
constexpr int kAcceptedRenew = 2;

struct TicketKey {
  std::array<unsigned char, kNameBytes> name{};
  KeyBytes keys{kCipherKeyBytes + kMacKeyBytes};  // Cipher, then MAC.

  const unsigned char* cipher() const { return reinterpret_cast<const unsigned char*>(keys.reveal().data()); }
  const unsigned char* mac() const { return cipher() + kCipherKeyBytes; }
};

std::unique_ptr<TicketKey> make_ticket_key() {
  auto key = std::make_unique<TicketKey>();
  auto* const secret = reinterpret_cast<unsigned char*>(key->keys.writable().data());
  const bool drawn = RAND_bytes(key->name.data(), kNameBytes) == 1 && RAND_priv_bytes(secret, kCipherKeyBytes + kMacKeyBytes) == 1;
  return drawn ? std::move(key) : nullptr;
}

/// Owned by its SSL_CTX, which connections keep alive.
///
/// threads   Any.
class TicketKeys {
 public:
  explicit TicketKeys(std::unique_ptr<TicketKey> first) : newest_(std::move(first)) {}

  int seal(unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    MutexLock lock(mutex_);
    rotate();
    if (RAND_bytes(vector, kVectorBytes) != 1) return kFailed;
    std::copy(newest_->name.begin(), newest_->name.end(), name);
    const bool ready = EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), newest_->cipher(), vector, nullptr) == 1 && key_mac(mac, *newest_);
    return ready ? kAccepted : kFailed;
  }

  int open(const unsigned char* name, const unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    MutexLock lock(mutex_);
    rotate();
    const bool newest = named(*newest_, name);
    const TicketKey* const key = newest ? newest_.get() : previous_ && named(*previous_, name) ? previous_.get() : nullptr;
    if (key == nullptr) return kUnknownKey;
    const bool ready = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher(), vector, nullptr) == 1 && key_mac(mac, *key);
    if (!ready) return kFailed;
    return newest ? kAccepted : kAcceptedRenew;
  }

 private:
  void rotate() REQUIRES(mutex_) {
    const MonotonicMillis age_ms = clock_.monotonic_ms() - since_ms_;
    if (age_ms < kRotationMs) return;
    auto next = make_ticket_key();
    if (!next) return;  // Tried again with the next ticket.
    previous_ = age_ms < 2 * kRotationMs ? std::move(newest_) : nullptr;
    newest_ = std::move(next);
    since_ms_ = clock_.monotonic_ms();
  }

  static bool named(const TicketKey& key, const unsigned char* name) {
    return std::equal(key.name.begin(), key.name.end(), name);
  }

  static bool key_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac()), kMacKeyBytes),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
  }

  const SystemClock clock_;
  Mutex mutex_;
  std::unique_ptr<TicketKey> newest_ GUARDED_BY(mutex_);
  std::unique_ptr<TicketKey> previous_ GUARDED_BY(mutex_);
  MonotonicMillis since_ms_ GUARDED_BY(mutex_) = clock_.monotonic_ms();
};

void free_keys(void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<TicketKeys*>(keys); }

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_keys);
  return index;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  auto* const keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  if (sealing == 1) return keys->seal(name, vector, cipher, mac);
  const int result = keys->open(name, vector, cipher, mac);
  // Its clients use a ticket once: without a new one every second connection would be a full handshake.
  return result == kAccepted && SSL_version(ssl) == TLS1_3_VERSION ? kAcceptedRenew : result;
}

}  // namespace

Result<void> rotate_ticket_keys(SSL_CTX* context) {
  auto first = make_ticket_key();
  if (!first) return Error{Code::kUnavailable, "the system gives no random bytes"};
  auto keys = std::make_unique<TicketKeys>(std::move(first));
  if (SSL_CTX_set_ex_data(context, keys_index(), keys.get()) != 1) return Error{Code::kUnavailable, "TLS: out of memory"};
  static_cast<void>(keys.release());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_timeout(context, kRotationMs / 1000);
  return {};
}

}  // namespace keyhold::http
