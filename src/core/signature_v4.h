#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret_bytes.h"
#include "core/signature_fault.h"
#include "crypto/hmac.h"

/// AWS Signature Version 4: who signed a request, and whether they did. No store and no clock: the caller looks up the key.
///
///   parse_signature_v4     reads the claim and hashes the request, before anything is known of the key
///   check_signature_v4     is it for us, and now? Before the look-up, so that nothing else can make one happen
///   SigningKey::derive     from the secret access key that the caller found; worth keeping, see there
///   verify_signature_v4    check_signature_v4 again, then the signature itself
///
/// Stricter than AWS: a query with '+', duplicate or unsigned x-amz- headers, a clock that only the Date header tells,
/// UNSIGNED-PAYLOAD and a presigned request with x-amz-date or x-amz-security-token among its headers are refused.
///
/// source   AWS, "AWS Signature Version 4 for API requests".
namespace keyhold::core {

/// What was signed, as received. The path is not decoded and may hold what its canonical form does not, such as "/a/../b", under the
/// signature of "/b": serve by this very path, and refuse what is not canonical.
struct SignedRequest {
  struct Header {
    std::string_view name;  // Any case.
    std::string_view value;
  };
  std::string_view method;
  std::string_view path;   // From its '/' up to the '?'.
  std::string_view query;  // After the '?'.
  std::span<const Header> headers;
  crypto::Digest body_sha256{};
};

/// What a request claims, and its hash: all that is needed to verify it when the request itself is gone. Bounded by base/limits.h.
struct SignatureV4 {
  enum class Form : std::uint8_t { kHeader, kPresigned };
  Form form = Form::kHeader;
  std::string access_key_id;  // Letters, digits, '_' and '-'. Names whom to look up, proves nothing.
  std::string timestamp;      // "20150830T123600Z": X-Amz-Date.
  UnixMillis time_ms = 0;     // The same.
  std::int64_t expires_s = 0;  // kPresigned: for how long from then.
  std::string region;
  std::string service;
  /// x-amz-security-token, signed with the rest; empty = none. The caller compares it with the one that was issued with the key.
  SecretBytes session_token;
  crypto::Digest signature{};
  crypto::Digest canonical_request_sha256{};

  std::string_view date() const { return std::string_view(timestamp).substr(0, 8); }
};

/// Reads the Authorization header, or the X-Amz- parameters of a presigned request, and hashes the canonical request.
///
/// parsed    Set when nothing is returned; otherwise half filled.
/// returns   kMissing to kWrongBodyHash, or nullopt.
/// threads   Any.
[[nodiscard]] std::optional<SignatureFault> parse_signature_v4(const SignedRequest& request, SignatureV4& parsed);

/// The key of one access key, day, region and service, derived by four HMACs. Takes some KiB, none of the locked arena: who keeps
/// them should keep few, and only after they have verified a request, as anyone may name any scope.
///
/// threads   Any.
class SigningKey {
 public:
  static SigningKey derive(const SecretBytes& secret_access_key, const SignatureV4& signature);

  /// Whether it is the key for this one; the secret access key must still be the same, too, which the caller sees to.
  bool serves(const SignatureV4& signature) const;
  crypto::Digest sign(const SignatureV4& signature) const;

 private:
  SigningKey(const KeyBytes& key, std::string scope) : hmac_(key), scope_(std::move(scope)) {}

  crypto::HmacSha256 hmac_;
  std::string scope_;
};

struct SignatureExpectation {
  std::string_view service;
  std::string_view region{};  // Empty = any.
  UnixMillis now_ms = 0;
};

/// Whether a claim is for this service and region, and its time has come and not gone: 5 minutes either way from its date; of a
/// presigned one from 5 minutes before its date until X-Amz-Expires after it.
///
/// returns   kWrongService, kWrongRegion, kRequestExpired, kRequestInFuture, or nullopt.
[[nodiscard]] std::optional<SignatureFault> check_signature_v4(const SignatureV4& signature, const SignatureExpectation& expectation);

/// Whether the request was signed with this key, is for this service and region, and is in time.
///
/// returns   As check_signature_v4(); kSignatureMismatch, also when the key does not serve it; or nullopt.
/// threads   Any. Takes the same time wherever the signatures differ.
[[nodiscard]] std::optional<SignatureFault> verify_signature_v4(const SignatureV4& signature, const SigningKey& key,
                                                                const SignatureExpectation& expectation);

}  // namespace keyhold::core
