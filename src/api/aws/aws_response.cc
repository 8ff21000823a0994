#include "api/aws/aws_response.h"

#include "base/json.h"

namespace keyhold::api {
namespace {

using core::AwsProtocol;

constexpr std::string_view kHeaders = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
constexpr std::string_view kJsonType = "application/x-amz-json-1.1";
constexpr std::string_view kXmlType = "text/xml";
constexpr std::string_view kStsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

struct WireError {
  int status;
  std::string_view code;
};

/// An error that has no name of AWS's. source: AWS, common errors.
WireError wire_error(Code code, AwsProtocol protocol) {
  const bool json = protocol == AwsProtocol::kJson;
  switch (code) {
    case Code::kInvalid: return {400, json ? "SerializationException" : "MalformedInput"};
    case Code::kDenied: return {json ? 400 : 403, json ? "AccessDeniedException" : "AccessDenied"};
    case Code::kNotFound: return {400, json ? "ResourceNotFoundException" : "NoSuchEntity"};
    case Code::kUnsupported: return {400, json ? "UnknownOperationException" : "InvalidAction"};
    case Code::kTooLarge: return {400, json ? "InvalidRequestException" : "MalformedInput"};
    case Code::kMediaType: return {400, "SerializationException"};
    case Code::kLimited: return {400, json ? "ThrottlingException" : "Throttling"};
    case Code::kSealed:
    case Code::kUnavailable: return {503, json ? "ServiceUnavailableException" : "ServiceUnavailable"};
    case Code::kConflict:
    case Code::kMiss:
    case Code::kUnknown:
    case Code::kCorrupt:
    case Code::kInternal: return {500, json ? "InternalServiceError" : "InternalFailure"};
  }
  return {500, "InternalFailure"};
}

http::Response response_of(int status, AwsProtocol protocol, std::string_view request_id) {
  http::Response response;
  response.status = status;
  response.content_type = protocol == AwsProtocol::kJson ? kJsonType : kXmlType;
  response.headers = kHeaders;
  if (!request_id.empty()) response.headers.append("x-amzn-RequestId: ").append(request_id).append("\r\n");
  return response;
}

void append_xml_text(SecretBytes& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out.append("&amp;"); break;
      case '<': out.append("&lt;"); break;
      case '>': out.append("&gt;"); break;
      case '"': out.append("&quot;"); break;
      case '\r': out.append("&#xD;"); break;
      default: out.push_back(c);
    }
  }
}

void append_tag(SecretBytes& out, std::string_view bracket, std::string_view name, std::string_view suffix = {}) {
  out.append(bracket);
  out.append(name);
  out.append(suffix);
  out.push_back('>');
}

void append_element(SecretBytes& out, std::string_view name, json::Value value);

/// A JSON value as XML: members are elements, the elements of an array are called "member".
void append_xml(SecretBytes& out, json::Value value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    append_element(out, value.is_object() ? value.key_at(i) : std::string("member"), value.at(i));
  }
  if (value.is_string()) {
    if (const auto text = value.as_secret(); text.ok()) append_xml_text(out, text->reveal());
  } else if (value.is_number() || value.is_bool()) {
    out.append(value.raw());
  }
}

void append_element(SecretBytes& out, std::string_view name, json::Value value) {
  append_tag(out, "<", name);
  append_xml(out, value);
  append_tag(out, "</", name);
}

void append_text_element(SecretBytes& out, std::string_view name, std::string_view text) {
  append_tag(out, "<", name);
  append_xml_text(out, text);
  append_tag(out, "</", name);
}

void append_query_answer(SecretBytes& out, std::string_view action, std::string_view data, std::string_view request_id) {
  append_tag(out, "<", action, "Response xmlns=\"" + std::string(kStsNamespace) + "\"");
  append_tag(out, "<", action, "Result");
  if (const auto document = json::Document::parse(data); document.ok()) append_xml(out, document->root());
  append_tag(out, "</", action, "Result");
  out.append("<ResponseMetadata>");
  append_text_element(out, "RequestId", request_id);
  out.append("</ResponseMetadata>");
  append_tag(out, "</", action, "Response");
}

}  // namespace

http::Response render_aws_error(const Error& error, AwsProtocol protocol, std::string_view request_id) {
  WireError wire = wire_error(error.code, protocol);
  if (!error.name.empty()) {
    wire.code = error.name;
    wire.status = core::aws_status_of(error.name, protocol).value_or(wire.status);
  }
  http::Response response = response_of(wire.status, protocol, request_id);
  if (protocol == AwsProtocol::kJson) {
    // botocore reads the code from the body only, others from the header.
    response.headers.append("x-amzn-ErrorType: ").append(wire.code).append("\r\n");
    json::Writer writer(response.body);
    writer.begin_object().key("__type").string(wire.code).key("Message").string(error.message).end_object();
    return response;
  }
  SecretBytes& out = response.body;
  append_tag(out, "<", "ErrorResponse", " xmlns=\"" + std::string(kStsNamespace) + "\"");
  out.append("<Error>");
  append_text_element(out, "Type", wire.status < 500 ? "Sender" : "Receiver");
  append_text_element(out, "Code", wire.code);
  append_text_element(out, "Message", error.message);
  out.append("</Error>");
  append_text_element(out, "RequestId", request_id);
  out.append("</ErrorResponse>");
  return response;
}

http::Response render_aws_answer(core::Answer& answer, AwsProtocol protocol, std::string_view action) {
  const std::string_view id = answer.request_id.text();
  if (!answer.result.ok()) {
    http::Response response = render_aws_error(answer.result.error(), protocol, id);
    if (answer.retry_after_s > 0) {
      response.headers.append("Retry-After: ").append(std::to_string(answer.retry_after_s)).append("\r\n");
    }
    return response;
  }
  core::Reply& reply = *answer.result;
  http::Response response = response_of(200, protocol, id);
  if (reply.data.empty()) reply.data = SecretBytes::copy_of("{}");  // No output is an empty one.
  if (protocol == AwsProtocol::kJson) {
    response.body = std::move(reply.data);
  } else {
    append_query_answer(response.body, action, reply.data.reveal(), id);
  }
  return response;
}

}  // namespace keyhold::api
