#include "core/policy/policy_name.h"

#include <algorithm>
#include <array>

#include "base/scalar.h"

namespace keyhold::core {
namespace {

constexpr std::array<std::string_view, 3> kReserved{kRootPolicyName, kWrappingPolicyName, "control-group"};

bool is_lower_or_digit(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'); }

}  // namespace

bool reserved_policy_name(std::string_view normal_name) {
  return std::find(kReserved.begin(), kReserved.end(), normal_name) != kReserved.end();
}

Result<std::string> normalize_policy_name(std::string_view name) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = name.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return Error{Code::kInvalid, "a policy name is empty"};
  name = name.substr(first, name.find_last_not_of(kSpace) - first + 1);
  if (name.size() > kPolicyNameBytesMax) return Error{Code::kInvalid, "a policy name is too long"};
  std::string normal = to_lower(name);
  const auto allowed = [](char byte) {
    return is_lower_or_digit(byte) || std::string_view("-_.@:+").find(byte) != std::string_view::npos;
  };
  const bool starts_well = is_lower_or_digit(normal.front()) || normal.front() == '_';
  if (!starts_well || !std::all_of(normal.begin(), normal.end(), allowed)) {
    return Error{Code::kInvalid, "a policy name has a character that is not allowed"};
  }
  return normal;
}

}  // namespace keyhold::core
