#include "core/seal/seal_manager.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "core/seal/keyring.h"
#include "crypto/hmac.h"
#include "crypto/shamir.h"

namespace keyhold::core {
namespace {

using namespace seal_records;

constexpr std::uint32_t kFirstRootKey = 1;
// An unknown commit is asked after this often at most before initialize() gives the question back to its caller.
constexpr int kResolveAttemptsMax = 20;
constexpr std::chrono::milliseconds kResolvePause{50};

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

/// What an AutoSeal binds the unseal key to.
std::string auto_context(std::string_view store_id) { return std::string("keyhold/auto-unseal/1/").append(store_id); }

Error invalid_numbers() {
  return {Code::kInvalid, "1 <= threshold <= shares <= 255 must hold, with one share if the threshold is 1"};
}
Error already_initialized() { return {Code::kInvalid, "Vault is already initialized"}; }

storage::RequestId random_request_id(crypto::Rng& rng) {
  storage::RequestId id;
  rng.fill({reinterpret_cast<char*>(id.data()), id.size()});
  return id;
}

/// RFC 4122, version 4.
std::string random_uuid(crypto::Rng& rng) {
  std::string bytes = rng.bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  return format_uuid(bytes);
}

Result<KeyBytes> combine(std::span<const SecretBytes> shares) {
  SecretBytes key;
  if (shares.size() == 1) {
    key = shares[0].clone();
  } else {
    TRY_ASSIGN(key, crypto::shamir_combine(shares));
  }
  if (key.size() != kUnsealKeyBytes) return Error{Code::kInvalid, "the shares do not make a key"};
  return KeyBytes::copy_of(key.reveal());
}

Result<std::vector<SecretBytes>> split(const KeyBytes& key, int shares, int threshold, crypto::Rng& rng) {
  auto secret = SecretBytes::copy_of(key.reveal());
  if (threshold > 1) return crypto::shamir_split(secret, shares, threshold, rng);
  std::vector<SecretBytes> whole;
  whole.push_back(std::move(secret));
  return whole;
}

constexpr std::size_t kNumberBytes = 4;  // Of the root key, before it in kCurrentRootKeyKey.

SecretBytes number_and_key(std::uint32_t number, const KeyBytes& key) {
  auto record = SecretBytes::zeroed(kNumberBytes);
  put_big_endian32(record.writable().data(), number);
  record.append(key.reveal());
  return record;
}

}  // namespace

SealManager::SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng, const Clock& clock)
    : storage_(storage), barrier_(barrier), rng_(rng), clock_(clock) {
  barrier_.set_follow([this] { return follow(); });
}

SealManager::SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng)
    : SealManager(storage, barrier, rng, system_clock()) {}

SealManager::~SealManager() {
  const MutexLock lock(mutex_);
  watch_.reset();
  barrier_.set_follow(nullptr);
}

// Reading the records.

Result<void> SealManager::load() {
  const MutexLock lock(mutex_);
  return load_locked();
}

Result<void> SealManager::load_locked() {
  TRY_ASSIGN(auto config, storage_.get(kConfigKey));
  if (!config) {
    if (loaded_) return Error{Code::kCorrupt, "the seal configuration is gone"};
    return no_remains();
  }
  Loaded loaded;
  TRY_ASSIGN(loaded.config, parse_config(config->value));
  loaded.record = std::move(config->value);
  const std::string_view own = own_type();
  const bool can_migrate = loaded.config.type == kShamir || (former_auto_seal_ != nullptr && loaded.config.type == former_auto_seal_->type());
  if (loaded.config.type != own && !can_migrate) {
    return Error{Code::kInvalid, "the store's seal is \"" + loaded.config.type + "\", the configuration's is \"" + std::string(own) + "\""};
  }
  // One commit wrote them all, so the others are there if the configuration is.
  TRY_ASSIGN(const std::string store_id_record, read_record(kStoreIdKey));
  TRY_ASSIGN(const std::string store_id, parse_store_id(store_id_record));
  if (store_id != loaded.config.store_id) return Error{Code::kCorrupt, "the seal configuration is of another store"};
  TRY(read_record(kRootKeyKey));
  TRY(read_record(kKeyringKey));
  return adopt(std::move(loaded));
}

/// Without a seal configuration no other record of the seal may be there: a lost one must not look like a new store.
Result<void> SealManager::no_remains() const {
  for (const std::string_view key : {kStoreIdKey, kRootKeyKey, kKeyringKey}) {
    TRY_ASSIGN(const auto entry, storage_.get(key));
    if (!entry) continue;
    // Another node may have initialised the store in between.
    TRY_ASSIGN(const auto config, storage_.get(kConfigKey));
    if (config) return Error{Code::kUnavailable, "the store is being initialised"};
    return Error{Code::kCorrupt, "the seal configuration is missing"};
  }
  return {};
}

Result<std::string> SealManager::read_record(std::string_view key) const {
  TRY_ASSIGN(auto entry, storage_.get(key));
  if (!entry) return Error{Code::kCorrupt, "a record of the seal is missing"};
  return std::move(entry->value);
}

Result<void> SealManager::adopt(Loaded loaded) {
  if (store_id_.empty()) store_id_ = loaded.config.store_id;
  if (store_id_ != loaded.config.store_id) return Error{Code::kCorrupt, "the store has become another one"};
  loaded_ = std::move(loaded);
  return {};
}

// Initialisation.

Result<SealManager::Initialized> SealManager::initialize(int shares, int threshold, const MakeFirstEntries& make_first) {
  if (!valid_numbers(shares, threshold)) return invalid_numbers();
  const MutexLock initializing(initializing_);
  if (pending_) {
    const Config& config = pending_->loaded.config;
    if (config.shares != shares || config.threshold != threshold) {
      return Error{Code::kUnavailable, "an earlier initialisation is not settled: repeat it with its own numbers"};
    }
    return settle(*std::exchange(pending_, std::nullopt));
  }
  {
    const MutexLock lock(mutex_);
    TRY(load_locked());
    if (loaded_) return already_initialized();
  }
  storage::Batch batch;
  TRY_ASSIGN(Pending made, make_keys(shares, threshold, make_first, batch));
  const storage::Outcome outcome = storage_.commit(std::move(batch));
  switch (outcome.kind) {
    case storage::Outcome::Kind::kOk: return accept(std::move(made));
    case storage::Outcome::Kind::kConflict: TRY(load()); return already_initialized();
    case storage::Outcome::Kind::kRefused: return outcome.error;
    case storage::Outcome::Kind::kUnknown: return settle(std::move(made));
  }
  return Error{Code::kInternal, "the store gave no outcome"};
}

Result<SealManager::Pending> SealManager::make_keys(int shares, int threshold, const MakeFirstEntries& make_first,
                                                    storage::Batch& batch) {
  const KeyBytes root_key = rng_.key(kRootKeyBytes);
  const std::string store_id = rng_.bytes(Barrier::kStoreIdBytes);
  // Shares that do not open the store must never be handed out: checked where they are made.
  TRY_ASSIGN(NewSeal seal, new_seal(shares, threshold, store_id));

  Pending made;
  made.request_id = random_request_id(rng_);
  made.loaded.config = seal.config;
  made.loaded.record = encode_config(made.loaded.config);
  Keyring keyring = Keyring::create(rng_, clock_.now_ms());
  const SecretBytes keyring_record = keyring.serialize();
  Barrier barrier(rng_);
  barrier.unseal(store_id, std::move(keyring));
  if (make_first) {
    TRY_ASSIGN(FirstEntries first, make_first(barrier));
    batch = std::move(first.batch);
    made.made.root_token = std::move(first.root_token);
  }
  const auto add = [&batch](std::string_view key, std::string record) {
    batch.conditions.push_back(storage::absent(std::string(key)));
    batch.operations.push_back(storage::put(std::string(key), std::move(record)));
  };
  add(kConfigKey, made.loaded.record);
  add(kStoreIdKey, encode_store_id(store_id));
  add(kRootKeyKey, wrap(seal.unseal_key, {kRootKeyKey, store_id, made.loaded.record}, kFirstRootKey, root_key.reveal(), rng_));
  TRY_ASSIGN(auto recovery, recovery_writes(seal, barrier));
  for (Write& write : recovery) add(write.key, std::move(write.record));
  made.made.shares = std::move(seal.shares);
  add(kKeyringKey, wrap(root_key, {kKeyringKey, store_id, {}}, kFirstRootKey, keyring_record.reveal(), rng_));
  batch.request_id = made.request_id;
  return made;
}

Result<SealManager::Initialized> SealManager::settle(Pending pending) {
  for (int attempt = 0; attempt < kResolveAttemptsMax; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kResolvePause);
    switch (storage_.resolve(pending.request_id)) {
      case storage::Resolution::kHappened: return accept(std::move(pending));
      case storage::Resolution::kDidNotHappen:
        return Error{Code::kUnavailable, "the store did not take the keys: initialise again"};
      case storage::Resolution::kStillUnknown: break;
    }
  }
  pending_ = std::move(pending);
  return Error{Code::kUnknown, "the store cannot tell yet whether it took the keys: repeat the call"};
}

Result<SealManager::Initialized> SealManager::accept(Pending pending) {
  const MutexLock lock(mutex_);
  TRY(adopt(std::move(pending.loaded)));
  return std::move(pending.made);
}

// Unsealing.

Result<SealStatus> SealManager::unseal(const SecretBytes& share, Migration migration) {
  const MutexLock lock(mutex_);
  if (!barrier_.sealed()) return status_locked();
  if (shares_.empty()) TRY(load_locked());
  if (!loaded_) return Error{Code::kInvalid, "Vault is not initialized"};
  const bool wanted = migration == Migration::kMigrate;
  if (migrates() && !wanted) {
    return Error{Code::kInvalid, "the store has another seal than this server: give the shares with \"migrate\" to change it over"};
  }
  if (!migrates() && wanted) return Error{Code::kInvalid, "there is no migration of the seal to be made"};
  if (!migrates() && unseals_itself()) return Error{Code::kInvalid, "this server unseals itself: its shares are of the recovery key"};
  if (share.size() != share_bytes(loaded_->config)) return Error{Code::kInvalid, "the share has the wrong length"};

  const auto same = [&share](const SecretBytes& each) {
    return crypto::equal_constant_time(each.reveal(), share.reveal());
  };
  if (std::ranges::any_of(shares_, same)) return status_locked();
  if (shares_.empty()) nonce_ = random_uuid(rng_);
  shares_.push_back(share.clone());
  if (shares_.size() < static_cast<std::size_t>(loaded_->config.threshold)) return status_locked();

  auto opened = open_by_shares(migration);
  if (!opened.ok() && opened.code() == Code::kUnavailable && shares_.size() > 1) {
    shares_.pop_back();
    return std::move(opened).error();
  }
  drop_shares();
  if (!opened.ok()) return std::move(opened).error();
  return status_locked();
}

Result<void> SealManager::open_by_shares(Migration migration) {
  TRY_ASSIGN(const KeyBytes key, combine_shares());
  if (migration == Migration::kMigrate) return migrate(key);
  TRY_ASSIGN(Opened opened, open_keyring(key));
  take_over(std::move(opened));
  return {};
}

Result<KeyBytes> SealManager::unwrap_unseal_key(AutoSeal& seal, std::string_view wrapped, std::string_view store_id) {
  TRY_ASSIGN(KeyBytes key, seal.unwrap(wrapped, auto_context(store_id)));
  if (key.size() != kUnsealKeyBytes) return Error{Code::kCorrupt, "the unseal key is not one"};
  return key;
}

Result<SealManager::NewSeal> SealManager::seal_of_shares(const KeyBytes& shared_key, Config config) const {
  NewSeal next;
  next.config = std::move(config);
  next.config.type = own_type();
  next.unseal_key = shared_key.clone();
  if (!unseals_itself()) return next;
  next.unseal_key = rng_.key(kUnsealKeyBytes);
  next.recovery_key = shared_key.clone();
  TRY_ASSIGN(next.wrapped_unseal_key, auto_seal_->wrap(next.unseal_key, auto_context(next.config.store_id)));
  return next;
}

/// The shares stay what they are; the key that they make changes its part. A commit whose outcome stays unknown has left one seal or the other,
/// and the same shares go on from either.
Result<void> SealManager::migrate(const KeyBytes& shared_key) {
  const Config config = loaded_->config;
  const bool unsealed_itself = config.type != kShamir;
  std::string wrapped;
  if (unsealed_itself) {
    TRY_ASSIGN(wrapped, read_record(kAutoUnsealKey));
  }
  mutex_.unlock();  // They may ask other systems.
  auto unseal_key = unsealed_itself ? unwrap_unseal_key(*former_auto_seal_, wrapped, config.store_id) : shared_key.clone();
  auto next = unseal_key.ok() ? seal_of_shares(shared_key, config) : std::move(unseal_key).error();
  mutex_.lock();
  if (!barrier_.sealed()) return {};  // Another call was faster.
  if (!next.ok()) return std::move(next).error();
  if (unsealed_itself) {
    TRY_ASSIGN(Opened opened, open_keyring(*unseal_key));
    Barrier barrier(rng_);
    barrier.unseal(store_id_, std::move(opened.keyring));
    TRY_ASSIGN(const bool fits, is_recovery_key(shared_key, barrier));
    if (!fits) return Error{Code::kInvalid, "the shares do not make the recovery key"};
  }
  TRY_ASSIGN(Opened opened, open_keyring(*unseal_key));
  take_over(std::move(opened));

  auto changed = change_over(*next);
  if (changed.ok()) return {};
  root_key_ = {};
  barrier_.seal_up();
  TRY(load_locked());
  return changed;
}

Result<void> SealManager::change_over(const NewSeal& next) {
  Records records;
  storage::Batch batch;
  for (const auto& [key, entry] : {std::pair{kConfigKey, &records.config}, std::pair{kRootKeyKey, &records.root_key}, std::pair{kKeyringKey, &records.keyring}}) {
    TRY_ASSIGN(auto found, storage_.get(key));
    if (!found) return Error{Code::kCorrupt, "a record of the seal is missing"};
    batch.conditions.push_back(storage::unchanged(std::string(key), found->version));
    *entry = std::move(*found);
  }
  TRY_ASSIGN(auto writes, rekey_locked(records, next));
  for (Write& write : writes) batch.operations.push_back(storage::put(std::move(write.key), std::move(write.record)));
  if (!unseals_itself()) {
    batch.operations.push_back(storage::erase(std::string(kAutoUnsealKey)));
    batch.operations.push_back(storage::erase(std::string(kRecoveryKeyKey)));
  }
  batch.request_id = random_request_id(rng_);
  const storage::RequestId id = batch.request_id;
  storage::Outcome outcome = storage_.commit(std::move(batch));
  for (int i = 0; outcome.kind == storage::Outcome::Kind::kUnknown && i < kResolveAttemptsMax; ++i) {
    if (i > 0) std::this_thread::sleep_for(kResolvePause);
    const auto resolution = storage_.resolve(id);
    if (resolution == storage::Resolution::kHappened) outcome.kind = storage::Outcome::Kind::kOk;
    if (resolution == storage::Resolution::kDidNotHappen) outcome.kind = storage::Outcome::Kind::kRefused;
  }
  if (!outcome.ok()) return Error{Code::kUnavailable, "the store did not take the other seal: give the share again"};
  return follow_locked();
}

Result<SealStatus> SealManager::auto_unseal() {
  if (!unseals_itself()) return Error{Code::kInvalid, "this server does not unseal itself"};
  storage::Entry wrapped;
  std::string store_id;
  {
    const MutexLock lock(mutex_);
    if (!barrier_.sealed()) return status_locked();
    TRY(load_locked());
    if (!loaded_) return Error{Code::kInvalid, "Vault is not initialized"};
    if (migrates()) return Error{Code::kInvalid, "the store has another seal than this server: give the shares with \"migrate\" to change it over"};
    TRY_ASSIGN(auto entry, storage_.get(kAutoUnsealKey));
    if (!entry) return Error{Code::kCorrupt, "a record of the seal is missing"};
    wrapped = std::move(*entry);
    store_id = store_id_;
  }
  // It may ask another system: not under the lock.
  TRY_ASSIGN(const KeyBytes unseal_key, unwrap_unseal_key(*auto_seal_, wrapped.value, store_id));
  if (auto_seal_->outdated(wrapped.value)) {
    // As good as it is; the next start tries again.
    if (auto anew = auto_seal_->wrap(unseal_key, auto_context(store_id)); anew.ok()) {
      storage::Batch batch;
      batch.conditions.push_back(storage::unchanged(std::string(kAutoUnsealKey), wrapped.version));
      batch.operations.push_back(storage::put(std::string(kAutoUnsealKey), std::move(*anew)));
      static_cast<void>(storage_.commit(std::move(batch)));
    }
  }
  const MutexLock lock(mutex_);
  if (!barrier_.sealed()) return status_locked();
  TRY(load_locked());
  auto opened = open_keyring(unseal_key);
  if (!opened.ok() && opened.code() == Code::kInvalid) return Error{Code::kUnavailable, "the unseal key was replaced meanwhile, or is not of this store"};
  if (!opened.ok()) return std::move(opened).error();
  take_over(std::move(*opened));
  return status_locked();
}

Result<KeyBytes> SealManager::combine_shares() const {
  auto key = combine(shares_);
  if (!key.ok()) return Error{Code::kInvalid, "the shares do not fit together"};
  return key;
}

Result<SealManager::Opened> SealManager::open_keyring(const KeyBytes& unseal_key) const {
  TRY_ASSIGN(const std::string root_record, read_record(kRootKeyKey));
  TRY_ASSIGN(const auto keyring_entry, storage_.get(kKeyringKey));
  if (!keyring_entry) return Error{Code::kCorrupt, "a record of the seal is missing"};
  const auto root = unwrap(unseal_key, {kRootKeyKey, store_id_, loaded_->record}, root_record);
  if (!root.ok()) return Error{Code::kInvalid, "the shares do not open the root key"};
  if (root->plaintext.size() != kRootKeyBytes) return Error{Code::kCorrupt, "the root key is not one"};
  auto root_key = KeyBytes::copy_of(root->plaintext.reveal());

  const auto keyring = unwrap(root_key, {kKeyringKey, store_id_, {}}, keyring_entry->value);
  if (!keyring.ok() || keyring->root_key_number != root->root_key_number) {
    return Error{Code::kCorrupt, "the root key does not open the keyring"};
  }
  TRY_ASSIGN(Keyring parsed, Keyring::parse(keyring->plaintext.reveal()));
  return Opened{std::move(root_key), root->root_key_number, std::move(parsed), keyring_entry->version};
}

void SealManager::take_over(Opened opened) {
  root_key_ = std::move(opened.root_key);
  root_key_number_ = opened.root_key_number;
  keyring_version_ = opened.keyring_version;
  barrier_.unseal(store_id_, std::move(opened.keyring));
  // Without a watch, changes are found when they are looked for.
  if (watch_ == nullptr) {
    if (auto watch = storage_.watch(kKeyringKey, 0, *this); watch.ok()) watch_ = std::move(*watch);
  }
}

void SealManager::on_changes(std::span<const storage::Change>, storage::Version) { barrier_.keyring_changed(); }

void SealManager::on_reset(storage::Version) { barrier_.keyring_changed(); }

void SealManager::drop_shares() {
  shares_.clear();
  nonce_.clear();
}

void SealManager::reset() {
  const MutexLock lock(mutex_);
  drop_shares();
}

void SealManager::seal() {
  const MutexLock lock(mutex_);
  drop_shares();
  root_key_ = {};
  barrier_.seal_up();
}

SealStatus SealManager::status() const {
  const MutexLock lock(mutex_);
  return status_locked();
}

SealStatus SealManager::status_locked() const {
  SealStatus status;
  status.sealed = barrier_.sealed();
  status.type = loaded_ ? loaded_->config.type : own_type();
  status.recovery_seal = status.type != kShamir;
  if (!loaded_) return status;
  status.migration = migrates();
  status.initialized = true;
  status.shares = loaded_->config.shares;
  status.threshold = loaded_->config.threshold;
  status.progress = static_cast<int>(shares_.size());
  status.nonce = nonce_;
  return status;
}

// Changing the keys of an open store.

Result<void> SealManager::follow() {
  const MutexLock lock(mutex_);
  return follow_locked();
}

Result<void> SealManager::follow_locked() {
  if (barrier_.sealed()) return Error{Code::kSealed, "the server is sealed"};
  TRY_ASSIGN(const auto record, storage_.get(kKeyringKey));
  if (!record) return Error{Code::kCorrupt, "a record of the seal is missing"};
  if (record->version == keyring_version_) return {};
  TRY_ASSIGN(const std::uint32_t number, root_key_number_of(record->value));
  KeyBytes root_key = root_key_.clone();
  if (number != root_key_number_) {
    TRY_ASSIGN(root_key, root_key_behind_barrier(number));
  }
  const auto unwrapped = unwrap(root_key, {kKeyringKey, store_id_, {}}, record->value);
  if (!unwrapped.ok()) return Error{Code::kCorrupt, "the root key does not open the keyring"};
  TRY_ASSIGN(Keyring keyring, Keyring::parse(unwrapped->plaintext.reveal()));
  const auto term = barrier_.active_term();
  if (term && keyring.active_term() < term->number) return Error{Code::kCorrupt, "the store has an older keyring than this node"};
  if (number != root_key_number_) TRY(load_locked());
  take_over({std::move(root_key), number, std::move(keyring), record->version});
  return {};
}

Result<KeyBytes> SealManager::root_key_behind_barrier(std::uint32_t number) const {
  const Error lost{Code::kUnavailable, "this node missed a change of the keys: seal it and unseal it with the shares of today"};
  TRY_ASSIGN(const auto entry, storage_.get(kCurrentRootKeyKey));
  if (!entry) return lost;
  const auto record = barrier_.decrypt_without_following(kCurrentRootKeyKey, entry->value);
  if (!record.ok() || record->size() != kNumberBytes + kRootKeyBytes) return lost;
  if (get_big_endian32(record->reveal().data()) != number) return lost;
  return KeyBytes::copy_of(record->reveal().substr(kNumberBytes));
}

Result<Keyring> SealManager::keyring_of(const storage::Entry& record) {
  TRY(follow_locked());
  TRY_ASSIGN(const std::uint32_t number, root_key_number_of(record.value));
  if (number != root_key_number_) return Error{Code::kConflict, "the root key changed meanwhile"};
  const auto unwrapped = unwrap(root_key_, {kKeyringKey, store_id_, {}}, record.value);
  if (!unwrapped.ok()) return Error{Code::kCorrupt, "the root key does not open the keyring"};
  return Keyring::parse(unwrapped->plaintext.reveal());
}

Result<std::vector<SealManager::Write>> SealManager::rotate(const storage::Entry& keyring_record) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(Keyring keyring, keyring_of(keyring_record));
  TRY(keyring.add_term(rng_, clock_.now_ms()));
  std::vector<Write> writes;
  const SecretBytes record = keyring.serialize();
  writes.push_back({std::string(kKeyringKey), wrap(root_key_, {kKeyringKey, store_id_, {}}, root_key_number_, record.reveal(), rng_)});
  return writes;
}

Result<std::vector<SealManager::Write>> SealManager::settle(const storage::Entry& keyring_record, const storage::Entry& current_root_key) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(Keyring keyring, keyring_of(keyring_record));
  keyring.keep_installed_until(clock_.now_ms() - kFollowMs);
  std::vector<Write> writes;
  if (current_root_key.value.size() < sizeof(std::uint32_t)) return Error{Code::kCorrupt, "the root key behind the barrier is not one"};
  if (get_big_endian32(current_root_key.value.data()) >= keyring.active_term()) return writes;
  Barrier settled(rng_);
  settled.unseal(store_id_, std::move(keyring));
  TRY_ASSIGN(std::string entry, settled.encrypt(kCurrentRootKeyKey, number_and_key(root_key_number_, root_key_).reveal()));
  writes.push_back({std::string(kCurrentRootKeyKey), std::move(entry)});
  return writes;
}

Result<SealManager::NewSeal> SealManager::make_seal(int shares, int threshold) {
  if (!valid_numbers(shares, threshold)) return invalid_numbers();
  if (barrier_.sealed()) return Error{Code::kSealed, "the server is sealed"};
  return new_seal(shares, threshold, barrier_.store_id());
}

Result<SealManager::NewSeal> SealManager::new_seal(int shares, int threshold, const std::string& store_id) {
  NewSeal made;
  made.config = {.shares = shares, .threshold = threshold, .type = std::string(kShamir), .store_id = store_id};
  made.unseal_key = rng_.key(kUnsealKeyBytes);
  if (unseals_itself()) {
    made.config.type = auto_seal_->type();
    made.recovery_key = rng_.key(kUnsealKeyBytes);
    TRY_ASSIGN(made.wrapped_unseal_key, auto_seal_->wrap(made.unseal_key, auto_context(store_id)));
  }
  TRY_ASSIGN(made.shares, split(made.shared_key(), shares, threshold, rng_));
  CHECK(fit(std::span(made.shares).first(static_cast<std::size_t>(threshold)), made));
  return made;
}

Result<std::vector<SealManager::Write>> SealManager::recovery_writes(const NewSeal& seal, const Barrier& barrier) {
  std::vector<Write> writes;
  if (seal.recovery_key.empty()) return writes;
  writes.push_back({std::string(kAutoUnsealKey), seal.wrapped_unseal_key});
  const crypto::Digest digest = crypto::sha256(seal.recovery_key.reveal());
  TRY_ASSIGN(std::string entry, barrier.encrypt(kRecoveryKeyKey, crypto::as_view(digest)));
  writes.push_back({std::string(kRecoveryKeyKey), std::move(entry)});
  return writes;
}

Result<bool> SealManager::is_recovery_key(const KeyBytes& key, const Barrier& barrier) const {
  TRY_ASSIGN(const auto entry, storage_.get(kRecoveryKeyKey));
  if (!entry) return Error{Code::kCorrupt, "a record of the seal is missing"};
  TRY_ASSIGN(const SecretBytes digest, barrier.decrypt(kRecoveryKeyKey, entry->value));
  return crypto::equal_constant_time(crypto::as_view(crypto::sha256(key.reveal())), digest.reveal());
}

Result<std::vector<SealManager::Write>> SealManager::rekey(const Records& records, const NewSeal& next) {
  const MutexLock lock(mutex_);
  return rekey_locked(records, next);
}

Result<std::vector<SealManager::Write>> SealManager::rekey_locked(const Records& records, const NewSeal& next) {
  TRY_ASSIGN(Keyring keyring, keyring_of(records.keyring));
  const std::uint32_t number = root_key_number_ + 1;
  const KeyBytes root_key = rng_.key(kRootKeyBytes);
  const std::string config = encode_config(next.config);
  const std::string retired = retired_root_key_key(root_key_number_);
  const SecretBytes keyring_record = keyring.serialize();
  std::vector<Write> writes;
  writes.push_back({std::string(kConfigKey), config});
  writes.push_back({std::string(kRootKeyKey), wrap(next.unseal_key, {kRootKeyKey, store_id_, config}, number, root_key.reveal(), rng_)});
  writes.push_back({std::string(kKeyringKey), wrap(root_key, {kKeyringKey, store_id_, {}}, number, keyring_record.reveal(), rng_)});
  writes.push_back({retired, wrap(root_key, {retired, store_id_, {}}, number, root_key_.reveal(), rng_)});
  // Under a term that the other nodes have, if they looked within kFollowMs.
  keyring.keep_installed_until(clock_.now_ms() - kFollowMs);
  Barrier barrier(rng_);
  barrier.unseal(store_id_, std::move(keyring));
  TRY_ASSIGN(std::string behind, barrier.encrypt(kCurrentRootKeyKey, number_and_key(number, root_key).reveal()));
  writes.push_back({std::string(kCurrentRootKeyKey), std::move(behind)});
  TRY_ASSIGN(auto recovery, recovery_writes(next, barrier));
  for (Write& write : recovery) writes.push_back(std::move(write));
  return writes;
}

Result<Config> SealManager::config_of(const Records& records) const { return parse_config(records.config.value); }

Result<void> SealManager::check_shares(const Records& records, std::span<const SecretBytes> shares) const {
  const Error unfit{Code::kInvalid, "the shares do not fit: all of them were dropped"};
  TRY_ASSIGN(const Config config, config_of(records));
  const auto key = combine(shares);
  if (!key.ok()) return unfit;
  if (config.type != kShamir) {
    TRY_ASSIGN(const bool fits, is_recovery_key(*key, barrier_));
    if (!fits) return unfit;
    return {};
  }
  if (!unwrap(*key, {kRootKeyKey, config.store_id, records.config.value}, records.root_key.value).ok()) return unfit;
  return {};
}

bool SealManager::in_force(const Records& records, const NewSeal& seal) const {
  return unwrap(seal.unseal_key, {kRootKeyKey, seal.config.store_id, records.config.value}, records.root_key.value).ok();
}

bool SealManager::fit(std::span<const SecretBytes> shares, const NewSeal& seal) {
  const auto combined = combine(shares);
  return combined.ok() && crypto::equal_constant_time(combined->reveal(), seal.shared_key().reveal());
}

const std::string& SealManager::store_id() const {
  static const std::string unknown;
  const MutexLock lock(mutex_);
  return store_id_.empty() ? unknown : store_id_;
}

}  // namespace keyhold::core
