#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "client/http_call.h"
#include "client/settings.h"
#include "client/url.h"

/// A client of Vault's API.
namespace keyhold::client {

/// The `name` of every Error that came of a request: the server's refusal, or no answer at all.
inline constexpr std::string_view kRemote = "remote";

/// Below /v1/. Views live during the call.
struct ApiRequest {
  std::string_view method = "GET";  // Or "LIST", "SCAN", "POST", "PUT", "PATCH", "DELETE".
  std::string path{};               // Unescaped, without a slash in front.
  Query query{};
  const SecretBytes* body = nullptr;  // JSON.
  std::string_view token{};
  std::string_view wrap_ttl{};  // "" does not wrap.
  std::vector<std::pair<std::string, std::string>> headers{};  // Beside those that every request has.
  std::function<bool(std::string_view part)> sink{};            // HttpRequest::sink.
  std::int64_t timeout_ms_min = 0;                              // HttpRequest::timeout_ms_min.
};

/// An answer with its JSON, if it is JSON. Move-only.
class ApiAnswer {
 public:
  ApiAnswer(int status, SecretBytes body);

  int status() const { return status_; }
  bool ok() const { return status_ < 300; }  // A redirection that was not followed is none.
  const SecretBytes& body() const { return body_; }
  /// The whole; nullopt unless it is a JSON object.
  std::optional<json::Value> root() const;
  /// A member of it that is there and not null.
  std::optional<json::Value> find(std::string_view name) const;
  std::optional<json::Value> data() const { return find("data"); }
  std::vector<std::string> errors() const;

 private:
  int status_;
  SecretBytes body_;
  std::optional<json::Document> document_;
};

/// One server's API.
///
/// lifetime  Owned by who sends.
/// threads   One at a time.
class Api {
 public:
  /// errors   kInvalid: the address is none, or the authorities cannot be read.
  static Result<Api> make(Settings settings);

  const Settings& settings() const { return settings_; }
  Url url_of(const ApiRequest& request) const;
  /// The headers of a request but for its token's, in the order they are sent.
  std::vector<std::pair<std::string, std::string>> headers_of(const ApiRequest& request) const;

  /// Sends; waits and repeats where the server asks for it with Retry-After, which it does before it has done anything. One redirection of a
  /// read is followed, unless it would leave TLS or, without TLS, the host.
  ///
  /// returns   Any answer, whatever its status.
  /// errors    kUnavailable, name kRemote: there is none. The text names the address and what to do.
  Result<ApiAnswer> send(const ApiRequest& request);
  /// As send(), but an answer that is not ok() is an Error.
  Result<ApiAnswer> call(const ApiRequest& request);

  /// The refusal in Vault's form, with what to do about it. Code by status; name kRemote.
  Error refusal(const ApiRequest& request, const ApiAnswer& answer) const;

 private:
  Api(Settings settings, Url address);

  Result<HttpAnswer> send_once(const ApiRequest& request, const std::string& url);

  Settings settings_;
  Url address_;
  HttpClient http_;
};

/// Whether an answer of this status says that the server is sealed or not initialised.
bool says_sealed(const ApiAnswer& answer);

}  // namespace keyhold::client
