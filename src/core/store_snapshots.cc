#include "core/store_snapshots.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/version.h"
#include "core/config.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/seal/seal_records.h"
#include "core/secret.h"
#include "storage/memory_storage.h"

namespace keyhold::core::store_snapshots {
namespace {

constexpr std::string_view kSealKind = "s";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kTermBytes = 4;
constexpr std::size_t kPublicKeyBytes = 32;

/// Of a store: its keys and seal, and how far it has come in time, which does not go back.
std::vector<std::string> keys_of_today() {
  return {std::string(seal_records::kCurrentRootKeyKey), std::string(seal_records::kRecoveryKeyKey), keys::keyring_rotation(), keys::encryptions(),
          keys::time_mark()};
}

bool of_the_seal(std::string_view key) { return key.starts_with(kSealKind); }

Result<std::vector<storage::Entry>> entries_of_today(const storage::Storage& store) {
  std::vector<std::string> names = keys_of_today();
  storage::ListOptions options;
  options.prefix = kSealKind;
  for (std::string after;;) {
    options.after = after;
    TRY_ASSIGN(const storage::Page page, store.list(options));
    for (const auto& item : page.items) names.push_back(item.key);
    if (!page.more) break;
    after = page.items.back().key;
  }
  std::vector<storage::Entry> entries;
  for (const std::string& name : names) {
    TRY_ASSIGN(auto entry, store.get(name));
    if (entry && name != seal_records::kRestoredKey) entries.push_back(*std::move(entry));
  }
  return entries;
}

/// A number that was never the store's epoch.
records::Epoch new_epoch(crypto::Rng& rng) {
  records::Epoch epoch;
  const std::string drawn = rng.bytes(sizeof(std::uint64_t));
  epoch.set_number(get_big_endian64(drawn.data()) | 1);
  return epoch;
}

/// Whether the barrier has the keys that entries are encrypted under: tried once a term.
class KnownTerms {
 public:
  explicit KnownTerms(const Barrier& barrier) : barrier_(barrier) {}

  Result<void> check(const storage::Entry& entry) {
    if (of_the_seal(entry.key)) return {};
    const std::string term = entry.value.substr(0, kTermBytes);
    if (known_.contains(term)) return {};
    const auto opened = barrier_.decrypt_without_following(entry.key, entry.value);
    if (!opened.ok() && opened.code() == Code::kSealed) return opened.error();
    if (!opened.ok()) {
      return Error{Code::kInvalid, "the snapshot has entries under keys that this store does not have: restore it with the server stopped, by `keyhold operator snapshot restore-offline`"};
    }
    known_.insert(term);
    return {};
  }

 private:
  const Barrier& barrier_;
  std::set<std::string> known_;
};

Result<void> check_store(const backup::Manifest& manifest, const Barrier& barrier) {
  if (manifest.store_id == barrier.store_id()) return {};
  return Error{Code::kInvalid, "the snapshot is of another store: it can be restored with the server stopped, by `keyhold operator snapshot restore-offline`"};
}

/// Calls `visit` with each entry. What it is told is to be believed once this has succeeded.
template <typename Visit>
Result<backup::Verified> read_own(const std::shared_ptr<const SpoolFile>& file, const Barrier& barrier, Visit&& visit) {
  TRY_ASSIGN(const auto keys, keys_of(barrier));
  TRY_ASSIGN(const auto reader, backup::SnapshotReader::open(file, &keys));
  TRY(check_store(reader->manifest(), barrier));
  for (;;) {
    TRY_ASSIGN(auto entries, reader->next());
    if (entries.empty()) return backup::Verified{reader->manifest(), reader->entries(), reader->public_key()};
    for (storage::Entry& entry : entries) TRY(visit(entry));
  }
}

}  // namespace

Result<backup::SnapshotKeys> keys_of(const Barrier& barrier) {
  TRY_ASSIGN(const KeyBytes mac, barrier.derive("snapshot-mac"));
  TRY_ASSIGN(const KeyBytes seed, barrier.derive("journal-signing"));
  TRY_ASSIGN(auto signer, crypto::Ed25519Signer::from_seed(seed));
  return backup::SnapshotKeys{crypto::HmacSha256(mac), std::move(signer)};
}

Result<backup::Written> save(const storage::Storage& store, const Barrier& barrier, const SealStatus& seal, UnixMillis now, crypto::Rng& rng,
                             const backup::Sink& sink) {
  TRY_ASSIGN(const auto keys, keys_of(barrier));
  TRY_ASSIGN(const auto view, store.view());
  const auto term = barrier.active_term();
  if (!term) return Error{Code::kSealed, "the server is sealed"};
  const backup::Manifest manifest{.id = hex_encode(rng.bytes(kIdBytes)),
                                  .store_id = barrier.store_id(),
                                  .at = view->at(),
                                  .created_ms = now,
                                  .keyhold_version = std::string(kVersion),
                                  .seal_type = seal.type,
                                  .shares = seal.shares,
                                  .threshold = seal.threshold,
                                  .active_term = term->number};
  return backup::write_snapshot(*view, manifest, keys, sink);
}

Result<backup::Verified> check_own(const std::shared_ptr<const SpoolFile>& file, const Barrier& barrier) {
  KnownTerms terms(barrier);
  return read_own(file, barrier, [&terms](const storage::Entry& entry) { return terms.check(entry); });
}

Result<storage::EntrySource> entries_for_own_store(std::shared_ptr<const SpoolFile> file, const storage::Storage& store, const Barrier& barrier,
                                                   crypto::Rng& rng) {
  struct State {
    backup::SnapshotKeys keys;
    std::unique_ptr<backup::SnapshotReader> reader;
    std::vector<storage::Entry> first;
    std::set<std::string> kept;
  };
  TRY_ASSIGN(auto keys, keys_of(barrier));
  auto state = std::make_shared<State>(State{std::move(keys), nullptr, {}, {}});
  TRY_ASSIGN(state->reader, backup::SnapshotReader::open(std::move(file), &state->keys));
  TRY(check_store(state->reader->manifest(), barrier));
  TRY_ASSIGN(state->first, entries_of_today(store));
  for (std::string& key : keys_of_today()) state->kept.insert(std::move(key));
  state->kept.insert(keys::epoch());
  TRY_ASSIGN(std::string epoch, barrier.encrypt(keys::epoch(), encode_record(new_epoch(rng)).reveal()));
  state->first.push_back({keys::epoch(), std::move(epoch), 0});
  return storage::EntrySource([state]() -> Result<std::vector<storage::Entry>> {
    if (!state->first.empty()) return std::exchange(state->first, {});
    for (;;) {
      TRY_ASSIGN(auto entries, state->reader->next());
      if (entries.empty()) return entries;
      std::erase_if(entries, [&](const storage::Entry& entry) { return of_the_seal(entry.key) || state->kept.contains(entry.key); });
      if (!entries.empty()) return entries;
    }
  });
}

Result<storage::EntrySource> entries_for_closed_store(std::shared_ptr<const SpoolFile> file, std::string_view public_key) {
  struct State {
    std::unique_ptr<backup::SnapshotReader> reader;
    std::string wanted;
    bool marked = false;
  };
  auto state = std::make_shared<State>();
  state->wanted = public_key;
  TRY_ASSIGN(state->reader, backup::SnapshotReader::open(std::move(file), nullptr));
  return storage::EntrySource([state]() -> Result<std::vector<storage::Entry>> {
    TRY_ASSIGN(auto entries, state->reader->next());
    std::erase_if(entries, [](const storage::Entry& entry) { return entry.key == seal_records::kRestoredKey; });
    if (!entries.empty() || std::exchange(state->marked, true)) return entries;
    const std::string& own = state->reader->public_key();
    if (!state->wanted.empty() && own != state->wanted) {
      return Error{Code::kInvalid, "the snapshot is not signed by this key"};
    }
    return std::vector<storage::Entry>{{std::string(seal_records::kRestoredKey), own, 0}};
  });
}

Result<void> settle(storage::Storage& store, const Barrier& barrier, crypto::Rng& rng) {
  TRY_ASSIGN(const auto mark, store.get(seal_records::kRestoredKey));
  if (!mark) return {};
  TRY_ASSIGN(const auto keys, keys_of(barrier));
  if (mark->value.size() != kPublicKeyBytes || mark->value != keys.signer.public_key()) {
    return Error{Code::kCorrupt, "the store was restored from a snapshot that its own key did not sign: restore another one"};
  }
  TRY_ASSIGN(std::string epoch, barrier.encrypt(keys::epoch(), encode_record(new_epoch(rng)).reveal()));
  storage::Batch batch;
  batch.conditions.push_back(storage::unchanged(mark->key, mark->version));
  batch.operations.push_back(storage::put(keys::epoch(), std::move(epoch)));
  batch.operations.push_back(storage::erase(mark->key));
  const storage::Outcome outcome = store.commit(std::move(batch));
  // Another node was faster; or its answer is not known, and then the mark is still there or it has happened.
  if (outcome.ok() || outcome.kind == storage::Outcome::Kind::kConflict) return {};
  return Error{Code::kUnavailable, "the store takes no writes, and was restored from a snapshot: what was given out before cannot be made void yet"};
}

Result<OldSecret> find_secret(const std::shared_ptr<const SpoolFile>& file, const Barrier& barrier, const Clock& clock, std::string_view mount_path,
                              std::string_view name, const audit::Redactor& redactor) {
  // Twice, as the names come after what they name: the mounts and the name first.
  keys::MountId mount = 0;
  std::string secret_id;
  KnownTerms terms(barrier);
  const auto find_name = [&](const storage::Entry& entry) -> Result<void> {
    TRY(terms.check(entry));
    if (entry.key.starts_with(keys::kMountKind)) {
      TRY_ASSIGN(const SecretBytes record, barrier.decrypt_without_following(entry.key, entry.value));
      TRY_ASSIGN(const auto found, decode_record<records::Mount>(record));
      if (found.path() == mount_path && found.state() == records::Mount::ACTIVE) mount = found.id();
    } else if (mount != 0 && entry.key == keys::name(mount, name)) {
      TRY_ASSIGN(const SecretBytes record, barrier.decrypt_without_following(entry.key, entry.value));
      TRY_ASSIGN(const auto index, decode_record<records::NameEntry>(record));
      secret_id = index.secret_id();
    }
    return {};
  };
  TRY(read_own(file, barrier, find_name));
  const Error none{Code::kNotFound, "the snapshot has no such secret"};
  if (secret_id.empty()) return none;

  storage::MemoryStorage found(clock);
  const std::string head_key = keys::secret(mount, secret_id);
  std::set<std::string> wanted{keys::name(mount, name), head_key};
  const auto keep = [&](const storage::Entry& entry) -> Result<void> {
    if (entry.key == head_key) {
      TRY_ASSIGN(const SecretBytes record, barrier.decrypt_without_following(entry.key, entry.value));
      TRY_ASSIGN(const auto head, decode_record<secrets::Head>(record));
      if (const secrets::Version* current = secrets::current_version(head); current != nullptr) {
        wanted.insert(keys::version(mount, secret_id, current->id()));
        for (std::uint32_t i = 0; i < current->chunks(); ++i) wanted.insert(keys::chunk(mount, current->id(), i));
      }
    }
    if (!wanted.contains(entry.key)) return {};
    storage::Batch batch;
    batch.operations.push_back(storage::put(entry.key, entry.value));
    const storage::Outcome kept = static_cast<storage::Storage&>(found).commit(std::move(batch));
    return kept.ok() ? Result<void>() : kept.error;
  };
  TRY_ASSIGN(auto verified, read_own(file, barrier, keep));

  EntryCache cache(found, barrier, 0);
  Transaction tx(cache, found, Transaction::Mode::kThroughStore);
  TRY_ASSIGN(const auto head, secrets::find_living(tx, mount, name));
  const secrets::Version* version = head == nullptr ? nullptr : secrets::current_version(*head);
  if (version == nullptr || !secrets::readable(*version, clock.now_ms())) return none;
  TRY_ASSIGN(const auto content, secrets::content(tx, mount, *head, *version, redactor));
  return OldSecret{std::move(verified.manifest), SecretBytes::copy_of(content.reveal()), version->content_kind(), version->number()};
}

}  // namespace keyhold::core::store_snapshots
