#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "http/stream.h"

using SSL_CTX = struct ssl_ctx_st;

namespace keyhold::http {

/// With a concrete executor: the type-erased one costs an allocation for each operation.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

std::unique_ptr<Stream> make_plain_stream(Socket socket);
/// nullptr when OpenSSL has no memory. Takes a reference of its own to `context`.
std::unique_ptr<Stream> make_tls_stream(Socket socket, SSL_CTX* context);

}  // namespace keyhold::http
