#include "core/backup/archive.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace keyhold::core::backup {
namespace {

constexpr std::string_view kGzipHeader{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10};  // No flags, no time, no system.
constexpr std::size_t kBlockBytes = 65'535;
constexpr std::size_t kBlockHeadBytes = 5;
constexpr std::size_t kTarBlockBytes = 512;
constexpr std::size_t kEndBytes = 2 * kTarBlockBytes;
constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kSizeDigits = 11;
constexpr std::size_t kChecksumAt = 148;
constexpr std::size_t kChecksumBytes = 8;

Error corrupt() { return {Code::kInvalid, "this is no snapshot, or a damaged one"}; }

std::string little_endian(std::uint32_t number, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(number >> (8 * i)));
  return text;
}

std::string block_head(bool last, std::size_t size) {
  const auto length = static_cast<std::uint32_t>(size);
  return std::string(1, last ? '\1' : '\0') + little_endian(length, 2) + little_endian(~length & 0xffff, 2);
}

std::size_t padding(std::size_t size) { return (kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes; }

std::string tar_head(std::string_view name, std::size_t size) {
  std::string head(kTarBlockBytes, '\0');
  const auto put = [&head](std::size_t at, std::string_view text) { text.copy(head.data() + at, text.size()); };
  char digits[kSizeDigits + 1];
  std::snprintf(digits, sizeof digits, "%011zo", size);
  put(0, name);
  put(100, "0000600");
  put(108, "0000000");
  put(116, "0000000");
  put(kSizeAt, digits);
  put(136, "00000000000");
  put(kChecksumAt, std::string(kChecksumBytes, ' '));
  put(156, "0");
  put(257, std::string_view("ustar\0" "00", 8));
  unsigned sum = 0;
  for (const char byte : head) sum += static_cast<unsigned char>(byte);
  std::snprintf(digits, sizeof digits, "%06o", sum);
  put(kChecksumAt, std::string_view(digits, 7));  // Its zero byte too; the space after it is there.
  return head;
}

std::uint32_t checked(std::uint32_t crc, std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Result<void> ArchiveWriter::add(std::string_view name, std::string_view content) {
  CHECK(!name.empty() && name.size() < kNameBytes && content.size() <= kArchivedFileBytesMax);
  TRY(put(tar_head(name, content.size())));
  TRY(put(content));
  return put(std::string(padding(content.size()), '\0'));
}

Result<void> ArchiveWriter::finish() {
  TRY(put(std::string(kEndBytes, '\0')));
  TRY(put_block(Block::kLast));
  return sink_(little_endian(crc_, 4) + little_endian(size_, 4));
}

Result<void> ArchiveWriter::put(std::string_view bytes) {
  if (!begun_) TRY(sink_(kGzipHeader));
  begun_ = true;
  crc_ = checked(crc_, bytes);
  size_ += static_cast<std::uint32_t>(bytes.size());
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kBlockBytes - block_.size());
    block_.append(part);
    bytes.remove_prefix(part.size());
    if (block_.size() == kBlockBytes) TRY(put_block(Block::kMore));
  }
  return {};
}

Result<void> ArchiveWriter::put_block(Block kind) {
  TRY(sink_(block_head(kind == Block::kLast, block_.size())));
  TRY(sink_(block_));
  block_.clear();
  return {};
}

Result<std::string> ArchiveReader::take_raw(std::size_t bytes) {
  TRY_ASSIGN(std::string got, pull_(bytes));
  if (got.size() != bytes) return corrupt();
  return got;
}

/// One more block of the file to what is unread.
Result<void> ArchiveReader::fill() {
  if (!begun_) {
    TRY_ASSIGN(const std::string header, take_raw(kGzipHeader.size()));
    if (header != kGzipHeader) return corrupt();
    begun_ = true;
  }
  if (last_block_) return corrupt();
  TRY_ASSIGN(const std::string head, take_raw(kBlockHeadBytes));
  last_block_ = head[0] == '\1';
  const std::size_t size = static_cast<unsigned char>(head[1]) + 256u * static_cast<unsigned char>(head[2]);
  if (head != block_head(last_block_, size) || (size == kBlockBytes) == last_block_) return corrupt();
  TRY_ASSIGN(const std::string block, take_raw(size));
  crc_ = checked(crc_, block);
  size_ += static_cast<std::uint32_t>(block.size());
  unread_.append(block);
  return {};
}

Result<std::string> ArchiveReader::take(std::size_t bytes) {
  while (unread_.size() < bytes) TRY(fill());
  std::string taken = unread_.substr(0, bytes);
  unread_.erase(0, bytes);
  return taken;
}

Result<std::optional<ArchiveReader::File>> ArchiveReader::next() {
  TRY_ASSIGN(const std::string head, take(kTarBlockBytes));
  if (head[0] == '\0') {
    TRY_ASSIGN(const std::string rest, take(kEndBytes - kTarBlockBytes));
    if (head + rest != std::string(kEndBytes, '\0')) return corrupt();
    TRY(check_end());
    return std::optional<File>();
  }
  File file;
  file.name = head.substr(0, std::min(head.find('\0'), kNameBytes));
  std::size_t size = 0;
  const char* const digits = head.data() + kSizeAt;
  const auto parsed = std::from_chars(digits, digits + kSizeDigits, size, 8);
  if (parsed.ec != std::errc() || parsed.ptr != digits + kSizeDigits || size > kArchivedFileBytesMax) return corrupt();
  if (file.name.size() >= kNameBytes || head != tar_head(file.name, size)) return corrupt();
  TRY_ASSIGN(file.content, take(size));
  TRY_ASSIGN(const std::string pad, take(padding(size)));
  if (pad != std::string(pad.size(), '\0')) return corrupt();
  return std::optional<File>(std::move(file));
}

Result<void> ArchiveReader::check_end() {
  while (!last_block_) TRY(fill());
  if (!unread_.empty()) return corrupt();
  TRY_ASSIGN(const std::string trailer, take_raw(8));
  if (trailer != little_endian(crc_, 4) + little_endian(size_, 4)) return corrupt();
  TRY_ASSIGN(const std::string more, pull_(1));
  if (!more.empty()) return corrupt();
  return {};
}

}  // namespace keyhold::core::backup
