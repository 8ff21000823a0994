#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret_bytes.h"
#include "http/server.h"

namespace keyhold::http {

enum class Body : std::uint8_t { kSent, kOmitted };             // kOmitted: the answer to HEAD.
enum class Afterwards : std::uint8_t { kKeepAlive, kClose };

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
std::string date_line(UnixMillis now_ms);

/// Whether Response::content_type and Response::headers are safe to send: lines are whole, none hides another.
bool well_formed(const Response& response);

/// Appends the response as one HTTP/1.1 message to `out`. The response is well-formed.
void render(const Response& response, std::string_view date_line, Body body, Afterwards afterwards, SecretBytes& out);

}  // namespace keyhold::http
