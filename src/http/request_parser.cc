#include "http/request_parser.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/limits.h"
#include "base/result.h"

namespace keyhold::http {
namespace {

namespace beast = boost::beast;
using boost::beast::http::error;
using boost::beast::http::field;

constexpr std::size_t kChunkExtensionBytesMax = 256;
constexpr std::size_t kHeadersUsual = 16;  // More cost a second allocation.

/// Headers whose repetition another hop may read differently, or that carry a credential. Listed in server.h.
constexpr std::array<std::string_view, 11> kSingleHeaders{
    "host",          "content-length",    "transfer-encoding", "content-type", "authorization",        "expect",
    "x-vault-token", "x-vault-namespace", "x-amz-target",      "x-amz-date",   "x-amz-security-token",
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equals_ignoring_case(std::string_view text, std::string_view lowered) {
  return std::equal(text.begin(), text.end(), lowered.begin(), lowered.end(),
                    [](char a, char b) { return lower(a) == b; });
}

/// uri-host [ ":" port ] of RFC 9110, section 7.2, by its alphabet: a reply may repeat it in a link.
bool is_host(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view(".-_:[]~%").find(c) != std::string_view::npos;
  });
}

/// What one request's callbacks have seen. The views are into the buffer given to put().
struct Seen {
  std::size_t body_bytes_max = 0;
  Request* request = nullptr;  // While its head is parsed.
  SecretBytes* body = nullptr;
  int version = 0;  // 10 or 11.
  std::optional<Refusal> refusal{};
  std::uint32_t singles = 0;  // Bits by index in kSingleHeaders.
  std::optional<std::string_view> transfer_encoding{};
  std::optional<std::string_view> expect{};
  bool host = false;

  void refuse(int status, std::string_view reason) {
    if (!refusal) refusal = Refusal{status, reason};
  }
  void on_field(std::string_view name, std::string_view value);
  void on_chunk(std::uint64_t size, std::string_view extensions);
};

void Seen::on_field(std::string_view name, std::string_view value) {
  const std::span<char> head = request->head.writable();
  const std::span<char> letters = head.subspan(static_cast<std::size_t>(name.data() - head.data()), name.size());
  std::transform(letters.begin(), letters.end(), letters.begin(), lower);
  request->headers.push_back({name, value});

  const auto* const single = std::find(kSingleHeaders.begin(), kSingleHeaders.end(), name);
  if (single == kSingleHeaders.end()) return;
  const std::uint32_t bit = 1u << (single - kSingleHeaders.begin());
  if ((singles & bit) != 0) return refuse(400, "a header that must come once is repeated");
  singles |= bit;

  if (name == "host") {
    host = true;
    if (!is_host(value)) refuse(400, "the Host header is malformed");
  } else if (name == "content-length") {
    // Beast also takes a list of equal numbers.
    if (value.find_first_not_of("0123456789") != std::string_view::npos) refuse(400, "Content-Length is malformed");
  } else if (name == "transfer-encoding") {
    transfer_encoding = value;
  } else if (name == "expect") {
    expect = value;
  }
}

void Seen::on_chunk(std::uint64_t size, std::string_view extensions) {
  if (extensions.size() > kChunkExtensionBytesMax) return refuse(400, "a chunk extension is too long");
  // Beast takes any byte inside a quoted one: a line feed there ends the line for some hops.
  const bool printable = std::all_of(extensions.begin(), extensions.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 127);
  });
  if (!printable) return refuse(400, "a chunk extension is malformed");
  if (size > body_bytes_max - body->size()) refuse(413, "the body is too large");
}

/// Hands the events on. A refusal stops Beast by any error code.
class Parser final : public beast::http::basic_parser<true> {
 public:
  Parser(Seen& seen, std::size_t head_bytes) : seen_(seen) {
    header_limit(static_cast<std::uint32_t>(head_bytes));
    body_limit(boost::none);  // Seen::on_chunk() and frame() tell 413 from 400.
  }

 private:
  using Error = beast::error_code;
  using View = beast::string_view;

  void stop_if_refused(Error& ec) const {
    if (seen_.refusal) ec = error::bad_value;
  }
  static std::string_view plain(View view) { return {view.data(), view.size()}; }

  void on_request_impl(beast::http::verb, View method, View target, int version, Error&) override {
    seen_.version = version;
    seen_.request->method = plain(method);
    seen_.request->target = plain(target);
  }
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(field, View name, View value, Error& ec) override {
    if (seen_.request == nullptr) return;  // A trailer.
    seen_.on_field(plain(name), plain(value));
    stop_if_refused(ec);
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(View bytes, Error&) override { return bytes.size(); }
  void on_chunk_header_impl(std::uint64_t size, View extensions, Error& ec) override {
    seen_.on_chunk(size, plain(extensions));
    stop_if_refused(ec);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, View bytes, Error&) override {
    seen_.body->append(plain(bytes));
    return bytes.size();
  }
  void on_finish_impl(Error&) override {}

  Seen& seen_;
};

/// What the head as a whole says about the body.
std::optional<Refusal> frame(const Seen& seen, const Parser& parser, Framing& framing) {
  const bool http11 = seen.version == 11;
  if (http11 && !seen.host) return Refusal{400, "the Host header is missing"};
  if (seen.transfer_encoding) {
    if (!http11) return Refusal{400, "HTTP/1.0 has no Transfer-Encoding"};
    if (!equals_ignoring_case(*seen.transfer_encoding, "chunked")) return Refusal{501, "the transfer coding is not known"};
    framing.body = Framing::Body::kChunked;
  } else if (const auto length = parser.content_length(); length && *length != 0) {
    if (*length > seen.body_bytes_max) return Refusal{413, "the body is too large"};
    framing.body = Framing::Body::kSized;
    framing.body_bytes = *length;
  }
  if (http11 && seen.expect) {
    if (!equals_ignoring_case(*seen.expect, "100-continue")) return Refusal{417, "the expectation is not known"};
    framing.expects_continue = true;
  }
  framing.keep_alive = http11 && parser.keep_alive();
  return std::nullopt;
}

}  // namespace

struct RequestParser::Impl {
  const std::size_t body_bytes_max;
  const std::span<const BodyBound> bounds;
  Seen seen{};
  std::optional<Parser> parser{};  // Beast's are for one message each.
  Framing framing{};
};

RequestParser::RequestParser(std::size_t body_bytes_max, std::span<const BodyBound> bounds)
    : impl_(new Impl{.body_bytes_max = body_bytes_max, .bounds = bounds}) {}
RequestParser::~RequestParser() = default;

const Framing& RequestParser::framing() const { return impl_->framing; }

std::optional<Refusal> RequestParser::parse_head(Request& request) {
  impl_->framing = {};
  Seen& seen = impl_->seen;
  seen = {.body_bytes_max = impl_->body_bytes_max, .request = &request};
  const std::string_view head = request.head.reveal();
  request.headers.reserve(kHeadersUsual);
  Parser& parser = impl_->parser.emplace(seen, head.size());
  beast::error_code ec;
  const std::size_t consumed = parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  seen.request = nullptr;
  if (seen.refusal) return seen.refusal;
  if (ec == error::bad_transfer_encoding || ec == error::bad_content_length || ec == error::multiple_content_length) {
    return Refusal{400, "the length of the body is ambiguous"};
  }
  if (ec || consumed != head.size()) return Refusal{400, "the headers are malformed"};
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  for (const BodyBound& bound : impl_->bounds) {
    if (bound.path == path) seen.body_bytes_max = bound.bytes_max;
  }
  return frame(seen, parser, impl_->framing);
}

RequestParser::Progress RequestParser::put_chunked(std::string_view bytes, SecretBytes& body) {
  CHECK(impl_->parser && !impl_->parser->is_done());
  Parser& parser = *impl_->parser;
  impl_->seen.body = &body;
  Progress progress;
  while (!parser.is_done() && bytes.size() - progress.consumed >= kChunkedBytesMin) {
    const std::string_view rest = bytes.substr(progress.consumed);
    beast::error_code ec;
    progress.consumed += parser.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    if (ec == error::need_more) break;
    if (ec) {
      progress.refusal = impl_->seen.refusal.value_or(Refusal{400, "the chunked body is malformed"});
      break;
    }
  }
  impl_->seen.body = nullptr;
  progress.complete = parser.is_done();
  return progress;
}

}  // namespace keyhold::http
