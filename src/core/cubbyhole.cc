#include "core/cubbyhole.h"

#include "base/encoding.h"
#include "core/secret_write.h"

namespace keyhold::core::cubbyhole {
namespace {

/// Each takes up to 11 operations: name, head, version, and 8 chunks of the largest content.
constexpr std::size_t kSecretsAtOnce = 10;

}  // namespace

std::string folder_of(std::string_view liveness_id) { return hex_encode(liveness_id) + "/"; }

Result<bool> erase_some(Transaction& tx, keys::MountId mount, std::string_view liveness_id, UnixMillis now) {
  const std::string folder = folder_of(liveness_id);
  TRY_ASSIGN(const auto page, secrets::list(tx, mount, folder, {}, kSecretsAtOnce, secrets::Depth::kAll));
  for (const std::string& name : page.names) {
    TRY_ASSIGN(const auto head, secrets::find(tx, mount, folder + name));
    if (head != nullptr) secrets::purge(tx, mount, *head, now);
  }
  return !page.names.empty();
}

}  // namespace keyhold::core::cubbyhole
