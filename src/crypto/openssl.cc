#include "crypto/openssl.h"

#include "base/result.h"

namespace keyhold::crypto::openssl {

const Algorithms& algorithms() {
  static const Algorithms fetched = [] {
    const Algorithms all{
        .sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr),
        .hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr),
        .hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr),
        .aes_256_ecb = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr),
        .aes_256_gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
    };
    CHECK(all.sha256 && all.hmac && all.hkdf && all.aes_256_ecb && all.aes_256_gcm);
    return all;
  }();
  return fetched;
}

}  // namespace keyhold::crypto::openssl
