#include "api/aws/aws_api.h"

#include "api/aws/aws_request.h"
#include "api/aws/aws_response.h"

namespace keyhold::api {
namespace {

constexpr std::string_view kForm = "application/x-www-form-urlencoded";

bool names_action(std::string_view query) { return query.starts_with("Action=") || query.find("&Action=") != std::string_view::npos; }

}  // namespace

bool AwsApi::speaks(const http::Request& request) {
  if (request.header("x-amz-target")) return true;
  if (request.method == "POST" && request.target == "/") return request.header("content-type").value_or("").starts_with(kForm);
  // An address with an Action is a form as well: that is how requests are presigned, by either method.
  return (request.method == "GET" || request.method == "POST") && request.target.starts_with("/?") && names_action(request.target.substr(2));
}

void AwsApi::on_request(http::Worker& worker, http::Request http_request, std::unique_ptr<http::Exchange> exchange) {
  auto parsed = parse_aws_request(http_request);
  if (!parsed.ok()) {
    exchange->respond(render_aws_error(parsed.error(), aws_protocol_of(http_request)));
    return;
  }
  auto respond = [exchange = std::move(exchange), protocol = parsed->protocol, action = std::move(parsed->action)](core::Answer answer) {
    exchange->respond(render_aws_answer(answer, protocol, action));
  };
  gate_.handle(lanes_.of(worker), std::move(parsed->request), std::move(respond));
}

}  // namespace keyhold::api
