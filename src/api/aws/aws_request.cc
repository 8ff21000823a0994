#include "api/aws/aws_request.h"

#include <algorithm>
#include <vector>

#include "api/aws/query_form.h"
#include "base/limits.h"
#include "core/signature_v4.h"
#include "crypto/hmac.h"

namespace keyhold::api {
namespace {

using core::AwsProtocol;

constexpr std::string_view kSecretsManagerTarget = "secretsmanager.";
constexpr std::string_view kSts = "sts";
constexpr std::size_t kOperationBytesMax = 64;

Error unknown_operation() { return {Code::kUnsupported, "There is no such operation.", "UnknownOperationException"}; }

/// Which of them is meant would be anybody's guess.
Error two_forms() { return {Code::kInvalid, "There is a form in the address and one in the body.", "MalformedQueryString"}; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kOperationBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

struct Target {
  std::string_view path;
  std::string_view query;
};

Target split_target(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  return {target.substr(0, question), target.substr(std::min(question + 1, target.size()))};
}

/// What was signed. Of a credential that cannot be read the Gate says so, as it does of one that is not valid.
std::unique_ptr<core::SignedCredential> credential_of(const http::Request& request, AwsProtocol protocol) {
  const Target target = split_target(request.target);
  std::vector<core::SignedRequest::Header> headers;
  headers.reserve(request.headers.size());
  for (const http::HeaderField& header : request.headers) headers.push_back({header.name, header.value});
  core::SignedRequest signed_request;
  signed_request.method = request.method;
  signed_request.path = target.path;
  signed_request.query = target.query;
  signed_request.headers = headers;
  signed_request.body_sha256 = crypto::sha256(request.body.reveal());
  auto credential = std::make_unique<core::SignedCredential>();
  credential->protocol = protocol;
  credential->fault = core::parse_signature_v4(signed_request, credential->signature);
  return credential;
}

/// The address of a presigned request holds its signature, and nothing of what is asked: that is in the signed body.
Result<void> check_no_inputs(std::string_view query) {
  TRY_ASSIGN(const QueryForm form, parse_query_form(query));
  if (!query.empty() && form.action.empty() && form.inputs.reveal() == "{}") return {};
  return Error{Code::kInvalid, "Parameters of this operation belong in the body, as JSON.", "MalformedQueryString"};
}

/// "secretsmanager/GetSecretValue".
Result<std::string> json_operation(const http::Request& request) {
  const std::string_view name = request.header("x-amz-target").value_or("");
  if (!name.starts_with(kSecretsManagerTarget) || !is_name(name.substr(kSecretsManagerTarget.size()))) return unknown_operation();
  const Target target = split_target(request.target);
  if (request.method != "POST" || target.path != "/") return unknown_operation();
  if (request.target != "/") TRY(check_no_inputs(target.query));
  return "secretsmanager/" + std::string(name.substr(kSecretsManagerTarget.size()));
}

}  // namespace

AwsProtocol aws_protocol_of(const http::Request& request) {
  return request.header("x-amz-target") ? AwsProtocol::kJson : AwsProtocol::kQuery;
}

Result<AwsRequest> parse_aws_request(http::Request& http_request) {
  AwsRequest parsed;
  parsed.protocol = aws_protocol_of(http_request);
  core::Request& request = parsed.request;
  request.api = core::Api::kAws;
  request.operation = core::Operation::kCall;
  request.credential.signed_by = credential_of(http_request, parsed.protocol);
  request.region = request.credential.signed_by->signature.region;
  if (parsed.protocol == AwsProtocol::kJson) {
    TRY_ASSIGN(request.path, json_operation(http_request));
    request.body = std::move(http_request.body);
  } else {
    if (http_request.method != "POST" && http_request.method != "GET") return unknown_operation();
    const std::string_view query = split_target(http_request.target).query;
    if (!query.empty() && !http_request.body.empty()) return two_forms();
    TRY_ASSIGN(QueryForm form, parse_query_form(query.empty() ? http_request.body.reveal() : query));
    if (!is_name(form.action)) return unknown_operation();
    parsed.action = form.action;
    request.path = std::string(kSts) + "/" + form.action;
    request.body = std::move(form.inputs);
  }
  request.peer_address = std::move(http_request.peer_address);
  request.peer_port = http_request.peer_port;
  request.secure = http_request.tls;
  return parsed;
}

}  // namespace keyhold::api
