#include "client/api.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/limits.h"
#include "base/scalar.h"

namespace keyhold::client {
namespace {

constexpr json::Limits kJsonLimits{.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax};
constexpr int kTooManyRequests = 429;
constexpr int kUnavailableStatus = 503;
constexpr std::string_view kMergePatch = "application/merge-patch+json";

Code code_of(int status) {
  switch (status) {
    case 401:
    case 403: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 405: return Code::kUnsupported;
    case 413: return Code::kTooLarge;
    case 415: return Code::kMediaType;
    case 429: return Code::kLimited;
    case 503: return Code::kUnavailable;
    default: return status < 500 ? Code::kInvalid : Code::kInternal;
  }
}

/// Whether it goes out as a GET.
bool reads(const ApiRequest& request) { return request.method == "GET" || request.method == "LIST" || request.method == "SCAN"; }

bool redirects(int status) { return status == 301 || status == 302 || status == 307 || status == 308; }

/// What to do about a connection that did not come about.
std::string advice_of(std::string_view failure, const Url& address) {
  using namespace http_failure;
  if (failure == kConnect || failure == kTimeout || failure == kHost) {
    return "Is the server running there? Name another address with -address or KEYHOLD_ADDR (or VAULT_ADDR).";
  }
  if (failure == kCertificate) {
    return "Name the authority that signed it with -ca-cert or KEYHOLD_CACERT (or VAULT_CACERT). If its name is another than the address says, "
           "-tls-server-name says which.";
  }
  if (failure == kTls && address.scheme == "https") {
    return "If the server there speaks plain HTTP, say so: -address=http://" + address.authority();
  }
  if (failure == kBroken && address.scheme == "http") {
    return "If the server there speaks TLS, say so: -address=https://" + address.authority();
  }
  if (failure == kOwnCertificate) return "Check -client-cert and -client-key: PEM files of one pair.";
  return {};
}

/// What to do about a refusal; "" when its text says all.
std::string advice_of(const ApiRequest& request, const ApiAnswer& answer, const Url& address) {
  if (says_sealed(answer)) {
    const auto errors = answer.errors();
    const bool new_one = std::any_of(errors.begin(), errors.end(), [](const std::string& e) { return e.find("initialized") != std::string::npos; });
    return new_one ? "The server is new: run `keyhold operator init`." : "The server is sealed: run `keyhold operator unseal`.";
  }
  if (answer.status() == 403 && request.token.empty()) return "No token was sent: run `keyhold login`, or set KEYHOLD_TOKEN (or VAULT_TOKEN).";
  if (answer.status() == 403) {
    return "`keyhold token lookup` tells whether the token is still good, and `keyhold token capabilities " + request.path +
           "` what it may do there.";
  }
  if (answer.status() == 400 && address.scheme == "http" && answer.errors().empty()) {
    return "If the server there speaks TLS, say so: -address=https://" + address.authority();
  }
  if (!answer.root() && answer.status() != 404) return "That was no answer of Keyhold or Vault: is the address right?";
  return {};
}

/// From `url` to `location`: within TLS anywhere, without TLS on the same host.
std::optional<std::string> followed(const Url& from, std::string_view location) {
  const std::string whole = (location.starts_with('/') && !location.starts_with("//") ? from.origin() : std::string()) + std::string(location);
  auto to = Url::parse(whole);
  if (!to.ok() || to->scheme != from.scheme) return std::nullopt;
  if (to->scheme == "http" && to->host != from.host) return std::nullopt;
  return whole;
}

}  // namespace

ApiAnswer::ApiAnswer(int status, SecretBytes body) : status_(status), body_(std::move(body)) {
  if (body_.empty()) return;
  if (auto parsed = json::Document::parse(body_.reveal(), kJsonLimits); parsed.ok()) document_.emplace(std::move(*parsed));
}

std::optional<json::Value> ApiAnswer::root() const {
  if (!document_ || !document_->root().is_object()) return std::nullopt;
  return document_->root();
}

std::optional<json::Value> ApiAnswer::find(std::string_view name) const {
  const auto whole = root();
  auto found = whole ? whole->find(name) : std::nullopt;
  if (found && found->is_null()) found.reset();
  return found;
}

std::vector<std::string> ApiAnswer::errors() const {
  std::vector<std::string> texts;
  const auto list = find("errors");
  if (!list || !list->is_array()) return texts;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (auto text = list->at(i).as_string(); text.ok()) texts.push_back(std::move(*text));
  }
  return texts;
}

Api::Api(Settings settings, Url address) : settings_(std::move(settings)), address_(std::move(address)), http_(settings_.http) {}

Result<Api> Api::make(Settings settings) {
  TRY(load_authorities(settings));
  auto address = Url::parse(settings.address);
  if (!address.ok()) return Error{Code::kInvalid, "the server's address cannot be used: " + address.error().message};
  while (address->target.ends_with('/')) address->target.pop_back();
  return Api(std::move(settings), std::move(*address));
}

Url Api::url_of(const ApiRequest& request) const {
  Url url = address_;
  Query query = request.query;
  // As Vault's own client: not every proxy knows the methods.
  if (request.method == "LIST") query.emplace_back("list", "true");
  if (request.method == "SCAN") query.emplace_back("scan", "true");
  url.target += "/v1/" + escape_path(request.path) + query_text(query);
  return url;
}

std::vector<std::pair<std::string, std::string>> Api::headers_of(const ApiRequest& request) const {
  std::vector<std::pair<std::string, std::string>> headers{{"X-Vault-Request", "true"}};
  if (!settings_.namespace_path.empty()) headers.emplace_back("X-Vault-Namespace", settings_.namespace_path);
  if (!request.wrap_ttl.empty()) headers.emplace_back("X-Vault-Wrap-TTL", std::string(request.wrap_ttl));
  if (request.body != nullptr) headers.emplace_back("Content-Type", request.method == "PATCH" ? std::string(kMergePatch) : "application/json");
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
  return headers;
}

Result<HttpAnswer> Api::send_once(const ApiRequest& request, const std::string& url) {
  HttpRequest http;
  http.method = reads(request) ? "GET" : request.method;
  http.url = url;
  if (request.body != nullptr) http.body = request.body->reveal();
  if (!request.token.empty()) http.headers.push_back({"X-Vault-Token", request.token});
  http.sink = request.sink;
  http.timeout_ms_min = request.timeout_ms_min;
  const auto headers = headers_of(request);
  for (const auto& [name, value] : headers) http.headers.push_back({name, value});
  return http_.call(http);
}

Result<ApiAnswer> Api::send(const ApiRequest& request) {
  const Url url = url_of(request);
  std::string target = url.origin() + url.target;
  bool redirected = false;
  for (int attempt = 0;; ++attempt) {
    auto answer = send_once(request, target);
    if (!answer.ok()) {
      const std::string advice = advice_of(answer.error().name, address_);
      return Error{Code::kUnavailable,
                   "No answer from " + address_.origin() + ": " + answer.error().message + "." + (advice.empty() ? "" : "\n\n" + advice), kRemote};
    }
    if (redirects(answer->status) && !redirected && reads(request)) {
      if (auto next = followed(url, answer->header("location"))) {
        redirected = true;
        target = std::move(*next);
        continue;
      }
    }
    const auto wait_s = parse_integer(answer->header("retry-after"));
    ApiAnswer result(answer->status, std::move(answer->body));
    const bool busy = answer->status == kTooManyRequests || (answer->status == kUnavailableStatus && !says_sealed(result));
    if (!busy || !wait_s || attempt >= settings_.retries_max) return result;
    const std::int64_t wait_ms = std::clamp(*wait_s, std::int64_t{0}, limits::kClientRetryWaitMsMax / 1000) * 1000;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max(wait_ms, limits::kClientRetryWaitMs)));
  }
}

Result<ApiAnswer> Api::call(const ApiRequest& request) {
  TRY_ASSIGN(ApiAnswer answer, send(request));
  if (answer.ok()) return answer;
  return refusal(request, answer);
}

Error Api::refusal(const ApiRequest& request, const ApiAnswer& answer) const {
  const Url url = url_of(request);
  std::string text = "Error making API request.\n\nURL: " + std::string(reads(request) ? "GET" : request.method) + " " + url.origin() +
                     url.target + "\nCode: " + std::to_string(answer.status());
  const auto errors = answer.errors();
  if (!errors.empty()) text += ". Errors:\n";
  for (const std::string& error : errors) text += "\n* " + error;
  if (const std::string advice = advice_of(request, answer, address_); !advice.empty()) text += "\n\n" + advice;
  return Error{code_of(answer.status()), std::move(text), kRemote};
}

bool says_sealed(const ApiAnswer& answer) {
  if (answer.status() != kUnavailableStatus && answer.status() != 400 && answer.status() != 501) return false;
  const auto errors = answer.errors();
  return std::any_of(errors.begin(), errors.end(), [](const std::string& text) {
    return text.find("is sealed") != std::string::npos || text.find("not initialized") != std::string::npos;
  });
}

}  // namespace keyhold::client
