#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/key_bytes.h"
#include "crypto/hmac.h"

namespace keyhold::core::audit {

/// Replaces values by their HMAC, so that a journal shows who used which value without holding it: whoever has the
/// value and the server's help can look for it.
///
/// threads   Any.
class Redactor {
 public:
  // More of one value would let a client choose how much a request costs and how long its record is.
  static constexpr std::size_t kDepthMax = 8;
  static constexpr std::size_t kValuesMax = 256;
  static constexpr std::size_t kBytesMax = 64 * 1024;

  /// `key` = Barrier::derive("audit-hmac").
  explicit Redactor(const KeyBytes& key) : hmac_(key) {}

  /// "hmac-sha256:" and 64 hexadecimal digits.
  std::string hash(std::string_view value) const;

  /// Appends `value` as JSON with object keys in clear and every string, number and boolean replaced by the hash of its
  /// characters (a string's after escapes are resolved, a number's as written). null stays. A part deeper than
  /// kDepthMax becomes one hash of its text; so does the whole, if it has over kValuesMax values or would take over kBytesMax.
  void append_redacted(std::string& out, json::Value value) const;

 private:
  struct Budget;
  void append_hash(std::string& out, std::string_view value) const;
  bool append_within(std::string& out, const json::Value& value, std::size_t depth, Budget& budget) const;

  crypto::HmacSha256 hmac_;
};

}  // namespace keyhold::core::audit
