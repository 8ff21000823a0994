#pragma once

#include <memory>

#include "http/event_loop.h"
#include "http/stream.h"

using SSL_CTX = struct ssl_ctx_st;

namespace keyhold::http {

/// Take over a non-blocking connected socket. The stream dies before the loop does.
std::unique_ptr<Stream> make_plain_stream(EventLoop& loop, int descriptor);
/// nullptr when OpenSSL has no memory. Takes a reference of its own to `context`.
std::unique_ptr<Stream> make_tls_stream(EventLoop& loop, int descriptor, SSL_CTX* context);

}  // namespace keyhold::http
