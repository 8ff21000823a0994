#include "core/aws_names.h"

#include <algorithm>

#include "base/result.h"
#include "core/policy/iam_arn.h"

namespace keyhold::core::aws {
namespace {

constexpr std::size_t kSuffixBytes = 6;

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool needs_escape(std::string_view segment) { return segment.empty() || segment == "." || segment == ".."; }

/// Calls `visit` with each segment; an empty text is one empty segment.
template <typename Visit>
void for_each_segment(std::string_view path, Visit&& visit) {
  for (;;) {
    const std::size_t slash = path.find('/');
    visit(path.substr(0, slash));
    if (slash == std::string_view::npos) return;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || std::string_view("/_+=.@-").find(c) != std::string_view::npos; });
}

std::string path_of(std::string_view aws_name) {
  std::string path;
  path.reserve(aws_name.size() + 8);
  for_each_segment(aws_name, [&](std::string_view segment) {
    if (needs_escape(segment)) path.push_back('~');
    path.append(segment).push_back('/');
  });
  path.pop_back();
  return path;
}

std::optional<std::string> name_of(std::string_view path) {
  std::string name;
  for_each_segment(path, [&](std::string_view segment) {
    if (segment.starts_with('~') && needs_escape(segment.substr(1))) segment.remove_prefix(1);
    name.append(segment).push_back('/');
  });
  name.pop_back();
  const bool known = valid_name(name) && path_of(name) == path;
  return known ? std::optional(std::move(name)) : std::nullopt;
}

std::string unique_id(std::string_view prefix, std::string_view bytes) {
  static constexpr std::string_view kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // 2⁵: none is likelier than another.
  CHECK(bytes.size() == kUniqueIdBytes);
  std::string id(prefix);
  for (const char byte : bytes) id.push_back(kCharacters[static_cast<unsigned char>(byte) % kCharacters.size()]);
  return id;
}

std::string arn_suffix(std::string_view secret_id) {
  static constexpr std::string_view kCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string suffix;
  for (std::size_t i = 0; i < kSuffixBytes; ++i) {
    // Two bytes each: the remainder is as good as even.
    const auto high = static_cast<unsigned char>(secret_id[2 * i]);
    const auto low = static_cast<unsigned char>(secret_id[2 * i + 1]);
    suffix.push_back(kCharacters[(high * 256u + low) % kCharacters.size()]);
  }
  return suffix;
}

std::string secret_arn(std::string_view region, std::string_view aws_name, std::string_view suffix) {
  return iam::secret_arn(region.empty() ? kDefaultRegion : region, kAccount, aws_name, suffix);
}

}  // namespace keyhold::core::aws
