#include "core/seal/tagged_record.h"

namespace keyhold::core {
namespace {

constexpr std::size_t kFieldHeadBytes = 3;

}  // namespace

void begin_tagged(SecretBytes& out, std::uint8_t format) { out.push_back(static_cast<char>(format)); }

void append_tagged(SecretBytes& out, std::uint8_t tag, std::string_view value) {
  CHECK(value.size() <= 0xffff);
  out.push_back(static_cast<char>(tag));
  out.push_back(static_cast<char>(value.size() >> 8));
  out.push_back(static_cast<char>(value.size()));
  out.append(value);
}

Result<std::vector<TaggedField>> parse_tagged(std::string_view record, std::uint8_t format) {
  const auto byte = [&record](std::size_t at) { return static_cast<std::uint8_t>(record[at]); };
  if (record.empty() || byte(0) != format) return Error{Code::kCorrupt, "a seal record has an unknown format"};
  record.remove_prefix(1);
  std::vector<TaggedField> fields;
  while (!record.empty()) {
    if (record.size() < kFieldHeadBytes) return Error{Code::kCorrupt, "a seal record is cut short"};
    const std::uint8_t tag = byte(0);
    const std::size_t size = std::size_t{byte(1)} << 8 | byte(2);
    record.remove_prefix(kFieldHeadBytes);
    if (record.size() < size) return Error{Code::kCorrupt, "a seal record is cut short"};
    fields.push_back({tag, record.substr(0, size)});
    record.remove_prefix(size);
  }
  return fields;
}

}  // namespace keyhold::core
