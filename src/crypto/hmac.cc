#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <utility>

#include "base/result.h"
#include "crypto/openssl.h"
#include "crypto/thread_slots.h"

namespace keyhold::crypto {
namespace {

using openssl::algorithms;
using openssl::bytes_of;

OSSL_PARAM sha256_parameter() {
  static char name[] = "SHA256";
  return OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
}

}  // namespace

Digest sha256(std::string_view first, std::string_view second) {
  thread_local const openssl::Hash context(EVP_MD_CTX_new());
  Digest digest;
  CHECK(EVP_DigestInit_ex2(context.get(), algorithms().sha256, nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), first.data(), first.size()) == 1 &&
        EVP_DigestUpdate(context.get(), second.data(), second.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

struct HmacSha256::State {
  openssl::Mac keyed;
  ThreadSlots<openssl::Mac> copies;
};

HmacSha256::HmacSha256(const KeyBytes& key) : state_(std::make_unique<State>()) {
  CHECK(!key.empty());
  state_->keyed.reset(EVP_MAC_CTX_new(algorithms().hmac));
  const OSSL_PARAM parameters[] = {sha256_parameter(), OSSL_PARAM_construct_end()};
  CHECK(EVP_MAC_init(state_->keyed.get(), bytes_of(key.reveal()), key.size(), parameters) == 1);
}

HmacSha256::~HmacSha256() = default;
HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256& HmacSha256::operator=(HmacSha256&&) noexcept = default;

Digest HmacSha256::operator()(std::string_view message) const {
  return state_->copies.with(
      [&] { return openssl::Mac(EVP_MAC_CTX_dup(state_->keyed.get())); },
      [&](const openssl::Mac& context) {
        Digest digest;
        std::size_t size = 0;
        CHECK(EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1 &&
              EVP_MAC_update(context.get(), bytes_of(message), message.size()) == 1 &&
              EVP_MAC_final(context.get(), digest.data(), &size, digest.size()) == 1 && size == digest.size());
        return digest;
      });
}

KeyBytes hmac_sha256_once(std::string_view key, std::string_view message) {
  CHECK(!key.empty());
  const openssl::Mac context(EVP_MAC_CTX_new(algorithms().hmac));  // Freed, it is wiped.
  const OSSL_PARAM parameters[] = {sha256_parameter(), OSSL_PARAM_construct_end()};
  KeyBytes mac(std::tuple_size_v<Digest>);
  std::size_t size = 0;
  CHECK(EVP_MAC_init(context.get(), bytes_of(key), key.size(), parameters) == 1 &&
        EVP_MAC_update(context.get(), bytes_of(message), message.size()) == 1 &&
        EVP_MAC_final(context.get(), bytes_of(mac.writable().data()), &size, mac.size()) == 1 && size == mac.size());
  return mac;
}

KeyBytes hkdf_sha256(const KeyBytes& secret, std::string_view info, std::size_t size) {
  // OSSL_PARAM has no const form; these are only read.
  const auto octets = [](const char* name, std::string_view bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
  };
  CHECK(!secret.empty());
  const OSSL_PARAM parameters[] = {
      sha256_parameter(),
      octets(OSSL_KDF_PARAM_KEY, secret.reveal()),
      info.empty() ? OSSL_PARAM_construct_end() : octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end(),
  };
  KeyBytes derived(size);
  const openssl::Kdf context(EVP_KDF_CTX_new(algorithms().hkdf));
  CHECK(EVP_KDF_derive(context.get(), bytes_of(derived.writable().data()), size, parameters) == 1);
  return derived;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace keyhold::crypto
