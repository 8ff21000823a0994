#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace keyhold::core {

/// Why an AWS request is not taken as signed by who it says.
enum class SignatureFault : std::uint8_t {
  kMissing,               // Neither an Authorization header nor X-Amz-Signature and the like in the query.
  kAmbiguous,             // Header and query both authenticate, or a header or parameter that decides comes twice.
  kIncomplete,            // A part is missing, too long or not of its form.
  kUnsupportedAlgorithm,  // Another than AWS4-HMAC-SHA256.
  kMalformedRequest,      // Path, query or headers have no canonical form, or are over a bound.
  kWrongTerminator,       // The credential scope does not end with aws4_request.
  kWrongScopeDate,        // The scope's day is not that of the request's date.
  kUnsignedHeader,        // Host, or an x-amz- header that came, is not in SignedHeaders.
  kAbsentHeader,          // SignedHeaders names one that did not come.
  kWrongBodyHash,         // x-amz-content-sha256 is not the body's, or asks for an unsigned or chunked one.
  kWrongService,          // The scope is another service's.
  kWrongRegion,           // The scope is another region's.
  kRequestExpired,        // Too old.
  kRequestInFuture,       // Its date is too far ahead.
  kSignatureMismatch,     // Changed on the way, or signed with another key.
  // For who looks up the key; nothing in signature_v4.h answers these.
  kUnrecognizedClient,  // No such access key, or the session token is not its.
  kExpiredToken,        // The temporary credentials have ended.
};

/// The two ways in which AWS's services tell of errors.
enum class AwsProtocol : std::uint8_t {
  kJson,   // application/x-amz-json: Secrets Manager, KMS.
  kQuery,  // Query with XML: STS.
};

/// The error code on the wire, which SDKs turn into their exceptions.
/// source   AWS, "Common errors" of each API's reference.
std::string_view aws_code_of(SignatureFault fault, AwsProtocol protocol);

/// The HTTP status that goes with a fault's code: 400 or 403. nullopt: no fault has this code.
std::optional<int> aws_status_of(std::string_view code, AwsProtocol protocol);

/// A sentence for the client. A fixed text, with nothing of the request in it.
std::string_view aws_text_of(SignatureFault fault);

}  // namespace keyhold::core
