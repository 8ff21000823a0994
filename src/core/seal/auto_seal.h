#pragma once

#include <string>
#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"

namespace keyhold::core {

/// What wraps the unseal key when the server unseals itself: a key outside the store. `context` is authenticated with the
/// key, and the same for both calls.
///
/// threads   Any.
class AutoSeal {
 public:
  virtual ~AutoSeal() = default;

  /// As in the configuration: "static", "transit", "pkcs11".
  virtual std::string_view type() const = 0;
  /// errors: kUnavailable: what holds the key does not answer.
  virtual Result<std::string> wrap(const KeyBytes& key, std::string_view context) = 0;
  /// errors: kUnavailable; kCorrupt: tampered, or wrapped by a key that is not known.
  virtual Result<KeyBytes> unwrap(std::string_view wrapped, std::string_view context) = 0;
  /// Whether it was wrapped by an older key and is to be wrapped anew.
  virtual bool outdated(std::string_view wrapped) const = 0;
};

}  // namespace keyhold::core
