#include "client/http_call.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/scalar.h"
#include "client/url.h"

namespace keyhold::client {
namespace {

struct HandleEnd {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};

/// Lines of a request's header, among them a token: libcurl copies each once, and that copy is wiped here.
class HeaderLines {
 public:
  HeaderLines() = default;
  HeaderLines(const HeaderLines&) = delete;
  HeaderLines& operator=(const HeaderLines&) = delete;
  ~HeaderLines() {
    for (curl_slist* line = list_; line != nullptr; line = line->next) ::explicit_bzero(line->data, std::strlen(line->data));
    ::curl_slist_free_all(list_);
  }

  /// False: it is not one line, or there is no memory.
  bool add(std::string_view name, std::string_view value) {
    constexpr std::string_view kEnds("\r\n\0", 3);
    if (name.find_first_of(kEnds) != std::string_view::npos || value.find_first_of(kEnds) != std::string_view::npos) return false;
    SecretBytes line;
    line.append(name);
    line.append(value.empty() ? ";" : ": ");  // libcurl's form of a header without a value.
    line.append(value);
    line.push_back('\0');
    return add_text(line.writable().data());
  }
  /// Keeps libcurl from sending a header of its own.
  bool drop(std::string_view name) { return add_text((std::string(name) + ":").c_str()); }

  curl_slist* get() const { return list_; }

 private:
  bool add_text(const char* text) {
    curl_slist* const longer = ::curl_slist_append(list_, text);
    if (longer == nullptr) return false;
    list_ = longer;
    return true;
  }

  curl_slist* list_ = nullptr;
};

/// What callbacks share with the call.
struct Progress {
  const HttpRequest& request;
  HttpAnswer answer;
  std::size_t body_bytes_max;
  bool succeeded = false;  // The status is 200.
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& progress = *static_cast<Progress*>(user);
  const std::size_t bytes = size * count;
  if (progress.succeeded && progress.request.sink) return progress.request.sink({data, bytes}) ? bytes : CURL_WRITEFUNC_ERROR;
  if (bytes > progress.body_bytes_max - progress.answer.body.size()) return CURL_WRITEFUNC_ERROR;
  progress.answer.body.append({data, bytes});
  return bytes;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& progress = *static_cast<Progress*>(user);
  auto& headers = progress.answer.headers;
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    headers.clear();  // Of an interim answer.
    progress.succeeded = line.find(" 200 ") != std::string_view::npos;
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && headers.size() < limits::kClientHeadersMax) {
    std::string_view value = line.substr(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    headers.emplace_back(to_lower(line.substr(0, colon)), std::string(value));
  }
  return line.size();
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& request = static_cast<Progress*>(user)->request;
  return request.stopping && request.stopping() ? 1 : 0;
}

/// For people: nothing of what either side sent.
Error failure_of(CURLcode code) {
  const auto failed = [](std::string_view name, std::string_view text) { return Error{Code::kUnavailable, std::string(text), name}; };
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return failed(http_failure::kUrl, "its URL cannot be used");
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST: return failed(http_failure::kHost, "the name of its host was not found");
    case CURLE_COULDNT_CONNECT: return failed(http_failure::kConnect, "it could not be connected to");
    case CURLE_OPERATION_TIMEDOUT: return failed(http_failure::kTimeout, "it did not answer in time");
    case CURLE_PEER_FAILED_VERIFICATION: return failed(http_failure::kCertificate, "its certificate is not one to trust");
    case CURLE_SSL_CONNECT_ERROR: return failed(http_failure::kTls, "no TLS connection to it came about");
    case CURLE_SSL_CACERT_BADFILE: return failed(http_failure::kTrust, "the authorities to trust cannot be read");
    case CURLE_SSL_CERTPROBLEM: return failed(http_failure::kOwnCertificate, "the client's certificate or its key cannot be used");
    case CURLE_ABORTED_BY_CALLBACK: return failed(http_failure::kStopped, "this program is stopping");
    case CURLE_WRITE_ERROR: return failed(http_failure::kTooLong, "its answer is too long");
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return failed(http_failure::kBroken, "the connection broke");
    default: return failed(http_failure::kOther, "the request failed");
  }
}

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

/// Sets options of a request, each of which must be taken: one that is not could be the verification of certificates.
class Options {
 public:
  explicit Options(CURL* curl) : curl_(curl) {}

  template <typename Value>
  void set(CURLoption option, Value value) {
    taken_ = ::curl_easy_setopt(curl_, option, value) == CURLE_OK && taken_;
  }
  bool taken() const { return taken_; }

 private:
  CURL* const curl_;
  bool taken_ = true;
};

void set_trust(Options& options, const HttpSettings& settings) {
  const bool verify = settings.verify == Verify::kCertificate;
  options.set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  options.set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!settings.ca_pem.empty()) {
    curl_blob pem{};
    pem.data = const_cast<char*>(settings.ca_pem.data());
    pem.len = settings.ca_pem.size();
    pem.flags = CURL_BLOB_NOCOPY;  // `settings` outlives the call.
    options.set(CURLOPT_CAINFO_BLOB, &pem);
    options.set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  if (!settings.client_certificate_file.empty()) {
    options.set(CURLOPT_SSLCERT, settings.client_certificate_file.c_str());
    options.set(CURLOPT_SSLKEY, settings.client_key_file.c_str());
  }
}

void set_proxy(Options& options, const HttpSettings& settings, const Url& url) {
  if (settings.proxy == Proxy::kNone || url.is_this_machine()) {
    options.set(CURLOPT_PROXY, "");
  } else if (!settings.proxy_url.empty()) {
    options.set(CURLOPT_PROXY, settings.proxy_url.c_str());
  }
}

void set_method(Options& options, const HttpRequest& request, const std::string& method) {
  const bool sends = !request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (sends) {
    options.set(CURLOPT_POST, 1L);
    options.set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  } else {
    options.set(CURLOPT_HTTPGET, 1L);
  }
  options.set(CURLOPT_CUSTOMREQUEST, method.c_str());
}

}  // namespace

struct HttpClient::Handle {
  std::unique_ptr<CURL, HandleEnd> curl;
};

std::string_view HttpAnswer::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

HttpClient::HttpClient(HttpSettings settings) : settings_(std::move(settings)), handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpAnswer> HttpClient::call(const HttpRequest& request) {
  initialize_once();
  const Error not_made{Code::kUnavailable, "the request could not be made", http_failure::kOther};
  auto parsed = Url::parse(request.url);
  if (!parsed.ok()) return Error{Code::kUnavailable, "its URL cannot be used", http_failure::kUrl};
  if (handle_->curl == nullptr) handle_->curl.reset(::curl_easy_init());
  CURL* const curl = handle_->curl.get();
  if (curl == nullptr) return not_made;
  ::curl_easy_reset(curl);  // Options only: the connection stays.

  Options options(curl);
  Progress progress{request, {}, settings_.answer_bytes_max, false};
  HeaderLines headers;
  bool complete = headers.drop("Expect");  // The body is small: no question before it.
  for (const auto& [name, value] : request.headers) complete = complete && headers.add(name, value);

  std::string url(request.url);
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> connect_to(nullptr, ::curl_slist_free_all);
  if (!settings_.tls_server_name.empty() && parsed->scheme == "https") {
    // The name goes into the handshake as the URL's host does: so it stands there, and the connection leads where the URL led.
    connect_to.reset(::curl_slist_append(nullptr, (settings_.tls_server_name + ":" + parsed->port_text() + ":" + parsed->host + ":" +
                                                   parsed->port_text()).c_str()));
    complete = complete && connect_to != nullptr && headers.add("Host", parsed->authority());
    url = "https://" + settings_.tls_server_name + ":" + parsed->port_text() + parsed->target;
    options.set(CURLOPT_CONNECT_TO, connect_to.get());
  }
  if (!complete) return not_made;

  const std::string method(request.method);
  options.set(CURLOPT_URL, url.c_str());
  options.set(CURLOPT_PATH_AS_IS, 1L);
  options.set(CURLOPT_PROTOCOLS_STR, "https,http");
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
  options.set(CURLOPT_NOSIGNAL, 1L);
  options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  options.set(CURLOPT_HTTPHEADER, headers.get());
  const std::int64_t timeout_ms = std::max(settings_.timeout_ms, request.timeout_ms_min);
  if (request.sink) {
    options.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    options.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max<std::int64_t>(timeout_ms / 1000, 1)));
  } else {
    options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  }
  options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(limits::kClientConnectMs, settings_.timeout_ms)));
  options.set(CURLOPT_USERAGENT, "keyhold");
  set_method(options, request, method);
  set_proxy(options, settings_, *parsed);
  set_trust(options, settings_);
  options.set(CURLOPT_WRITEFUNCTION, on_body);
  options.set(CURLOPT_WRITEDATA, &progress);
  options.set(CURLOPT_HEADERFUNCTION, on_header);
  options.set(CURLOPT_HEADERDATA, &progress);
  options.set(CURLOPT_XFERINFOFUNCTION, on_progress);
  options.set(CURLOPT_XFERINFODATA, &progress);
  options.set(CURLOPT_NOPROGRESS, 0L);
  if (!options.taken()) {
    ::curl_easy_reset(curl);
    return not_made;
  }

  const CURLcode code = ::curl_easy_perform(curl);
  long status = 0;
  if (code == CURLE_OK) ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  ::curl_easy_reset(curl);  // It must not keep pointers into this call.
  if (code != CURLE_OK) return failure_of(code);
  progress.answer.status = static_cast<int>(status);
  return std::move(progress.answer);
}

}  // namespace keyhold::client
