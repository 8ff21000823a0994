#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/audit/forward/cursor.h"
#include "core/audit/journal.h"
#include "core/audit/journal_file.h"
#include "core/audit/line.h"

namespace keyhold::core::audit {

/// Reads the lines of one stream from a position on, across its files, while the journal writes them.
///
/// threads   One at a time.
class StreamTail {
 public:
  /// `journal` writes to `directory`, and outlives this.
  StreamTail(std::string directory, const Journal& journal, int stream)
      : directory_(std::move(directory)), journal_(journal), stream_(stream) {}

  enum class Sought : std::uint8_t {
    kFound,
    kNotThere,  // Another journal, or one that was cut: seek elsewhere.
  };
  Result<Sought> seek(const Position& position);
  /// To before the oldest line there is now. What is removed from there on, before it is read, was missed.
  void seek_oldest();

  struct Next {
    Position begin;
    std::string_view text;     // Without its newline.
    std::optional<Line> line;  // Nothing: damaged.
    std::size_t bytes = 0;     // To go past it.
  };
  /// The line at the position, until advance(); nothing when there is none yet.
  Result<std::optional<Next>> peek();
  /// Goes past it.
  void advance();

  const Position& position() const { return position_; }
  /// Lines that were gone before they could be read: removed by policy or by hand.
  std::uint64_t lines_missed() const { return lines_missed_; }

 private:
  Result<std::optional<std::uint64_t>> file_after(std::uint64_t sequence) const;
  Result<bool> open_file(std::uint64_t first_sequence);
  Result<bool> follows_chain(const Position& position) const;
  Result<std::size_t> fill(std::uint64_t limit);
  Result<bool> next_file();

  const std::string directory_;
  const Journal& journal_;
  const int stream_;
  Position position_;
  Descriptor file_;
  std::string buffer_;     // What was read of the file from position_ on, after begin_.
  std::size_t begin_ = 0;
  std::optional<Next> next_;
  std::uint64_t lines_missed_ = 0;
};

}  // namespace keyhold::core::audit
