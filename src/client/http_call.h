#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/secret_bytes.h"

/// HTTP to other servers, by libcurl.
namespace keyhold::client {

enum class Verify : std::uint8_t { kCertificate, kNothing };
enum class Proxy : std::uint8_t { kNone, kEnvironment };

/// Whom to trust, and what bounds each request of an HttpClient.
struct HttpSettings {
  std::string ca_pem{};  // Certificates to trust in place of the system's; empty = the system's.
  std::string client_certificate_file{};  // PEM, with `client_key_file`, or both empty.
  std::string client_key_file{};
  std::string tls_server_name{};  // The name that the certificate must be for, in place of the URL's host.
  Verify verify = Verify::kCertificate;
  Proxy proxy = Proxy::kNone;  // kEnvironment: http_proxy, https_proxy, no_proxy. Never to this machine itself.
  std::string proxy_url{};     // In place of the environment's.
  std::int64_t timeout_ms = limits::kClientTimeoutMs;  // For all of one request.
  std::size_t answer_bytes_max = limits::kClientAnswerBytesMax;
};

struct HttpHeader {
  std::string name;
  std::string_view value;  // Lives during the call; may be secret.
};

/// Views live during the call.
struct HttpRequest {
  std::string_view method = "GET";
  std::string_view url{};   // "https://…" or "http://…".
  std::string_view body{};  // Sent unless empty, or when the method is POST, PUT or PATCH.
  std::vector<HttpHeader> headers{};
  /// Takes the body of an answer of status 200, part by part, in place of HttpAnswer::body. False gives up. The timeout is then that of a
  /// silence, not of the whole.
  std::function<bool(std::string_view part)> sink{};
  std::int64_t timeout_ms_min = 0;   // Above the settings' own: for what is known to take long.
  std::function<bool()> stopping{};  // Asked every now and then; true gives up.
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  // Names in lower case; the first kClientHeadersMax.
  SecretBytes body{};

  /// "" when absent.
  std::string_view header(std::string_view name) const;
};

/// What became of a request that got no answer: the `name` of its Error.
namespace http_failure {
inline constexpr std::string_view kUrl = "url";
inline constexpr std::string_view kHost = "host";
inline constexpr std::string_view kConnect = "connect";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kCertificate = "certificate";
inline constexpr std::string_view kTls = "tls";
inline constexpr std::string_view kTrust = "trust";
inline constexpr std::string_view kOwnCertificate = "own certificate";
inline constexpr std::string_view kStopped = "stopped";
inline constexpr std::string_view kTooLong = "too long";
inline constexpr std::string_view kBroken = "broken";
inline constexpr std::string_view kOther = "other";
}  // namespace http_failure

/// One server, one request after the other over a connection that is kept. Follows no redirection. Bodies and values of headers are wiped
/// where they are ours; libcurl's own buffers are not.
///
/// lifetime  Owned by who sends.
/// threads   One at a time.
class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Sends and waits.
  ///
  /// returns   The answer, whatever its status.
  /// errors    kUnavailable with a name of http_failure and a text that holds nothing of either side's.
  Result<HttpAnswer> call(const HttpRequest& request);

 private:
  struct Handle;

  HttpSettings settings_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace keyhold::client
