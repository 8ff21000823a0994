#include "crypto/xaes256gcm.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "crypto/openssl.h"
#include "crypto/thread_slots.h"

namespace keyhold::crypto {
namespace {

using openssl::algorithms;
using openssl::bytes_of;

constexpr std::size_t kBlockBytes = 16;
constexpr std::size_t kGcmNonceBytes = 12;
constexpr std::size_t kBytesMax = std::numeric_limits<int>::max() - kBlockBytes;  // OpenSSL counts in int.

/// One thread's contexts: the block cipher under the main key, and GCM, which takes a new key with every message.
struct Contexts {
  openssl::Cipher block{EVP_CIPHER_CTX_new()};
  openssl::Cipher gcm{EVP_CIPHER_CTX_new()};

  explicit Contexts(const KeyBytes& key) {
    CHECK(EVP_EncryptInit_ex2(block.get(), algorithms().aes_256_ecb, bytes_of(key.reveal()), nullptr, nullptr) == 1 &&
          EVP_CIPHER_CTX_set_padding(block.get(), 0) == 1 &&
          EVP_EncryptInit_ex2(gcm.get(), algorithms().aes_256_gcm, nullptr, nullptr, nullptr) == 1);
  }

  /// Whole blocks, in place.
  void encrypt_blocks(unsigned char* data, std::size_t size) const {
    int written = 0;
    CHECK(EVP_EncryptUpdate(block.get(), data, &written, data, static_cast<int>(size)) == 1 &&
          written == static_cast<int>(size));
  }
};

/// An array that ends as zeros.
template <std::size_t size>
struct Wiped : std::array<unsigned char, size> {
  Wiped() : std::array<unsigned char, size>{} {}
  ~Wiped() { OPENSSL_cleanse(this->data(), size); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
};

enum class Direction : int { kOpen = 0, kSeal = 1 };

}  // namespace

struct Xaes256Gcm::State {
  KeyBytes key;
  KeyBytes k1{kBlockBytes};  // CMAC's first subkey (NIST SP 800-38B §6.1).
  ThreadSlots<Contexts> contexts;

  template <typename Work>
  auto with_contexts(Work&& work) {
    return contexts.with([this] { return Contexts(key); }, work);
  }

  void derive_k1() {
    const std::span<char> out = k1.writable();  // Zero so far.
    with_contexts([&](const Contexts& own) {
      own.encrypt_blocks(bytes_of(out.data()), kBlockBytes);
      return 0;
    });
    unsigned carry = 0;
    for (std::size_t i = kBlockBytes; i-- > 0;) {
      const unsigned doubled = static_cast<unsigned char>(out[i]) << 1 | carry;
      out[i] = static_cast<char>(doubled);
      carry = doubled >> 8;
    }
    out[kBlockBytes - 1] = static_cast<char>(out[kBlockBytes - 1] ^ (0x87 & (0u - carry)));
  }

  /// Keys GCM for one message: the key is CMAC(0x0001 ‖ "X" ‖ 0x00 ‖ nonce[:12]) ‖ the same with 0x0002, the nonce what
  /// is left. Each CMAC is of one whole block, so one encryption of it XOR k1.
  void begin(const Contexts& own, Direction direction, std::string_view nonce) const {
    Wiped<kKeyBytes> derived;
    for (std::size_t half = 0; half < 2; ++half) {
      unsigned char* const block = derived.data() + half * kBlockBytes;
      block[1] = static_cast<unsigned char>(half + 1);
      block[2] = 'X';
      std::copy_n(bytes_of(nonce), kGcmNonceBytes, block + 4);
      for (std::size_t i = 0; i < kBlockBytes; ++i) block[i] ^= bytes_of(k1.reveal())[i];
    }
    own.encrypt_blocks(derived.data(), derived.size());
    CHECK(EVP_CipherInit_ex2(own.gcm.get(), nullptr, derived.data(), bytes_of(nonce.substr(kGcmNonceBytes)),
                             static_cast<int>(direction), nullptr) == 1);
  }

  /// Feeds associated data (`out` = nullptr) or text.
  static void update(const Contexts& own, std::string_view in, unsigned char* out) {
    int written = 0;
    if (in.empty()) return;
    CHECK(EVP_CipherUpdate(own.gcm.get(), out, &written, bytes_of(in), static_cast<int>(in.size())) == 1 &&
          written == static_cast<int>(in.size()));
  }
};

Xaes256Gcm::Xaes256Gcm(const KeyBytes& key) : state_(std::make_unique<State>()) {
  CHECK(key.size() == kKeyBytes);
  state_->key = key.clone();
  state_->derive_k1();
}

Xaes256Gcm::~Xaes256Gcm() = default;
Xaes256Gcm::Xaes256Gcm(Xaes256Gcm&&) noexcept = default;
Xaes256Gcm& Xaes256Gcm::operator=(Xaes256Gcm&&) noexcept = default;

void Xaes256Gcm::seal(std::string_view nonce, std::string_view associated, std::string_view plaintext,
                      std::string& out) const {
  CHECK(nonce.size() == kNonceBytes && associated.size() <= kBytesMax && plaintext.size() <= kBytesMax);
  const std::size_t before = out.size();
  out.resize(before + plaintext.size() + kTagBytes);
  unsigned char* const text = bytes_of(out.data()) + before;
  unsigned char* const tag = text + plaintext.size();
  state_->with_contexts([&](const Contexts& own) {
    state_->begin(own, Direction::kSeal, nonce);
    State::update(own, associated, nullptr);
    State::update(own, plaintext, text);
    int written = 0;
    CHECK(EVP_CipherFinal_ex(own.gcm.get(), tag, &written) == 1 && written == 0 &&
          EVP_CIPHER_CTX_ctrl(own.gcm.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1);
    return 0;
  });
}

Result<SecretBytes> Xaes256Gcm::open(std::string_view nonce, std::string_view associated,
                                     std::string_view ciphertext_and_tag) const {
  CHECK(nonce.size() == kNonceBytes && associated.size() <= kBytesMax);
  const Error corrupt{Code::kCorrupt, "authentication failed"};
  if (ciphertext_and_tag.size() < kTagBytes || ciphertext_and_tag.size() > kBytesMax) return corrupt;
  const std::string_view ciphertext = ciphertext_and_tag.substr(0, ciphertext_and_tag.size() - kTagBytes);
  Wiped<kTagBytes> tag;
  std::copy_n(bytes_of(ciphertext_and_tag) + ciphertext.size(), kTagBytes, tag.data());

  SecretBytes plaintext = SecretBytes::zeroed(ciphertext.size());
  const bool authentic = state_->with_contexts([&](const Contexts& own) {
    state_->begin(own, Direction::kOpen, nonce);
    State::update(own, associated, nullptr);
    State::update(own, ciphertext, bytes_of(plaintext.writable().data()));
    unsigned char unused[kBlockBytes];
    int written = 0;
    return EVP_CIPHER_CTX_ctrl(own.gcm.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
           EVP_CipherFinal_ex(own.gcm.get(), unused, &written) == 1;
  });
  if (authentic) return plaintext;
  ERR_clear_error();  // What is left in the queue would be taken for TLS's own by this thread's next SSL_get_error().
  return corrupt;
}

}  // namespace keyhold::crypto
