#include "core/version_history.h"

#include <algorithm>

#include "core/keys.h"
#include "core/record.h"

namespace keyhold::core::version_history {

Result<void> note(Transaction& tx, std::string_view version, UnixMillis now_ms) {
  std::string key = keys::installed_version(version);
  TRY_ASSIGN(const EntryRef entry, tx.get(key));
  if (entry->present()) return {};
  records::InstalledVersion installed;
  installed.set_version(std::string(version));
  installed.set_installed_ms(now_ms);
  tx.put(std::move(key), encode_record(installed));
  return {};
}

Result<std::vector<records::InstalledVersion>> all(Transaction& tx) {
  storage::ListOptions options;
  options.prefix = keys::kInstalledVersionKind;
  TRY_ASSIGN(const storage::Page page, tx.list(options));
  std::vector<records::InstalledVersion> versions;
  for (const auto& item : page.items) {
    TRY_ASSIGN(const auto installed, tx.load<records::InstalledVersion>(item.key));
    if (installed != nullptr) versions.push_back(*installed);
  }
  std::sort(versions.begin(), versions.end(),
            [](const auto& a, const auto& b) { return a.installed_ms() < b.installed_ms(); });
  return versions;
}

}  // namespace keyhold::core::version_history
