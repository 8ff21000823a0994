#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/audit/line.h"

namespace keyhold::core::audit {

/// A place between two lines of a stream.
struct Position {
  std::uint64_t file = 0;      // First sequence number of the file; 0 = none was read yet.
  std::uint64_t offset = 0;    // Bytes.
  std::uint64_t sequence = 0;  // Of the line before; 0 = none. When no file was read: of the last that was gone before.
  Digest chain{};              // Of the line before; zeros when none was read. Tells whether this is the journal that was read.

  bool before(const Position& other) const { return file != other.file ? file < other.file : offset < other.offset; }
  friend bool operator==(const Position&, const Position&) = default;
};

/// How far a device has been written, per stream.
struct Cursor {
  struct Stream {
    Position from;     // Reading begins here: the oldest write whose outcome is not yet known.
    Position through;  // All lines before it are in the device.
  };
  std::map<int, Stream> streams;

  std::string text() const;
  /// Nothing unless it is exactly a text that text() gave: a damaged cursor must not skip anything.
  static std::optional<Cursor> parse(std::string_view text);
};

/// Kept beside the journal's files as `<device>.cursor`, replaced whole.
std::string cursor_file_name(std::string_view device);

/// kNotFound: there is none yet. kCorrupt: it is damaged. kUnavailable.
Result<Cursor> load_cursor(const std::string& directory, std::string_view device);
Result<void> save_cursor(const std::string& directory, std::string_view device, const Cursor& cursor);

}  // namespace keyhold::core::audit
