#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/head_check.h"
#include "http/request_parser.h"

/// A head that check_head() accepts is split by Beast's parser as a naive reader splits it; and no bytes, after it, in
/// pieces of any size, bring the chunked decoder down or over its limit.
namespace {

using keyhold::http::RequestParser;
constexpr std::size_t kBodyBytesMax = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::string lowered(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

void check_split(std::string_view head, const keyhold::http::Request& request) {
  std::vector<std::string_view> lines;
  for (std::size_t end; (end = head.find("\r\n")) != 0; head.remove_prefix(end + 2)) lines.push_back(head.substr(0, end));
  const std::string_view first = lines.front();
  require(first == std::string(request.method) + " " + std::string(request.target) + " HTTP/1." + first.back());
  require(request.headers.size() == lines.size() - 1);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(':');
    require(request.headers[i - 1].name == lowered(lines[i].substr(0, colon)));
    require(request.headers[i - 1].value == trim(lines[i].substr(colon + 1)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0] % 32;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t head_bytes = keyhold::http::head_size(bytes, 0);
  for (std::size_t seen = 0; seen < std::min(bytes.size(), head_bytes); ++seen) {
    require(keyhold::http::head_size(bytes.substr(0, seen), 0) == 0 && keyhold::http::head_size(bytes, seen) == head_bytes);
  }
  const std::string_view head = bytes.substr(0, head_bytes);
  if (head_bytes == 0 || keyhold::http::check_head(head)) return 0;

  RequestParser parser(kBodyBytesMax);
  keyhold::http::Request request;
  request.head = keyhold::SecretBytes::copy_of(head);
  if (parser.parse_head(request)) return 0;
  check_split(head, request);

  if (parser.framing().body != keyhold::http::Framing::Body::kChunked) return 0;
  const std::string_view wire = bytes.substr(head_bytes);
  std::size_t used = 0;
  for (std::size_t seen = 0; seen < wire.size();) {
    seen = std::min(seen + step, wire.size());
    const auto progress = parser.put_chunked(wire.substr(used, seen - used), request.body);
    used += progress.consumed;
    require(used <= seen && request.body.size() <= kBodyBytesMax);
    if (progress.complete || progress.refusal) break;
  }
  return 0;
}
