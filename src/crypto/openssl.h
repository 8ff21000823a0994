#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

/// What the sources of this folder share of OpenSSL; included by nothing else.
namespace keyhold::crypto::openssl {

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    free(pointer);
  }
};

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;
using Hash = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;

/// Fetched once for the process and never freed: a fetch costs more than the work it is for.
struct Algorithms {
  EVP_MD* sha256;
  EVP_MAC* hmac;
  EVP_KDF* hkdf;
  EVP_CIPHER* aes_256_ecb;
  EVP_CIPHER* aes_256_gcm;
};
const Algorithms& algorithms();

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* bytes_of(char* text) { return reinterpret_cast<unsigned char*>(text); }

}  // namespace keyhold::crypto::openssl
