#include "crypto/ed25519.h"

#include <openssl/err.h>

#include <utility>

#include "crypto/openssl.h"

namespace keyhold::crypto {
namespace {

using openssl::bytes_of;

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

}  // namespace

struct Ed25519Signer::State {
  openssl::Key key;
  std::string public_key;
};

Result<Ed25519Signer> Ed25519Signer::from_seed(const KeyBytes& seed) {
  if (seed.size() != kSeedBytes) return Error{Code::kInvalid, "an Ed25519 seed has 32 bytes"};
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed.reveal()), seed.size()));
  state->public_key.resize(kPublicKeyBytes);
  std::size_t size = kPublicKeyBytes;
  CHECK(state->key != nullptr);
  CHECK(EVP_PKEY_get_raw_public_key(state->key.get(), bytes_of(state->public_key.data()), &size) == 1 &&
        size == kPublicKeyBytes);
  return Ed25519Signer(std::move(state));
}

Ed25519Signer::Ed25519Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ed25519Signer::~Ed25519Signer() = default;
Ed25519Signer::Ed25519Signer(Ed25519Signer&&) noexcept = default;
Ed25519Signer& Ed25519Signer::operator=(Ed25519Signer&&) noexcept = default;

std::string Ed25519Signer::sign(std::string_view message) const {
  const openssl::Hash context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  CHECK(EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, state_->key.get(), nullptr) == 1 &&
        EVP_DigestSign(context.get(), bytes_of(signature.data()), &size, bytes_of(message), message.size()) == 1 &&
        size == signature.size());
  return signature;
}

const std::string& Ed25519Signer::public_key() const { return state_->public_key; }

bool ed25519_verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != kPublicKeyBytes || signature.size() != kSignatureBytes) return false;
  const openssl::Key key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key), public_key.size()));
  const openssl::Hash context(EVP_MD_CTX_new());
  CHECK(key != nullptr && context != nullptr);
  CHECK(EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(), nullptr) == 1);
  const bool valid = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                                      message.size()) == 1;
  ERR_clear_error();  // A refusal must not be taken for TLS's own error by this thread's next SSL_get_error().
  return valid;
}

}  // namespace keyhold::crypto
