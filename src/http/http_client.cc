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

std::size_t drop_answer(char*, std::size_t size, std::size_t count, void* user) {
  auto& progress = *static_cast<Progress*>(user);
  progress.answer_bytes += size * count;
  return progress.answer_bytes > kAnswerBytesMax ? 0 : size * count;
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

}  // namespace

Result<int> post(const ClientRequest& request) {
  initialize_once();
  const std::unique_ptr<CURL, HandleEnd> handle(::curl_easy_init());
  if (handle == nullptr) return Error{Code::kUnavailable, "there is no memory for a request"};
  CURL* const curl = handle.get();
  Progress progress{request};
  std::unique_ptr<curl_slist, ListEnd> headers;
  const auto add_header = [&headers](const std::string& line) {
    curl_slist* const longer = ::curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return;
    static_cast<void>(headers.release());
    headers.reset(longer);
  };
  for (const auto& [name, value] : request.headers) add_header(name + ": " + value);
  add_header("Expect:");  // The body is small: no question before it.

  const std::string url(request.url);
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
  ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_POST, 1L);
  ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "keyhold");
  if (!request.ca_pem.empty()) {
    curl_blob pem{};
    pem.data = const_cast<char*>(request.ca_pem.data());
    pem.len = request.ca_pem.size();
    pem.flags = CURL_BLOB_NOCOPY;
    ::curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &pem);
    ::curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_answer);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &progress);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &progress);
  ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);

  const CURLcode code = ::curl_easy_perform(curl);
  if (code != CURLE_OK) return Error{Code::kUnavailable, std::string(reason_of(code))};
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace keyhold::http
