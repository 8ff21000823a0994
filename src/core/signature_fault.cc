#include "core/signature_fault.h"

#include <array>

namespace keyhold::core {
namespace {

/// Faults that clients need not tell apart share a code.
struct FaultAnswer {
  std::string_view json_code;
  std::string_view query_code;
  int query_status;
};

constexpr FaultAnswer kMissingToken{"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403};
constexpr FaultAnswer kIncompleteSignature{"IncompleteSignatureException", "IncompleteSignature", 400};
constexpr FaultAnswer kInvalidSignature{"InvalidSignatureException", "SignatureDoesNotMatch", 403};
constexpr FaultAnswer kExpiredRequest{"RequestExpired", "RequestExpired", 400};
constexpr FaultAnswer kUnknownClient{"UnrecognizedClientException", "InvalidClientTokenId", 403};
constexpr FaultAnswer kExpiredClient{"ExpiredTokenException", "ExpiredToken", 403};
constexpr std::array kFaultAnswers{&kMissingToken, &kIncompleteSignature, &kInvalidSignature, &kExpiredRequest, &kUnknownClient, &kExpiredClient};

const FaultAnswer& answer_to(SignatureFault fault) {
  switch (fault) {
    case SignatureFault::kMissing: return kMissingToken;
    case SignatureFault::kAmbiguous:
    case SignatureFault::kIncomplete:
    case SignatureFault::kUnsupportedAlgorithm: return kIncompleteSignature;
    case SignatureFault::kMalformedRequest:
    case SignatureFault::kWrongTerminator:
    case SignatureFault::kWrongScopeDate:
    case SignatureFault::kUnsignedHeader:
    case SignatureFault::kAbsentHeader:
    case SignatureFault::kWrongBodyHash:
    case SignatureFault::kWrongService:
    case SignatureFault::kWrongRegion:
    case SignatureFault::kRequestInFuture:
    case SignatureFault::kSignatureMismatch: return kInvalidSignature;
    case SignatureFault::kRequestExpired: return kExpiredRequest;
    case SignatureFault::kUnrecognizedClient: return kUnknownClient;
    case SignatureFault::kExpiredToken: return kExpiredClient;
  }
  return kInvalidSignature;
}

}  // namespace

std::string_view aws_code_of(SignatureFault fault, AwsProtocol protocol) {
  const FaultAnswer& answer = answer_to(fault);
  return protocol == AwsProtocol::kJson ? answer.json_code : answer.query_code;
}

std::optional<int> aws_status_of(std::string_view code, AwsProtocol protocol) {
  const bool json = protocol == AwsProtocol::kJson;
  for (const FaultAnswer* answer : kFaultAnswers) {
    if (code == (json ? answer->json_code : answer->query_code)) return json ? 400 : answer->query_status;
  }
  return std::nullopt;
}

std::string_view aws_text_of(SignatureFault fault) {
  switch (fault) {
    case SignatureFault::kMissing: return "Missing Authentication Token";
    case SignatureFault::kAmbiguous:
      return "The request is authenticated twice: by header and query, or by a header or parameter that may come only once.";
    case SignatureFault::kIncomplete:
      return "The request's authentication is missing a part, or a part is not of its form: Credential, SignedHeaders and "
             "Signature of the Authorization header with X-Amz-Date, or X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, "
             "X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature of the query.";
    case SignatureFault::kUnsupportedAlgorithm: return "The signature's algorithm is not AWS4-HMAC-SHA256.";
    case SignatureFault::kMalformedRequest: return "The request's path, query or headers are not of a form that can be signed.";
    case SignatureFault::kWrongTerminator: return "Credential should be scoped with a valid terminator: 'aws4_request'.";
    case SignatureFault::kWrongScopeDate: return "The date in the credential scope is not that of X-Amz-Date.";
    case SignatureFault::kUnsignedHeader: return "'Host' and every 'X-Amz-' header of the request must be in SignedHeaders.";
    case SignatureFault::kAbsentHeader: return "SignedHeaders names a header that the request does not have.";
    case SignatureFault::kWrongBodyHash:
      return "X-Amz-Content-Sha256 is not the SHA-256 of the request's body. Unsigned and chunked bodies are not accepted.";
    case SignatureFault::kWrongService: return "Credential should be scoped to the service that the request is for.";
    case SignatureFault::kWrongRegion: return "Credential should be scoped to the region that the request is for.";
    case SignatureFault::kRequestExpired:
      return "Signature expired: the request's date is more than 5 minutes before the server's clock, or X-Amz-Expires has passed.";
    case SignatureFault::kRequestInFuture:
      return "Signature not yet current: the request's date is more than 5 minutes after the server's clock.";
    case SignatureFault::kSignatureMismatch:
      return "The request signature we calculated does not match the signature you provided. Check your secret access key and "
             "signing method.";
    case SignatureFault::kUnrecognizedClient: return "The security token included in the request is invalid.";
    case SignatureFault::kExpiredToken: return "The security token included in the request is expired.";
  }
  return {};
}

}  // namespace keyhold::core
