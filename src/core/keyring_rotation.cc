#include "core/keyring_rotation.h"

#include <string>
#include <vector>

#include "core/call.h"
#include "core/key_ceremonies.h"
#include "core/keys.h"
#include "core/seal/seal_records.h"

namespace keyhold::core {
namespace {

constexpr std::int64_t kRoundMs = 5'000;
constexpr std::int64_t kLeadershipMs = 30'000;
constexpr std::int64_t kNoteMs = 60'000;
constexpr std::uint64_t kNoteAtLeast = 100;  // Noting is an encryption too: an idle server is not to write for ever.

}  // namespace

namespace keyring_rotation {

Result<records::KeyringRotation> config(Transaction& tx) {
  TRY_ASSIGN(const auto stored, tx.load<records::KeyringRotation>(keys::keyring_rotation()));
  records::KeyringRotation config;
  if (stored != nullptr) config = *stored;
  if (config.max_operations() == 0) config.set_max_operations(kOperationsMax);
  return config;
}

Result<void> set_config(Transaction& tx, const records::KeyringRotation& config) {
  if (config.max_operations() < kOperationsMin || config.max_operations() > kOperationsMax) {
    return Error{Code::kInvalid, "max_operations must be 1000000 to 3865470566"};
  }
  if (config.interval_s() != 0 && config.interval_s() < kIntervalMinS) {
    return Error{Code::kInvalid, "interval must be 0 or at least 24 hours"};
  }
  tx.put(keys::keyring_rotation(), encode_record(config));
  return {};
}

Result<Status> status(Transaction& tx, SealManager& seals, const Barrier& barrier) {
  TRY(seals.follow());
  const auto term = barrier.active_term();
  if (!term) return Error{Code::kSealed, "Vault is sealed"};
  Status status{term->number, term->since_ms, barrier.encryptions()};
  TRY_ASSIGN(const auto noted, tx.load<records::Encryptions>(keys::encryptions()));
  if (noted != nullptr && noted->term() == term->number) status.encryptions += noted->count();
  return status;
}

Result<void> rotate(Transaction& tx, SealManager& seals) {
  TRY_ASSIGN(const auto keyring, tx.get_plain(seal_records::kKeyringKey));
  if (!keyring) return Error{Code::kCorrupt, "a record of the seal is missing"};
  TRY_ASSIGN(auto writes, seals.rotate(*keyring));
  for (SealManager::Write& write : writes) tx.put_plain(std::move(write.key), std::move(write.record));
  return {};
}

}  // namespace keyring_rotation

void KeyringWorker::start() {
  noted_ms_ = parts_.clock.monotonic_ms();
  thread_.start([this] { round(); }, kRoundMs);
}

void KeyringWorker::stop() {
  thread_.stop();
  if (!parts_.barrier.sealed()) static_cast<void>(note_encryptions(1));
}

void KeyringWorker::round() {
  const auto done = run();
  if (done.ok() || done.code() == Code::kConflict || thread_.stopping()) {
    warned_ = false;
    return;
  }
  if (!std::exchange(warned_, true)) parts_.warn("keyring: " + done.error().message);
}

Result<void> KeyringWorker::run() {
  TRY(seals_.follow());
  if (const auto session = parts_.session.load(); session != nullptr) {
    Transaction tx = parts_.transaction();
    TRY(session->ceremonies->tidy({tx, seals_, parts_.rng, parts_.clock.monotonic_ms()}));
  }
  TRY(settle());
  if (parts_.clock.monotonic_ms() - noted_ms_ >= kNoteMs) {
    noted_ms_ = parts_.clock.monotonic_ms();
    TRY(note_encryptions(kNoteAtLeast));
  }
  TRY_ASSIGN(const bool is_due, due());
  if (!is_due) return {};
  auto leadership = parts_.store.campaign("keyring", kLeadershipMs);
  if (!leadership.ok()) return std::move(leadership).error();
  // Another may have been faster: whether it is due is a condition of the commit, by the keyring's record.
  Transaction tx = parts_.transaction();
  TRY(keyring_rotation::rotate(tx, seals_));
  TRY_ASSIGN(const bool still_due, due());
  if (!still_due) return {};
  Deed deed;
  deed.operation = "update";
  deed.path = "sys/rotate";
  TRY_ASSIGN(const auto intents, parts_.records.begin({&deed, 1}));
  const auto done = commit_in_background(parts_.store, parts_.barrier, tx, {(*leadership)->fence()});
  TRY(parts_.records.end(intents.front(), done));
  return done;
}

Result<void> KeyringWorker::settle() {
  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto root_key, tx.get_plain(seal_records::kCurrentRootKeyKey));
  if (!root_key) return {};
  TRY_ASSIGN(const auto keyring, tx.get_plain(seal_records::kKeyringKey));
  if (!keyring) return Error{Code::kCorrupt, "a record of the seal is missing"};
  TRY_ASSIGN(auto writes, seals_.settle(*keyring, *root_key));
  if (writes.empty()) return {};
  for (SealManager::Write& write : writes) tx.put_plain(std::move(write.key), std::move(write.record));
  return commit_in_background(parts_.store, parts_.barrier, tx, {});
}

Result<bool> KeyringWorker::due() {
  const LeaseClock::Moment moment = parts_.clock.moment();
  Transaction tx = parts_.transaction();
  TRY_ASSIGN(const auto config, keyring_rotation::config(tx));
  if (config.disabled()) return false;
  TRY_ASSIGN(const auto status, keyring_rotation::status(tx, seals_, parts_.barrier));
  if (status.encryptions >= static_cast<std::uint64_t>(config.max_operations())) return true;
  return moment.trusted && config.interval_s() > 0 && moment.now_ms - status.installed_ms >= config.interval_s() * 1000;
}

Result<void> KeyringWorker::note_encryptions(std::uint64_t at_least) {
  const auto term = parts_.barrier.active_term();
  if (!term || parts_.barrier.encryptions() < at_least) return {};
  const std::uint64_t count = parts_.barrier.take_encryptions();
  Transaction tx = parts_.transaction();
  const auto note = [&]() -> Result<void> {
    TRY_ASSIGN(const auto noted, tx.load<records::Encryptions>(keys::encryptions()));
    records::Encryptions sum;
    if (noted != nullptr) sum = *noted;
    if (sum.term() > term->number) return {};  // Of a key that is no longer the newest.
    if (sum.term() != term->number) sum.set_count(0);
    sum.set_term(term->number);
    sum.set_count(sum.count() + count);
    tx.put(keys::encryptions(), encode_record(sum));
    return commit_in_background(parts_.store, parts_.barrier, tx, {});
  };
  auto noted = note();
  if (!noted.ok()) {
    tx.drop_outdated();
    parts_.barrier.give_back_encryptions(count);
  }
  return noted;
}

}  // namespace keyhold::core
