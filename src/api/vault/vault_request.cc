#include "api/vault/vault_request.h"

#include <algorithm>

#include "base/limits.h"
#include "base/scalar.h"
#include "base/time_format.h"
#include "core/path.h"

namespace keyhold::api {
namespace {

using core::Operation;

constexpr std::string_view kPrefix = "/v1/";
/// Google Secret Manager's paths, which share the prefix.
constexpr std::string_view kReservedPrefix = "projects/";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kBearer = "Bearer ";

using Query = std::vector<std::pair<std::string, std::string>>;

Result<Query> parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (query.size() == limits::kQueryParametersMax) return Error{Code::kInvalid, "the query has too many parameters"};
    const std::size_t equals = std::min(pair.find('='), pair.size());
    TRY_ASSIGN(std::string name, core::decode_query_component(pair.substr(0, equals)));
    TRY_ASSIGN(std::string value, core::decode_query_component(pair.substr(std::min(equals + 1, pair.size()))));
    const bool twice = std::any_of(query.begin(), query.end(), [&](const auto& other) { return other.first == name; });
    if (twice) return Error{Code::kInvalid, "the query names a parameter twice"};
    query.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

/// Whether the query turns a GET into another operation: for clients that can send no other method. Python's send "True".
Result<bool> query_asks(const Query& query, std::string_view name) {
  const auto found = std::find_if(query.begin(), query.end(), [name](const auto& pair) { return pair.first == name; });
  if (found == query.end() || found->second.empty()) return false;
  const auto wanted = parse_boolean(found->second);
  if (!wanted) return Error{Code::kInvalid, "the query parameter \"" + std::string(name) + "\" must be a boolean"};
  return *wanted;
}

Result<Operation> operation_of(const http::Request& request, const Query& query) {
  const std::string_view method = request.method;
  if (method == "LIST") return Operation::kList;
  if (method == "SCAN") return Operation::kScan;
  if (method == "GET" || method == "HEAD") {
    TRY_ASSIGN(const bool list, query_asks(query, "list"));
    TRY_ASSIGN(const bool scan, query_asks(query, "scan"));
    if (list && scan) return Error{Code::kInvalid, "the query asks for a list and a scan at once"};
    TRY_ASSIGN(const bool help, query_asks(query, "help"));
    if (help) return Operation::kHelp;
    return list ? Operation::kList : scan ? Operation::kScan : Operation::kRead;
  }
  if (method == "POST" || method == "PUT") return Operation::kUpdate;
  if (method == "DELETE") return Operation::kDelete;
  if (method == "PATCH") {
    const auto type = request.header("content-type").value_or("");
    if (type.substr(0, type.find(';')) != kMergePatch) {
      return Error{Code::kMediaType, "a PATCH needs the content type application/merge-patch+json"};
    }
    return Operation::kPatch;
  }
  return Error{Code::kUnsupported, "unsupported method"};
}

Result<void> check_headers(const http::Request& request) {
  const auto space = request.header("x-vault-namespace").value_or("");
  if (!space.empty() && space != "/") {
    return Error{Code::kNotFound, "there is no such namespace: only the root namespace exists"};
  }
  return {};
}

/// How long the answer is to be wrapped. What cannot be read is refused: ignoring it would hand out more than the client asked for.
Result<std::optional<std::int64_t>> wrap_ttl_of(const http::Request& request) {
  if (request.header("x-vault-wrap-format").value_or("") == "jwt") {
    return Error{Code::kInvalid, "wrapping tokens in the format \"jwt\" are not offered"};
  }
  const auto text = request.header("x-vault-wrap-ttl").value_or("");
  if (text.empty()) return std::optional<std::int64_t>();
  const auto ttl_s = parse_duration_s(text);
  if (!ttl_s.ok()) return Error{Code::kInvalid, "the header X-Vault-Wrap-TTL must be seconds or a duration"};
  if (*ttl_s > 0) return std::optional<std::int64_t>(*ttl_s);
  if (text.find_first_of("123456789") != std::string_view::npos) {
    return Error{Code::kInvalid, "the header X-Vault-Wrap-TTL must be at least a second, or 0"};
  }
  return std::optional<std::int64_t>();
}

SecretBytes token_of(const http::Request& request) {
  if (const auto token = request.header("x-vault-token").value_or(""); !token.empty()) return SecretBytes::copy_of(token);
  const auto authorization = request.header("authorization").value_or("");
  if (authorization.starts_with(kBearer)) return SecretBytes::copy_of(authorization.substr(kBearer.size()));
  return {};
}

}  // namespace

Result<core::Request> parse_vault_request(http::Request& http_request) {
  std::string_view target = http_request.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  const std::string_view query_text = target.substr(std::min(question + 1, target.size()));
  if (!path.starts_with(kPrefix)) return Error{Code::kNotFound, "the path is not below /v1/"};
  path.remove_prefix(kPrefix.size());

  core::Request request;
  request.api = core::Api::kVault;
  TRY_ASSIGN(request.path, core::canonical_path(path));
  if (request.path.starts_with(kReservedPrefix)) {
    return Error{Code::kNotFound, "paths below /v1/projects/ belong to another API, which is not offered yet"};
  }
  TRY_ASSIGN(request.query, parse_query(query_text));
  TRY_ASSIGN(request.operation, operation_of(http_request, request.query));
  TRY(check_headers(http_request));
  TRY_ASSIGN(request.wrap_ttl_s, wrap_ttl_of(http_request));
  const bool takes_body = request.operation == Operation::kUpdate || request.operation == Operation::kPatch ||
                          request.operation == Operation::kDelete;
  // A folder is asked about with or without its slash: one spelling for the policy and the store.
  if (core::of_folder(request.operation) && !request.path.ends_with('/')) request.path.push_back('/');
  request.credential.token = token_of(http_request);
  // What else comes with a body says nothing by it: some clients send "{}" with everything.
  if (takes_body) request.body = std::move(http_request.body);
  request.peer_address = std::move(http_request.peer_address);
  request.peer_port = http_request.peer_port;
  request.secure = http_request.tls;
  return request;
}

}  // namespace keyhold::api
