#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/secret_bytes.h"
#include "http/head_check.h"
#include "http/server.h"

namespace keyhold::http {

/// How a request's body is delimited, and what its head says about the connection.
struct Framing {
  enum class Body { kNone, kSized, kChunked };
  Body body = Body::kNone;
  std::uint64_t body_bytes = 0;   // kSized; at most what was allowed.
  bool keep_alive = false;
  bool expects_continue = false;
};

/// Splits requests, one after another, by Beast's parser; nothing is copied out of the buffers it is shown.
///
/// threads   One at a time.
class RequestParser {
 public:
  /// `bounds` outlive it.
  explicit RequestParser(std::size_t body_bytes_max, std::span<const BodyBound> bounds = {});
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Begins a request whose `head` has passed check_head(): sets its method, target and headers, and lowers the case of
  /// their names in place.
  /// errors   400, 413 (declared size), 417, 501 (transfer coding).
  std::optional<Refusal> parse_head(Request& request);
  const Framing& framing() const;

  struct Progress {
    std::size_t consumed = 0;
    bool complete = false;
    std::optional<Refusal> refusal;
  };
  /// Shortest end of a chunked body. Beast's parser may be shown no less: it asserts on the last chunk in pieces.
  static constexpr std::size_t kChunkedBytesMin = std::string_view("0\r\n\r\n").size();
  /// Decodes what it can of a chunked body and appends it to `body`; nothing while `bytes` are fewer than
  /// kChunkedBytesMin. They begin where the last call stopped consuming. Trailers are dropped.
  /// errors   400, 413.
  Progress put_chunked(std::string_view bytes, SecretBytes& body);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyhold::http
