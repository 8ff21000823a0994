#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::api {

/// A request of AWS's Query protocol.
struct QueryForm {
  std::string action;
  SecretBytes inputs;  // A JSON object of them: "Tags.member.1.Key=a" becomes {"Tags":[{"Key":"a"}]}.
};

/// Reads `application/x-www-form-urlencoded` text. The parameters of a presigned request (X-Amz-…) are no inputs.
///
/// errors   kInvalid with AWS's code: broken escapes, a name twice or deeper than Query goes, lists with gaps, too many.
/// source   AWS, Query protocol (Smithy awsQuery serialization of lists: NAME.member.N, from 1 on).
Result<QueryForm> parse_query_form(std::string_view text);

}  // namespace keyhold::api
