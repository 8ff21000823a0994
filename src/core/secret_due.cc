#include "core/secret_due.h"

#include "core/rotation/rotation.h"
#include "core/secret_write.h"

namespace keyhold::core::secrets {

void file_due(Transaction& tx, keys::MountId mount, const Head& head, UnixMillis at_ms) {
  records::TokenRef entry;
  entry.set_namespace_id(head.namespace_id());
  entry.set_mount_id(mount);
  entry.set_secret_id(head.id());
  tx.put(keys::expiry(at_ms, mount, head.id()), encode_record(entry));
}

Result<void> do_due(Transaction& tx, std::string_view entry_key, const records::TokenRef& entry, UnixMillis now,
                    crypto::Rng& rng, std::vector<Deed>& deeds) {
  tx.erase(std::string(entry_key));
  TRY_ASSIGN(const auto head, tx.load<Head>(keys::secret(entry.mount_id(), entry.secret_id())));
  if (head == nullptr) return {};
  if (purge_due(*head, now)) {
    TRY_ASSIGN(Deed deed, deed_on(tx, "delete", entry.mount_id(), *head, "metadata"));
    deeds.push_back(std::move(deed));
    purge(tx, entry.mount_id(), *head, now);
    return {};
  }
  TRY(rotation::do_due(tx, entry.mount_id(), *head, now, rng));
  if (!tx.changes(keys::rotation_run(entry.mount_id(), head->id()))) return {};
  TRY_ASSIGN(Deed deed, deed_on(tx, "rotate", entry.mount_id(), *head, "rotate"));
  deed.fields = {{"step", "begin"}, {"rotator", head->rotation().rotator()}};
  deeds.push_back(std::move(deed));
  return {};
}

}  // namespace keyhold::core::secrets
