#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace google::protobuf {
class MessageLite;
}

namespace keyhold::core {

/// Stored record = length of the header (4 bytes, big endian) ‖ header (protobuf) ‖ content (raw bytes, may be empty).
SecretBytes encode_record(const google::protobuf::MessageLite& header, std::string_view content = {});

struct RecordParts {
  std::string_view header;
  std::string_view content;
};
/// errors: kCorrupt.
Result<RecordParts> split_record(std::string_view record);

/// errors: kCorrupt.
Result<void> parse_header(std::string_view header, google::protobuf::MessageLite& message);

/// Header of a record as its message type.
template <typename Message>
Result<Message> decode_record(const SecretBytes& record) {
  TRY_ASSIGN(const RecordParts parts, split_record(record.reveal()));
  Message message;
  TRY(parse_header(parts.header, message));
  return message;
}

}  // namespace keyhold::core
