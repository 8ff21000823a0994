#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/secret_bytes.h"
#include "core/signature_fault.h"
#include "core/signature_v4.h"

/// The one form of a request that both sides hash: the parts of AWS's "canonical request". Session tokens stand in headers
/// and queries, so that all of it is built in SecretBytes.
///
/// source   AWS, "Create a signed AWS API request".
namespace keyhold::core::signature_v4 {

/// Equal but for the case of ASCII letters; `lower` has none in upper case.
bool equal_lowered(std::string_view text, std::string_view lower);

/// Appends `path`, which starts with '/', without empty, "." and ".." segments, and every byte but '/' percent-encoded: of a path
/// that is encoded as received this is the second time, as every service but S3 has it. Segments are compared as received,
/// so "%2e%2e" is a name.
void append_path(SecretBytes& out, std::string_view path);

/// A query string with its names and values percent-encoded in one way (all but A-Z a-z 0-9 - . _ ~, digits in upper case), in
/// the order of encoded names, then values.
class Query {
 public:
  struct Parameter {
    std::string_view name;   // Encoded.
    std::string_view value;  // Encoded; empty also when there was no '='.
  };

  /// nullopt: '%' without two hexadecimal digits, a parameter without a name, more than limits::kQueryParametersMax of them, or
  /// '+', which some readers take for a space: what is signed must have one meaning.
  static std::optional<Query> parse(std::string_view raw);

  /// Sorted.
  std::span<const Parameter> parameters() const { return parameters_; }
  /// Appends "name=value&…" of all but the parameters of one name.
  void append_without(std::string_view name, SecretBytes& out) const;

 private:
  SecretBytes text_;  // Behind the views; not changed once they are made.
  std::vector<Parameter> parameters_;
};

/// Appends the bytes that `encoded`, taken from a Query, stands for.
void append_decoded(SecretBytes& out, std::string_view encoded);

/// Appends "name:value\n" for every name of `list` ("host;x-amz-date"), then "\n" and the list. The values of headers of one name
/// are joined by commas in their order; spaces around a value go, and a run of spaces and tabs becomes one space.
///
/// Every header of the request that begins with "x-amz-" must be in the list, as it may decide what is done; but for
/// x-amz-user-agent, which decides nothing and which some SDKs leave out, and x-amz-cf-id, which CloudFront adds on the way.
///
/// errors   kIncomplete: the list is not of lower-case names in strictly rising order; kUnsignedHeader: host or a header as said above
///          is not in it; kAbsentHeader; kMalformedRequest: a value has control characters.
std::optional<SignatureFault> append_headers(SecretBytes& out, std::string_view list, std::span<const SignedRequest::Header> headers);

}  // namespace keyhold::core::signature_v4
