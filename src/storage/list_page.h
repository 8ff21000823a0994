#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "storage/storage.h"

/// The paging and folding of list(), shared by the embedded stores.
namespace keyhold::storage {

/// The first key after all keys that begin with `prefix`; nullopt when there is none.
inline std::optional<std::string> after_prefix(std::string_view prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.remove_suffix(1);
  if (prefix.empty()) return std::nullopt;
  std::string next(prefix);
  next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

inline bool is_reserved(std::string_view key) { return key.starts_with(kReservedPrefix); }

/// The common prefix that `key` (which begins with options.prefix) is folded into.
inline std::optional<std::string_view> folded(std::string_view key, const ListOptions& options) {
  if (!options.delimiter) return std::nullopt;
  const std::size_t at = key.find(*options.delimiter, options.prefix.size());
  if (at == std::string_view::npos) return std::nullopt;
  return key.substr(0, at + 1);
}

/// Where a page begins; nullopt when nothing can follow.
inline std::optional<std::string> page_start(const ListOptions& options) {
  if (options.after < options.prefix || options.after.empty()) return std::string(options.prefix);
  if (options.after.starts_with(options.prefix)) {
    if (const auto common = folded(options.after, options)) return after_prefix(*common);
  }
  return std::string(options.after) + '\0';
}

/// One page from `cursor`, which offers seek(key), next(), valid(), key(), version() and, asked last, status(). Children
/// below a common prefix are skipped by one seek, however many there are.
template <typename Cursor>
Result<Page> list_page(Cursor& cursor, const ListOptions& options, Version at) {
  if (options.limit == 0) return Error{Code::kInvalid, "a page holds at least one item"};
  const std::size_t limit = std::min(options.limit, limits::kStorageListMax);
  Page page;
  page.at = at;
  std::optional<std::string> seek_to = page_start(options);
  while (seek_to) {
    cursor.seek(*seek_to);
    seek_to.reset();
    for (; cursor.valid() && !seek_to; ) {
      const std::string_view key = cursor.key();
      if (!key.starts_with(options.prefix) || is_reserved(key)) break;
      if (page.items.size() == limit) {
        page.more = true;
        break;
      }
      if (const auto common = folded(key, options)) {
        page.items.push_back({std::string(*common), true, 0});
        seek_to = after_prefix(*common);
        if (!seek_to) break;
      } else {
        page.items.push_back({std::string(key), false, cursor.version()});
        cursor.next();
      }
    }
  }
  TRY(cursor.status());
  return page;
}

}  // namespace keyhold::storage
