#include "core/record.h"

#include <google/protobuf/message_lite.h>

#include "base/encoding.h"

namespace keyhold::core {
namespace {
constexpr std::size_t kLengthBytes = 4;
}

SecretBytes encode_record(const google::protobuf::MessageLite& header, std::string_view content) {
  const std::size_t header_bytes = header.ByteSizeLong();
  SecretBytes record;
  record.reserve(kLengthBytes + header_bytes + content.size());
  record.resize(kLengthBytes + header_bytes);
  char* out = record.writable().data();
  put_big_endian32(out, static_cast<std::uint32_t>(header_bytes));
  CHECK(header.SerializeToArray(out + kLengthBytes, static_cast<int>(header_bytes)));
  record.append(content);
  return record;
}

Result<RecordParts> split_record(std::string_view record) {
  if (record.size() < kLengthBytes) return Error{Code::kCorrupt, "a stored record is cut short"};
  const std::size_t header_bytes = get_big_endian32(record.data());
  record.remove_prefix(kLengthBytes);
  if (header_bytes > record.size()) return Error{Code::kCorrupt, "a stored record is cut short"};
  return RecordParts{record.substr(0, header_bytes), record.substr(header_bytes)};
}

Result<void> parse_header(std::string_view header, google::protobuf::MessageLite& message) {
  if (!message.ParseFromArray(header.data(), static_cast<int>(header.size()))) {
    return Error{Code::kCorrupt, "a stored record does not decode"};
  }
  return {};
}

}  // namespace keyhold::core
