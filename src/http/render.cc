#include "http/render.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace keyhold::http {
namespace {

constexpr std::size_t kHeadBytesUsual = 256;  // Of what the server adds.

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 472: return "DR Secondary";          // Vault's sys/health.
    case 473: return "Performance Standby";   // Vault's sys/health.
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Other";
  }
}

void append_number(SecretBytes& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 127; });
}

}  // namespace

std::string date_line(UnixMillis now_ms) {
  const std::time_t now_s = static_cast<std::time_t>(now_ms / 1000);
  std::tm utc{};
  gmtime_r(&now_s, &utc);
  // Not strftime: its names follow the locale.
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 96> line;
  const int size = std::snprintf(line.data(), line.size(), "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                                 kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                                 kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                                 utc.tm_sec);
  return {line.data(), static_cast<std::size_t>(size)};
}

bool well_formed(const Response& response) {
  if (response.status < 200 || response.status > 599 || has_control(response.content_type)) return false;
  const std::string_view lines = response.headers;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto c = static_cast<unsigned char>(lines[i]);
    if ((c >= ' ' && c != 127) || c == '\t') continue;
    if (c != '\r' || i == begin || i + 1 == lines.size() || lines[i + 1] != '\n') return false;
    begin = ++i + 1;
  }
  return begin == lines.size();
}

void render(const Response& response, std::string_view date_line, Body body, Afterwards afterwards, SecretBytes& out) {
  const bool bodiless_status = response.status == 204 || response.status == 304;
  const bool send_body = body == Body::kSent && !bodiless_status;
  out.reserve(out.size() + kHeadBytesUsual + response.headers.size() + (send_body ? response.body.size() : 0));
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.push_back(' ');
  out.append(reason_phrase(response.status));
  out.append("\r\n");
  out.append(date_line);
  if (!response.content_type.empty() && !bodiless_status) {
    out.append("Content-Type: ");
    out.append(response.content_type);
    out.append("\r\n");
  }
  out.append(response.headers);
  if (!bodiless_status) {
    out.append("Content-Length: ");
    append_number(out, response.body.size() + (response.file != nullptr ? response.file->size() : 0));
    out.append("\r\n");
  }
  out.append(afterwards == Afterwards::kClose ? std::string_view("Connection: close\r\n\r\n") : std::string_view("\r\n"));
  if (send_body) out.append(response.body.reveal());
}

}  // namespace keyhold::http
