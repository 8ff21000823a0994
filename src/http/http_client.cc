#include "http/http_client.h"

#include <curl/curl.h>

#include <memory>
#include <mutex>

namespace keyhold::http {
namespace {

constexpr std::size_t kAnswerBytesMax = 1024 * 1024;
constexpr long kConnectTimeoutMs = 10'000;

struct HandleEnd {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};
struct ListEnd {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

/// What callbacks share with the call.
struct Progress {
  const ClientRequest& request;
  std::size_t answer_bytes = 0;
};

std::size_t take_answer(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& progress = *static_cast<Progress*>(user);
  progress.answer_bytes += size * count;
  if (progress.answer_bytes > kAnswerBytesMax) return 0;
  if (progress.request.answer != nullptr) progress.request.answer->append({bytes, size * count});
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& request = static_cast<Progress*>(user)->request;
  return request.stopping && request.stopping() ? 1 : 0;
}

/// For people: nothing of what either side sent.
std::string_view reason_of(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return "its URL cannot be used";
    case CURLE_COULDNT_RESOLVE_HOST: return "the name of its host was not found";
    case CURLE_COULDNT_CONNECT: return "it could not be connected to";
    case CURLE_OPERATION_TIMEDOUT: return "it did not answer in time";
    case CURLE_PEER_FAILED_VERIFICATION: return "its certificate is not one to trust";
    case CURLE_SSL_CONNECT_ERROR: return "no TLS connection to it came about";
    case CURLE_SSL_CACERT_BADFILE: return "the authorities to trust cannot be read";
    case CURLE_ABORTED_BY_CALLBACK: return "this server is stopping";
    case CURLE_WRITE_ERROR: return "its answer is too long";
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return "the connection broke";
    default: return "the request failed";
  }
}

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Error not_made() { return {Code::kUnavailable, "the request could not be made"}; }

using Headers = std::unique_ptr<curl_slist, ListEnd>;

/// False: it is not one line, or there is no memory.
bool add_header(Headers& headers, const std::string& line) {
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return false;
  curl_slist* const longer = ::curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(headers.release());
  headers.reset(longer);
  return true;
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

void set_trust(Options& options, std::string_view ca_pem) {
  options.set(CURLOPT_SSL_VERIFYPEER, 1L);
  options.set(CURLOPT_SSL_VERIFYHOST, 2L);
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (ca_pem.empty()) return;
  curl_blob pem{};
  pem.data = const_cast<char*>(ca_pem.data());
  pem.len = ca_pem.size();
  pem.flags = CURL_BLOB_NOCOPY;
  options.set(CURLOPT_CAINFO_BLOB, &pem);
  options.set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
}

void set_bounds(Options& options, Progress& progress) {
  options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(progress.request.timeout_ms));
  options.set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  options.set(CURLOPT_WRITEFUNCTION, take_answer);
  options.set(CURLOPT_WRITEDATA, &progress);
  options.set(CURLOPT_XFERINFOFUNCTION, on_progress);
  options.set(CURLOPT_XFERINFODATA, &progress);
  options.set(CURLOPT_NOPROGRESS, 0L);
}

}  // namespace

Result<int> post(const ClientRequest& request) {
  initialize_once();
  const std::unique_ptr<CURL, HandleEnd> handle(::curl_easy_init());
  if (handle == nullptr) return not_made();
  Progress progress{request};
  Headers headers;
  for (const auto& [name, value] : request.headers) {
    if (!add_header(headers, name + ": " + value)) return not_made();
  }
  if (!add_header(headers, "Expect:")) return not_made();  // The body is small: no question before it.

  const std::string url(request.url);
  Options options(handle.get());
  options.set(CURLOPT_URL, url.c_str());
  options.set(CURLOPT_PROTOCOLS_STR, "https,http");
  options.set(CURLOPT_PROXY, "");
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
  options.set(CURLOPT_NOSIGNAL, 1L);
  options.set(CURLOPT_POST, 1L);
  options.set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());  // Without any, curl reads the standard input.
  options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  options.set(CURLOPT_HTTPHEADER, headers.get());
  options.set(CURLOPT_USERAGENT, "keyhold");
  set_trust(options, request.ca_pem);
  set_bounds(options, progress);
  if (!options.taken()) return not_made();

  const CURLcode code = ::curl_easy_perform(handle.get());
  if (code != CURLE_OK) return Error{Code::kUnavailable, std::string(reason_of(code))};
  long status = 0;
  ::curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace keyhold::http
