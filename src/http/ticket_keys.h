#pragma once

#include "base/result.h"

using SSL_CTX = struct ssl_ctx_st;

namespace keyhold::http {

/// Gives `context` session ticket keys of its own that are replaced every hour, so that recorded traffic stays safe from
/// a later theft of memory (OpenSSL keeps one key for ever). A session lives for an hour.
Result<void> rotate_ticket_keys(SSL_CTX* context);

}  // namespace keyhold::http
