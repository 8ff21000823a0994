#include "core/background_records.h"

#include <future>

#include "core/audit_record.h"

namespace keyhold::core {

Result<Deed> deed_on(Transaction& tx, std::string_view operation, keys::MountId mount, const records::Secret& head, std::string_view route) {
  TRY_ASSIGN(const auto record, tx.load<records::Mount>(keys::mount(head.namespace_id(), mount)));
  if (record == nullptr) return Error{Code::kNotFound, "the secret's mount is gone"};
  std::string path = record->path();
  path.append(route).append("/").append(head.name());
  return Deed{.operation = operation, .owner = head.namespace_id(), .mount_members = render_mount(*record), .path = std::move(path)};
}

Result<std::vector<RequestId>> BackgroundRecords::begin(std::span<const Deed> deeds) {
  std::vector<RequestId> ids;
  std::promise<Result<void>> synced;
  auto on_disk = synced.get_future();
  {
    MutexLock lock(mutex_);
    for (const Deed& deed : deeds) {
      ids.push_back(RequestId::random(rng_));
      render_intent(scratch_, ids.back().text(), deed);
      stream_.append(scratch_);
    }
    TRY(stream_.write());
    stream_.sync([&synced](Result<void> outcome) { synced.set_value(std::move(outcome)); });
  }
  TRY(on_disk.get());
  return ids;
}

Result<void> BackgroundRecords::end(const RequestId& id, const Result<void>& outcome) {
  MutexLock lock(mutex_);
  RecordOutcome told{.word = "ok"};
  if (!outcome.ok()) told = {.word = outcome_word(outcome.code()), .error = outcome.error().message};
  render_outcome(scratch_, id.text(), told);
  stream_.append(scratch_);
  return stream_.write();
}

}  // namespace keyhold::core
