#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/hmac.h"

/// One line of a journal file:
///   {"seq":N,"time":"2026-01-02T03:04:05.678Z",<members>,"chain":"<64 hexadecimal digits>"}
/// with chain = SHA-256(chain of the line before ‖ this line's bytes before `,"chain":`).
namespace keyhold::core::audit {

using crypto::Digest;

// A record is bounded so that a reader's memory is.
inline constexpr std::size_t kMembersBytesMax = 1024 * 1024;
inline constexpr std::size_t kLineBytesMax = kMembersBytesMax + 256;

/// RFC 3339 in UTC with milliseconds. The text up to the second is kept for the next call.
///
/// threads   One at a time.
class TimeText {
 public:
  static constexpr std::size_t kBytes = 24;
  /// Dies with the next call. Times outside the years 1970 to 9999 become the nearest inside.
  std::string_view at(UnixMillis time_ms);

 private:
  std::int64_t second_ = -1;
  std::array<char, kBytes> text_{};
};

/// Appends a whole line with its newline to `out` and returns its chain value.
Digest append_line(std::string& out, std::uint64_t sequence, std::string_view time, std::string_view members,
                   const Digest& previous);

enum class LineKind : std::uint8_t { kRecord, kGenesis, kCheckpoint, kDropped };

/// Told by the first member's name, which a record may not use.
LineKind kind_of(std::string_view members);

/// A line taken apart; views into it.
struct Line {
  std::uint64_t sequence = 0;
  std::string_view members;
  std::string_view chained;  // What the chain hash covers.
  Digest chain{};

  LineKind kind() const { return kind_of(members); }
  bool follows(const Digest& previous) const;
};

/// `text` has no newline. Nothing unless it has exactly the shape above; the chain is not checked.
std::optional<Line> parse_line(std::string_view text);

/// `<stream>-<first sequence, 20 digits>.jsonl`: sorts by age within a stream.
struct FileName {
  int stream = 0;
  std::uint64_t first_sequence = 0;

  std::string text() const;
  static std::optional<FileName> parse(std::string_view text);
  friend auto operator<=>(const FileName&, const FileName&) = default;
};

}  // namespace keyhold::core::audit
