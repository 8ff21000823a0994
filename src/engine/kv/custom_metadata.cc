#include "engine/kv/custom_metadata.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/utf8.h"

namespace keyhold::engine::custom_metadata {
namespace {

constexpr std::size_t kPairsMax = 64;
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kValueBytesMax = 512;

Error refused(std::string reason) { return {Code::kInvalid, "custom_metadata validation failed: " + std::move(reason)}; }

Result<void> check_count(std::size_t count) {
  if (count <= kPairsMax) return {};
  return refused("payload must contain at most " + std::to_string(kPairsMax) + " keys, provided " + std::to_string(count));
}

/// What Go's unicode.IsPrint refuses: controls, spaces but the ASCII one, marks of direction and format, private use.
bool printable(char32_t point) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  static constexpr std::array kUnprintable{
      Range{0x00, 0x1F},     Range{0x7F, 0xA0},     Range{0xAD, 0xAD},     Range{0x600, 0x605},     Range{0x61C, 0x61C},
      Range{0x6DD, 0x6DD},   Range{0x70F, 0x70F},   Range{0x1680, 0x1680}, Range{0x180E, 0x180E},   Range{0x2000, 0x200F},
      Range{0x2028, 0x202F}, Range{0x205F, 0x206F}, Range{0x3000, 0x3000}, Range{0xD800, 0xF8FF},   Range{0xFEFF, 0xFEFF},
      Range{0xFFF0, 0xFFFB}, Range{0xFFFE, 0xFFFF}, Range{0xE0000, 0xE0FFF}, Range{0xF0000, 0x10FFFF}};
  return std::none_of(kUnprintable.begin(), kUnprintable.end(),
                      [point](const Range& range) { return point >= range.first && point <= range.last; });
}

bool printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8::sequence_bytes(text);
    if (bytes == 0 || !printable(utf8::decode(text.substr(0, bytes)))) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

Result<void> check_pair(std::string_view name, std::string_view value) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return refused("length of key is " + std::to_string(name.size()) + " but must be 0 < len(key) <= " + std::to_string(kNameBytesMax));
  }
  if (value.empty() || value.size() > kValueBytesMax) {
    return refused("length of value is " + std::to_string(value.size()) + " but must be 0 < len(value) <= " +
                   std::to_string(kValueBytesMax));
  }
  if (!printable(name)) return refused("a key contains unprintable characters");
  if (!printable(value)) return refused("a value contains unprintable characters");
  return {};
}

Result<std::string> text_of(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kString: return value.as_string();
    case json::Kind::kNumber: return std::string(value.raw());
    case json::Kind::kBool: return std::string(value.raw() == "true" ? "1" : "0");  // As Vault's weak decoding does.
    case json::Kind::kNull: return std::string();
    case json::Kind::kArray:
    case json::Kind::kObject: break;
  }
  return refused("values must be strings");
}

}  // namespace

Result<void> apply(Map& map, const json::Value& given, Change change) {
  TRY(check_count(given.size()));
  for (std::size_t i = 0; i < given.size(); ++i) {
    std::string name = given.key_at(i);
    if (change == Change::kPatch && given.at(i).is_null()) {
      map.erase(name);
      continue;
    }
    TRY_ASSIGN(std::string value, text_of(given.at(i)));
    TRY(check_pair(name, value));
    map.insert_or_assign(std::move(name), std::move(value));
  }
  return check_count(map.size());
}

}  // namespace keyhold::engine::custom_metadata
