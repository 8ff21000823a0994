#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace keyhold::core {

/// Texts, each with a number, to be found as prefixes of another text. Immutable.
class PrefixTable {
 public:
  PrefixTable() = default;
  explicit PrefixTable(const std::map<std::string, std::size_t>& prefixes);

  struct Entry {
    std::string prefix;
    std::size_t number = 0;
    std::size_t parent = 0;  // The longest other prefix of this prefix, or none.
  };
  /// The longest prefix of `text`, or nullptr.
  const Entry* longest(std::string_view text) const;
  /// The next shorter one of the same text.
  const Entry* shorter(const Entry& entry) const { return entry.parent == kNone ? nullptr : &entries_[entry.parent]; }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::vector<Entry> entries_;  // Sorted, so that a parent comes first.
};

}  // namespace keyhold::core
