#include "core/stored_names.h"

#include "base/json.h"
#include "base/limits.h"

namespace keyhold::core {

Result<std::vector<std::string>> names_below(Call& call, std::string_view prefix) {
  std::vector<std::string> names;
  storage::ListOptions options;
  options.prefix = prefix;
  options.limit = limits::kStorageListMax;
  std::string after;
  for (bool more = true; more;) {
    options.after = after;
    TRY_ASSIGN(const storage::Page page, call.tx().list(options));
    for (const auto& item : page.items) names.push_back(item.key.substr(prefix.size()));
    more = page.more;
    if (more) after = page.items.back().key;
  }
  return names;
}

Reply listed(const std::vector<std::string>& names) {
  if (names.empty()) return Reply::not_found();
  Reply reply;
  json::Writer(reply.data).begin_object().key("keys").strings(names).end_object();
  return reply;
}

}  // namespace keyhold::core
