#pragma once

#include <string>

#include "core/request.h"
#include "core/signature_fault.h"
#include "http/server.h"

namespace keyhold::api {

struct AwsRequest {
  core::AwsProtocol protocol = core::AwsProtocol::kJson;
  std::string action;  // Of Query: the name in the answer's elements.
  core::Request request;
};

/// Splits a request for which AwsApi::speaks(), and hashes what was signed. Whose signature it is, the Gate finds out.
/// errors: kInvalid with AWS's code, of what cannot be read.
Result<AwsRequest> parse_aws_request(http::Request& http_request);
core::AwsProtocol aws_protocol_of(const http::Request& request);

}  // namespace keyhold::api
