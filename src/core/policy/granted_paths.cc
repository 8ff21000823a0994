#include "core/policy/granted_paths.h"

#include <algorithm>

namespace keyhold::core {
namespace {

/// Takes the segment before the first slash off; false when there is no slash.
bool take_segment(std::string_view& path, std::string_view& segment) {
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return false;
  segment = path.substr(0, slash);
  path.remove_prefix(slash + 1);
  return true;
}

/// Whether a pattern of segments matches anything below the folder.
bool meets(std::string_view pattern, std::string_view folder) {
  std::string_view wanted;
  std::string_view segment;
  while (take_segment(folder, segment)) {
    if (!take_segment(pattern, wanted)) {  // Its last segment: an open one takes in what is below.
      return pattern.ends_with('*') && segment.starts_with(pattern.substr(0, pattern.size() - 1));
    }
    if (wanted != "+" && wanted != segment) return false;
  }
  return !pattern.empty();
}

}  // namespace

GrantedPaths::GrantedPaths(std::span<const PolicyRule> rules) {
  for (const PolicyRule& rule : rules) {
    const CapabilitySet given = rule.permissions.capabilities;
    if (given.denies() || given.empty()) continue;
    (rule.match == PolicyRule::Match::kSegments ? patterns_ : beginnings_).push_back(rule.path);
  }
  std::sort(beginnings_.begin(), beginnings_.end());
}

bool GrantedPaths::any_below(std::string_view folder) const {
  const auto first = std::lower_bound(beginnings_.begin(), beginnings_.end(), folder);
  if (first != beginnings_.end() && first->starts_with(folder)) return true;
  return std::any_of(patterns_.begin(), patterns_.end(), [folder](const std::string& pattern) { return meets(pattern, folder); });
}

}  // namespace keyhold::core
