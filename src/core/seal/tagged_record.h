#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::core {

/// The seal's own small records, whose content must not pass through memory that is not wiped:
/// format (1 byte) ‖ fields, each tag (1 byte) ‖ length (2 bytes, big endian) ‖ value. A reader skips the tags it does not
/// know; a change that it must not skip raises the format.
struct TaggedField {
  std::uint8_t tag;
  std::string_view value;
};

void begin_tagged(SecretBytes& out, std::uint8_t format);
/// CHECKs that the value is shorter than 64 KiB.
void append_tagged(SecretBytes& out, std::uint8_t tag, std::string_view value);

/// The fields in order, as views into `record`. errors: kCorrupt: cut short, or of another format.
Result<std::vector<TaggedField>> parse_tagged(std::string_view record, std::uint8_t format);

}  // namespace keyhold::core
