#include "core/signature_v4.h"

#include "base/encoding.h"
#include "base/limits.h"

namespace keyhold::core {
namespace {

constexpr std::int64_t kSecondMs = 1'000;
constexpr std::string_view kTerminator = "aws4_request";

/// "20150830/us-east-1/iam/aws4_request".
std::string credential_scope(const SignatureV4& signature) {
  std::string scope(signature.date());
  scope.append("/").append(signature.region).append("/").append(signature.service).append("/").append(kTerminator);
  return scope;
}

/// The scope and whose it is. No part can hold a '/'.
std::string key_scope(const SignatureV4& signature) { return signature.access_key_id + "/" + credential_scope(signature); }

}  // namespace

SigningKey SigningKey::derive(const SecretBytes& secret_access_key, const SignatureV4& signature) {
  SecretBytes prefixed = SecretBytes::copy_of("AWS4");
  prefixed.append(secret_access_key.reveal());
  KeyBytes key = crypto::hmac_sha256_once(prefixed.reveal(), signature.date());
  for (const std::string_view part : {std::string_view(signature.region), std::string_view(signature.service), kTerminator}) {
    key = crypto::hmac_sha256_once(key.reveal(), part);
  }
  return {key, key_scope(signature)};
}

bool SigningKey::serves(const SignatureV4& signature) const { return scope_ == key_scope(signature); }

crypto::Digest SigningKey::sign(const SignatureV4& signature) const {
  std::string text = "AWS4-HMAC-SHA256\n";
  text.append(signature.timestamp).append("\n").append(credential_scope(signature)).append("\n");
  text.append(hex_encode(crypto::as_view(signature.canonical_request_sha256)));
  return hmac_(text);
}

std::optional<SignatureFault> check_signature_v4(const SignatureV4& signature, const SignatureExpectation& expectation) {
  if (signature.service != expectation.service) return SignatureFault::kWrongService;
  if (!expectation.region.empty() && signature.region != expectation.region) return SignatureFault::kWrongRegion;
  const std::int64_t age_ms = expectation.now_ms - signature.time_ms;
  const bool presigned = signature.form == SignatureV4::Form::kPresigned;
  const std::int64_t age_ms_max = presigned ? signature.expires_s * kSecondMs : limits::kAwsClockSkewMs;
  if (age_ms > age_ms_max) return SignatureFault::kRequestExpired;
  if (age_ms < -limits::kAwsClockSkewMs) return SignatureFault::kRequestInFuture;
  return std::nullopt;
}

std::optional<SignatureFault> verify_signature_v4(const SignatureV4& signature, const SigningKey& key,
                                                  const SignatureExpectation& expectation) {
  if (const auto fault = check_signature_v4(signature, expectation)) return fault;
  const bool equal = key.serves(signature) &&
                     crypto::equal_constant_time(crypto::as_view(key.sign(signature)), crypto::as_view(signature.signature));
  return equal ? std::nullopt : std::optional(SignatureFault::kSignatureMismatch);
}

}  // namespace keyhold::core
