#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/audit/journal_file.h"

namespace keyhold::core::audit {

/// Reads a journal file line by line, holding one chunk and one line at most.
class LineReader {
 public:
  /// A symbolic link is followed. errors   kNotFound; kUnavailable: not a regular file, or not readable.
  static Result<LineReader> open(const std::string& path);

  /// The next line without its newline, until the next call; nothing at the end of the file.
  /// errors   kCorrupt: longer than kLineBytesMax, or the last line has no newline; kUnavailable.
  Result<std::optional<std::string_view>> next();
  /// Of the line last returned or refused, from 1.
  std::uint64_t number() const { return number_; }

 private:
  explicit LineReader(Descriptor file) : file_(std::move(file)) {}
  Result<std::size_t> fill();

  Descriptor file_;
  std::string buffer_;
  std::size_t begin_ = 0;  // Of what is not yet returned.
  std::uint64_t number_ = 0;
};

}  // namespace keyhold::core::audit
