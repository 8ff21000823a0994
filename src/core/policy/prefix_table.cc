#include "core/policy/prefix_table.h"

#include <algorithm>

namespace keyhold::core {
namespace {

std::size_t common_bytes(std::string_view a, std::string_view b) {
  const auto [end, unused] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

}  // namespace

PrefixTable::PrefixTable(const std::map<std::string, std::size_t>& prefixes) {
  entries_.reserve(prefixes.size());
  for (const auto& [prefix, number] : prefixes) {
    std::size_t parent = entries_.empty() ? kNone : entries_.size() - 1;
    while (parent != kNone && !prefix.starts_with(entries_[parent].prefix)) parent = entries_[parent].parent;
    entries_.push_back({prefix, number, parent});
  }
}

/// Every prefix of `text` is one of its greatest predecessor too, so it is that one or among its parents.
const PrefixTable::Entry* PrefixTable::longest(std::string_view text) const {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), text,
                                      [](std::string_view sought, const Entry& entry) { return sought < entry.prefix; });
  if (after == entries_.begin()) return nullptr;
  const Entry* entry = &*std::prev(after);
  const std::size_t common = common_bytes(entry->prefix, text);
  while (entry != nullptr && entry->prefix.size() > common) entry = shorter(*entry);
  return entry;
}

}  // namespace keyhold::core
