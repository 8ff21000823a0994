#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace keyhold::http {

/// Why the server refuses a request by itself: a status, and a fixed text that never holds input.
struct Refusal {
  int status;
  std::string_view reason;
};

/// The size of the request head at the front of `bytes`, with its empty line; or of a prefix that check_head() refuses
/// (it has a line feed without carriage return); 0 when more bytes are needed. `from` is what an earlier call has seen.
std::size_t head_size(std::string_view bytes, std::size_t from);

/// Judges the bytes of one head before Beast's parser splits it, as that parser is laxer: it joins folded lines, takes
/// every kind of target, and finds ends of lines where another hop may see none. Accepted is exactly
///
///   token SP "/"*%x21-7E SP "HTTP/1." ( "0" / "1" ) CRLF *( token ":" *( HTAB / %x20-7E / obs-text ) CRLF ) CRLF
///
/// without "#" in the target and within the limits of base/limits.h.
/// errors   400, 414 (target), 431 (too many headers), 501 (over-long method), 505.
/// source   RFC 9112, sections 2.2, 3 and 5; RFC 9110, section 5.6.2.
std::optional<Refusal> check_head(std::string_view head);

}  // namespace keyhold::http
