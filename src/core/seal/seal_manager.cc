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
  if (shares.size() == 1) return KeyBytes::copy_of(shares[0].reveal());
  TRY_ASSIGN(const SecretBytes key, crypto::shamir_combine(shares));
  return KeyBytes::copy_of(key.reveal());
}

Result<std::vector<SecretBytes>> split(const KeyBytes& key, int shares, int threshold, crypto::Rng& rng) {
  auto secret = SecretBytes::copy_of(key.reveal());
  if (threshold > 1) return crypto::shamir_split(secret, shares, threshold, rng);
  std::vector<SecretBytes> whole;
  whole.push_back(std::move(secret));
  return whole;
}

std::size_t share_bytes(const Config& config) { return kUnsealKeyBytes + (config.threshold > 1 ? 1 : 0); }

}  // namespace

SealManager::SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng, const Clock& clock)
    : storage_(storage), barrier_(barrier), rng_(rng), clock_(clock) {}

SealManager::SealManager(storage::Storage& storage, Barrier& barrier, crypto::Rng& rng)
    : SealManager(storage, barrier, rng, system_clock()) {}

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

Result<SealManager::Initialized> SealManager::initialize(int shares, int threshold) {
  if (!valid_numbers(shares, threshold)) {
    return Error{Code::kInvalid, "1 <= threshold <= shares <= 255 must hold, with one share if the threshold is 1"};
  }
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
  TRY_ASSIGN(Pending made, make_keys(shares, threshold, batch));
  const storage::Outcome outcome = storage_.commit(std::move(batch));
  switch (outcome.kind) {
    case storage::Outcome::Kind::kOk: return accept(std::move(made));
    case storage::Outcome::Kind::kConflict: TRY(load()); return already_initialized();
    case storage::Outcome::Kind::kRefused: return outcome.error;
    case storage::Outcome::Kind::kUnknown: return settle(std::move(made));
  }
  return Error{Code::kInternal, "the store gave no outcome"};
}

Result<SealManager::Pending> SealManager::make_keys(int shares, int threshold, storage::Batch& batch) {
  const KeyBytes unseal_key = rng_.key(kUnsealKeyBytes);
  const KeyBytes root_key = rng_.key(kRootKeyBytes);
  const std::string store_id = rng_.bytes(Barrier::kStoreIdBytes);

  Pending made;
  TRY_ASSIGN(made.shares, split(unseal_key, shares, threshold, rng_));
  // Shares that do not open the store must never be handed out.
  TRY_ASSIGN(const KeyBytes combined, combine(std::span(made.shares).first(static_cast<std::size_t>(threshold))));
  CHECK(crypto::equal_constant_time(combined.reveal(), unseal_key.reveal()));

  made.request_id = random_request_id(rng_);
  made.loaded.config = {.shares = shares, .threshold = threshold, .type = "shamir", .store_id = store_id};
  made.loaded.record = encode_config(made.loaded.config);
  const SecretBytes keyring = Keyring::create(rng_, clock_.now_ms()).serialize();
  const auto add = [&batch](std::string_view key, std::string record) {
    batch.conditions.push_back(storage::absent(std::string(key)));
    batch.operations.push_back(storage::put(std::string(key), std::move(record)));
  };
  add(kConfigKey, made.loaded.record);
  add(kStoreIdKey, encode_store_id(store_id));
  add(kRootKeyKey, wrap(unseal_key, {kRootKeyKey, store_id, made.loaded.record}, kFirstRootKey, root_key.reveal(), rng_));
  add(kKeyringKey, wrap(root_key, {kKeyringKey, store_id, {}}, kFirstRootKey, keyring.reveal(), rng_));
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
  return Initialized{std::move(pending.shares)};
}

// Unsealing.

Result<SealStatus> SealManager::unseal(const SecretBytes& share) {
  const MutexLock lock(mutex_);
  if (!barrier_.sealed()) return status_locked();
  if (shares_.empty()) TRY(load_locked());
  if (!loaded_) return Error{Code::kInvalid, "Vault is not initialized"};
  if (share.size() != share_bytes(loaded_->config)) return Error{Code::kInvalid, "the share has the wrong length"};

  const auto same = [&share](const SecretBytes& each) {
    return crypto::equal_constant_time(each.reveal(), share.reveal());
  };
  if (std::ranges::any_of(shares_, same)) return status_locked();
  if (shares_.empty()) nonce_ = random_uuid(rng_);
  shares_.push_back(share.clone());
  if (shares_.size() < static_cast<std::size_t>(loaded_->config.threshold)) return status_locked();

  const auto unseal_key = combine_shares();
  auto keyring = unseal_key.ok() ? open_keyring(*unseal_key) : Result<Keyring>(unseal_key.error());
  if (!keyring.ok() && keyring.code() == Code::kUnavailable && shares_.size() > 1) {
    shares_.pop_back();
    return std::move(keyring).error();
  }
  drop_shares();
  if (!keyring.ok()) return std::move(keyring).error();
  barrier_.unseal(store_id_, std::move(*keyring));
  return status_locked();
}

Result<KeyBytes> SealManager::combine_shares() const {
  auto key = combine(shares_);
  if (!key.ok()) return Error{Code::kInvalid, "the shares do not fit together"};
  return key;
}

Result<Keyring> SealManager::open_keyring(const KeyBytes& unseal_key) const {
  TRY_ASSIGN(const std::string root_record, read_record(kRootKeyKey));
  TRY_ASSIGN(const std::string keyring_record, read_record(kKeyringKey));
  const auto root = unwrap(unseal_key, {kRootKeyKey, store_id_, loaded_->record}, root_record);
  if (!root.ok()) return Error{Code::kInvalid, "the shares do not open the root key"};
  if (root->plaintext.size() != kRootKeyBytes) return Error{Code::kCorrupt, "the root key is not one"};
  const auto root_key = KeyBytes::copy_of(root->plaintext.reveal());

  const auto keyring = unwrap(root_key, {kKeyringKey, store_id_, {}}, keyring_record);
  if (!keyring.ok() || keyring->root_key_number != root->root_key_number) {
    return Error{Code::kCorrupt, "the root key does not open the keyring"};
  }
  return Keyring::parse(keyring->plaintext.reveal());
}

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
  barrier_.seal_up();
}

SealStatus SealManager::status() const {
  const MutexLock lock(mutex_);
  return status_locked();
}

SealStatus SealManager::status_locked() const {
  SealStatus status;
  status.sealed = barrier_.sealed();
  if (!loaded_) return status;
  status.initialized = true;
  status.shares = loaded_->config.shares;
  status.threshold = loaded_->config.threshold;
  status.progress = static_cast<int>(shares_.size());
  status.nonce = nonce_;
  return status;
}

const std::string& SealManager::store_id() const {
  static const std::string unknown;
  const MutexLock lock(mutex_);
  return store_id_.empty() ? unknown : store_id_;
}

}  // namespace keyhold::core
