#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

/// Times and durations as Go prints and reads them, which is what Vault's clients expect.
namespace keyhold {

/// A time as text, without an allocation: it stands in every reply about a secret.
class Rfc3339 {
 public:
  operator std::string_view() const { return {text_.data(), size_}; }  // NOLINT: it is text.

 private:
  friend Rfc3339 format_rfc3339(UnixMillis);
  void append_digits(std::int64_t number, std::size_t count);
  void append(char character) { text_[size_++] = character; }

  std::array<char, 32> text_;
  std::size_t size_ = 0;
};

/// RFC 3339 in UTC, fraction without trailing zeros: "2023-11-14T22:13:20.123Z", "1970-01-01T00:00:00Z".
/// Times outside the years 0 to 9999 become the nearest inside.
Rfc3339 format_rfc3339(UnixMillis time_ms);

/// "3600" (seconds), "2d" (days), or Go's form: decimal numbers with units h, m, s, ms, us, µs, ns ("1h30m", "1.5h");
/// rounded down to seconds.
///
/// errors   kInvalid: another form, empty, negative, or over 292 years (Go's range).
Result<std::int64_t> parse_duration_s(std::string_view text);

/// "0s", "45s", "1m0s", "1h0m0s", "-1m30s".
std::string format_duration_s(std::int64_t duration_s);

}  // namespace keyhold
