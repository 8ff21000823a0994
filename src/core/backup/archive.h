#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

/// A gzip'd tar archive in exactly one spelling: what Vault's client insists on, what everybody's tools open, and of which no bit
/// can be changed unnoticed. Deflate and tar leave room where nothing looks (padding, time stamps, flags): a reader that refuses whatever
/// the writer would not have written needs no general one, which would take both.
///
/// sources   RFC 1952 (gzip); RFC 1951 §3.2.4 (stored blocks: what is encrypted cannot be compressed); POSIX.1 pax, "ustar Interchange Format".
namespace keyhold::core::backup {

inline constexpr std::size_t kArchivedFileBytesMax = 8 * 1024 * 1024;

using Sink = std::function<Result<void>(std::string_view bytes)>;
/// As many bytes as asked for, or fewer at the end.
using Pull = std::function<Result<std::string>(std::size_t bytes)>;

/// threads   One.
class ArchiveWriter {
 public:
  explicit ArchiveWriter(Sink sink) : sink_(std::move(sink)) {}

  /// `name` has at most 99 characters, `content` kArchivedFileBytesMax. errors: of the sink.
  Result<void> add(std::string_view name, std::string_view content);
  /// Nothing can be added after it.
  Result<void> finish();

 private:
  Result<void> put(std::string_view bytes);
  enum class Block : std::uint8_t { kMore, kLast };
  Result<void> put_block(Block kind);

  const Sink sink_;
  std::string block_;
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;  // Modulo 2^32.
  bool begun_ = false;
};

/// threads   One.
class ArchiveReader {
 public:
  explicit ArchiveReader(Pull pull) : pull_(std::move(pull)) {}

  struct File {
    std::string name;
    std::string content;
  };
  /// The next one; nullopt at the end, which then was in order. errors: kInvalid: no such archive, or a damaged or cut one; of `pull`.
  Result<std::optional<File>> next();

 private:
  Result<std::string> take(std::size_t bytes);
  Result<void> fill();
  Result<std::string> take_raw(std::size_t bytes);
  Result<void> check_end();

  const Pull pull_;
  std::string unread_;
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;
  bool begun_ = false;
  bool last_block_ = false;
};

}  // namespace keyhold::core::backup
