#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bounded_calls.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::crypto {

/// AES keys in one token of a hardware security module, reached through its PKCS#11 library. The keys do not leave it.
///
/// Each call has a session of its own, logged in for that long, so nothing has to be mended when the module was away; after an error the library
/// is begun anew, and finds tokens that came later. A PIN that the token refused is not given again: of a few wrong ones it locks itself.
/// The library runs in this process: it is trusted as this program is.
///
/// errors    Of every call: kUnavailable, for operators: the library, the token, the PIN or the key is not to be had; the text says what to do.
/// threads   Any; one call at a time. A library that does not return is waited for until `timeout_ms`.
/// source    PKCS #11 2.40.
class Pkcs11Token {
 public:
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  static constexpr std::size_t kNameBytesMax = 255;  // Of a label and of an id.

  struct Settings {
    std::string library_path{};
    std::optional<std::uint64_t> slot{};  // It or the label, or both, say which token.
    std::string token_label{};
    SecretBytes pin{};  // Of the user.
    std::int64_t timeout_ms = 30'000;  // Of one call.
    std::function<bool()> stopping{};  // Asked every now and then; true gives up waiting.
  };
  explicit Pkcs11Token(Settings settings);
  ~Pkcs11Token();
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  /// Of a key; what is empty is not asked for.
  struct KeyName {
    std::string label{};  // CKA_LABEL
    std::string id{};     // CKA_ID
    bool operator==(const KeyName&) const = default;
  };
  enum class WhenMissing : std::uint8_t { kFail, kGenerate };

  /// The whole name of the one AES key that fits. With kGenerate one of 256 bits is made when there is none, which cannot be exported.
  Result<KeyName> find(const KeyName& wanted, WhenMissing when_missing);

  struct Encrypted {
    std::string nonce;       // kNonceBytes; another than was given when the module makes its own.
    std::string ciphertext;  // With the tag behind it.
  };
  /// AES-GCM. `plaintext` is small.
  Result<Encrypted> encrypt(const KeyName& key, std::string_view nonce, std::string_view associated, SecretBytes plaintext);
  /// errors: as well kCorrupt: it does not open under this key.
  Result<SecretBytes> decrypt(const KeyName& key, const Encrypted& encrypted, std::string_view associated);

 private:
  class Library;

  template <typename T>
  Result<T> run(std::function<Result<T>(Library&)> work);

  BoundedCalls calls_;
  std::shared_ptr<Library> library_;
};

}  // namespace keyhold::crypto
