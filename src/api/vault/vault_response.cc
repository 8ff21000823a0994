#include "api/vault/vault_response.h"

#include <charconv>

#include "base/json.h"
#include "base/time_format.h"

namespace keyhold::api {
namespace {

using core::Answer;
using core::NodeState;
using core::Payload;
using core::Reply;

constexpr std::string_view kHeaders = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";

http::Response empty(int status) {
  http::Response response;
  response.status = status;
  response.headers = kHeaders;
  return response;
}

/// source: Vault API, sys/health: each state's code may be overridden by a query parameter.
int health_status(NodeState state, const std::vector<std::pair<std::string, std::string>>& query) {
  int status = 200;
  std::string_view parameter = "activecode";
  if (state == NodeState::kSealed) {
    status = 503;
    parameter = "sealedcode";
  } else if (state == NodeState::kUninitialized) {
    status = 501;
    parameter = "uninitcode";
  }
  for (const auto& [name, value] : query) {
    if (name != parameter) continue;
    int wanted = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), wanted);
    const bool whole = error == std::errc() && end == value.data() + value.size();
    if (!whole || wanted < 200 || wanted > 599) return 400;
    status = wanted;
  }
  return status;
}

void append_wrap_info(SecretBytes& out, const core::WrapInfo& info) {
  json::Writer writer(out);
  writer.begin_object();
  writer.key("token").string(info.token.reveal());
  writer.key("accessor").string(info.accessor);
  writer.key("ttl").number(info.ttl_s);
  writer.key("creation_time").string(format_rfc3339(info.created_ms));
  writer.key("creation_path").string(info.creation_path);
  if (!info.wrapped_accessor.empty()) writer.key("wrapped_accessor").string(info.wrapped_accessor);
  writer.end_object();
}

/// Fixed text and a UUID: appended as it is, since this is on the path of every read.
void render_envelope(SecretBytes& out, const Answer& answer, const Reply& reply) {
  const std::string_view data = reply.data.reveal();
  out.reserve(data.size() + 256);
  out.append("{\"request_id\":\"");
  out.append(answer.request_id.text());
  out.append("\",\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":");
  json::Writer(out).number(reply.lease_duration_s);
  out.append(",\"data\":");
  const bool is_auth = answer.payload == Payload::kAuth;
  out.append(is_auth || data.empty() ? std::string_view("null") : data);
  out.append(",\"wrap_info\":");
  if (reply.wrap_info == nullptr) {
    out.append("null");
  } else {
    append_wrap_info(out, *reply.wrap_info);
  }
  out.append(",\"warnings\":");
  if (reply.warnings.empty() && reply.field_warnings.empty()) {
    out.append("null");
  } else {
    json::Writer writer(out);
    writer.begin_array();
    for (const std::string& warning : reply.warnings) writer.string(warning);
    for (const SecretBytes& warning : reply.field_warnings) writer.string(warning.reveal());
    writer.end_array();
  }
  out.append(",\"auth\":");
  out.append(is_auth && !data.empty() ? data : std::string_view("null"));
  if (!answer.mount_type.empty() && reply.wrap_info == nullptr) {
    out.append(",\"mount_type\":\"");
    out.append(answer.mount_type);
    out.append("\"");
  }
  // Vault's older shape: the members of `data` also at the top level.
  if (answer.payload == Payload::kSystem && data.size() > 2) {
    out.append(",");
    out.append(data.substr(1, data.size() - 2));
  }
  out.append("}\n");
}

}  // namespace

int vault_status(Code code) {
  switch (code) {
    case Code::kInvalid: return 400;
    case Code::kDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kUnsupported: return 405;
    case Code::kTooLarge: return 413;
    case Code::kMediaType: return 415;
    case Code::kLimited: return 429;
    case Code::kSealed: return 503;
    case Code::kUnavailable: return 503;
    case Code::kConflict: return 500;
    case Code::kMiss: return 500;
    case Code::kUnknown: return 500;
    case Code::kCorrupt: return 500;
    case Code::kInternal: return 500;
  }
  return 500;
}

http::Response render_vault_error(int status, std::string_view message) {
  http::Response response = empty(status);
  json::Writer writer(response.body);
  writer.begin_object().key("errors").begin_array();
  if (!message.empty()) writer.string(message);
  writer.end_array().end_object();
  response.body.push_back('\n');
  return response;
}

http::Response render_vault_answer(Answer& answer, const std::vector<std::pair<std::string, std::string>>& query) {
  if (!answer.result.ok()) {
    http::Response response = render_vault_error(vault_status(answer.result.code()), answer.result.error().message);
    if (answer.retry_after_s > 0) {
      response.headers.append("Retry-After: ").append(std::to_string(answer.retry_after_s)).append("\r\n");
    }
    return response;
  }
  Reply& reply = *answer.result;
  if (reply.outcome == Reply::Outcome::kNotFound && reply.data.empty() && reply.warnings.empty()) {
    return render_vault_error(404, {});
  }
  if (reply.outcome == Reply::Outcome::kEmpty && reply.warnings.empty()) {
    http::Response response = empty(204);
    response.content_type.clear();
    return response;
  }
  http::Response response = empty(reply.outcome == Reply::Outcome::kNotFound ? 404 : 200);
  if (reply.state) response.status = health_status(*reply.state, query);
  const bool bare = answer.payload == Payload::kBare || answer.payload == Payload::kBytes;
  if (bare && reply.wrap_info == nullptr) {
    response.body = std::move(reply.data);
    if (answer.payload == Payload::kBare) response.body.push_back('\n');
    if (answer.payload == Payload::kBytes) {
      response.content_type = reply.content_type;
      response.file = std::move(reply.file);
    }
  } else {
    render_envelope(response.body, answer, reply);
  }
  return response;
}

}  // namespace keyhold::api
