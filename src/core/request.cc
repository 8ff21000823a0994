#include "core/request.h"

namespace keyhold::core {

std::string_view to_string(Api api) {
  switch (api) {
    case Api::kVault: return "vault";
    case Api::kAws: return "aws";
    case Api::kInternal: return "internal";
  }
  return "";
}

RequestId RequestId::random(crypto::Rng& rng) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<char, 16> bytes{};
  rng.fill(bytes);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  RequestId id;
  char* out = id.text_.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    *out++ = kHex[byte >> 4];
    *out++ = kHex[byte & 15];
  }
  return id;
}

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::kRead: return "read";
    case Operation::kUpdate: return "update";
    case Operation::kPatch: return "patch";
    case Operation::kDelete: return "delete";
    case Operation::kList: return "list";
    case Operation::kScan: return "scan";
    case Operation::kHelp: return "help";
    case Operation::kCall: return "call";
  }
  return "";
}

}  // namespace keyhold::core
