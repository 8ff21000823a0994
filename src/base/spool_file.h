#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhold {

/// Bytes that are too many for memory, in a file without a name: gone with the object, and with the process however it ends.
///
/// threads   Appends from one; reads from any, once nothing is appended any more.
class SpoolFile {
 public:
  /// In a directory, or in memory when that is "". errors: kUnavailable.
  static Result<std::unique_ptr<SpoolFile>> create(const std::string& directory);
  /// An existing file, to be read. errors: kNotFound, kInvalid: no regular file; kUnavailable.
  static Result<std::unique_ptr<SpoolFile>> open(const std::string& path);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  /// errors: kUnavailable: the disk is full, or failed.
  Result<void> append(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  /// As many as there are from `offset` on, at most what fits; 0 at the end. errors: kUnavailable.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const;

 private:
  SpoolFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  const int fd_;
  std::uint64_t size_;
};

}  // namespace keyhold
