#include "core/node.h"

#include "base/limits.h"
#include "base/version.h"
#include "core/key_ceremonies.h"
#include "core/store_snapshots.h"
#include "core/version_history.h"
#include "crypto/ed25519.h"

namespace keyhold::core {

Node::Node(const Parts& parts)
    : parts_(parts),
      clock_(parts.clock),
      barrier_(parts.rng),
      seal_manager_(parts.store, barrier_, parts.rng, parts.clock),
      cache_(parts.store, barrier_, limits::kEntryCacheBytesMax),
      config_(parts.store, cache_),
      records_(parts.journal.stream(parts.journal_stream), parts.rng),
      jobs_(parts.store, cache_, barrier_, session_, clock_, parts.warn),
      expiry_({parts.store, cache_, barrier_, clock_, session_, parts.rng, records_, parts.warn}),
      rotation_({parts.store, cache_, barrier_, clock_, session_, parts.rng, records_, parts.warn}, parts.post),
      last_reads_({parts.store, cache_, barrier_, clock_, session_, parts.rng, records_, parts.warn}),
      keyring_({parts.store, cache_, barrier_, clock_, session_, parts.rng, records_, parts.warn}, seal_manager_),
      snapshots_({parts.store, cache_, barrier_, clock_, session_, parts.rng, records_, parts.warn}, seal_manager_, parts.snapshot_directory) {
  metrics_.add_source([this](std::vector<MetricSample>& out) { add_metrics(out); });
}

// The journal keeps its signer, to sign its end with.
Node::~Node() {
  MutexLock lock(changing_);
  deactivate();
}

Result<void> Node::load() {
  if (parts_.auto_seal != nullptr) seal_manager_.set_auto_seal(*parts_.auto_seal);
  if (parts_.former_auto_seal != nullptr) seal_manager_.set_former_auto_seal(*parts_.former_auto_seal);
  return seal_manager_.load();
}

namespace {

/// A record that may not be there yet.
template <typename Message>
Result<Message> load_or_default(EntryCache& cache, std::string_view key) {
  TRY_ASSIGN(const EntryRef entry, cache.load(key));
  if (!entry->present()) return Message();
  return decode_record<Message>(entry->value());
}

}  // namespace

Result<std::shared_ptr<const Session>> Node::make_session(const Barrier& barrier, EntryCache& cache) {
  TRY_ASSIGN(const KeyBytes tokens, barrier.derive("token-id"));
  TRY_ASSIGN(const KeyBytes audit, barrier.derive("audit-hmac"));
  TRY_ASSIGN(const KeyBytes fingerprints, barrier.derive("content-fingerprint"));
  TRY_ASSIGN(const KeyBytes batch_tokens, barrier.derive("batch-token"));
  TRY_ASSIGN(const KeyBytes pages, barrier.derive("page-token"));
  TRY_ASSIGN(const KeyBytes temporary_keys, barrier.derive("temporary-access-key"));
  TRY_ASSIGN(const auto epoch, load_or_default<records::Epoch>(cache, keys::epoch()));
  return std::make_shared<const Session>(Session{TokenStore({crypto::HmacSha256(tokens), BatchTokens(batch_tokens), clock_, epoch.number()}),
                                                 audit::Redactor(audit),
                                                 crypto::HmacSha256(fingerprints),
                                                 TemporaryKeys(temporary_keys),
                                                 std::make_unique<SigningKeys>(),
                                                 std::make_unique<ResourcePolicies>(),
                                                 std::make_unique<LastReads>(),
                                                 std::make_unique<KeyCeremonies>(),
                                                 SealedText(pages)});
}

Result<Node::Initialized> Node::initialize(int shares, int threshold, SecretBytes root_token) {
  MutexLock lock(changing_);
  const auto make_first = [&](const Barrier& barrier) { return first_entries(barrier, std::move(root_token)); };
  TRY_ASSIGN(auto made, seal_manager_.initialize(shares, threshold, make_first));
  return Initialized{std::move(made.shares), std::move(made.root_token)};
}

Result<SealManager::FirstEntries> Node::first_entries(const Barrier& barrier, SecretBytes root_token) {
  EntryCache cache(parts_.store, barrier, 0);  // Of a barrier that is gone when this is done: nothing is to stay.
  TRY_ASSIGN(const auto session, make_session(barrier, cache));
  Transaction tx(cache, parts_.store, Transaction::Mode::kThroughStore);
  TokenSpec spec;
  spec.policies = {"root"};
  spec.path = "auth/token/root";
  spec.display_name = "root";
  spec.chosen = std::move(root_token);
  TRY_ASSIGN(NewToken root, session->tokens.create(tx, std::move(spec), parts_.rng));
  records::Policy policy;
  policy.set_namespace_id(keys::kRootNamespace);
  policy.set_name("default");
  policy.set_text(std::string(kDefaultPolicyText));
  policy.set_number(1);
  policy.set_changed_ms(clock_.now_ms());
  tx.put(keys::policy(keys::kRootNamespace, policy.name()), encode_record(policy));
  tx.put(keys::policy_version(keys::kRootNamespace, policy.name(), policy.number()), encode_record(policy));
  TRY_ASSIGN(auto commit, tx.prepare(barrier));
  return SealManager::FirstEntries{std::move(commit.batch), std::move(root.token)};
}

Result<SealStatus> Node::unseal(const SecretBytes& share, SealManager::Migration migration) {
  MutexLock lock(changing_);
  return serve_if_open(seal_manager_.unseal(share, migration));
}

Result<SealStatus> Node::auto_unseal() {
  MutexLock lock(changing_);
  return serve_if_open(seal_manager_.auto_unseal());
}

Result<SealStatus> Node::serve_if_open(Result<SealStatus> status) {
  if (!status.ok() || status->sealed || active_) return status;
  if (auto activated = activate(); !activated.ok()) {
    close();
    return std::move(activated).error();
  }
  return status;
}

void Node::reset_unseal() {
  MutexLock lock(changing_);  // Not between the shares that an initialisation gives.
  seal_manager_.reset();
}

Result<void> Node::activate() {
  TRY(store_snapshots::settle(parts_.store, barrier_, parts_.rng));
  TRY_ASSIGN(const auto time, load_or_default<records::TimeMark>(cache_, keys::time_mark()));
  clock_.start(time.seen_ms());
  TRY_ASSIGN(const auto session, make_session(barrier_, cache_));
  TRY(cache_.start());
  TRY(config_.start());
  TRY_ASSIGN(const KeyBytes seed, barrier_.derive("journal-signing"));
  TRY_ASSIGN(auto signer, crypto::Ed25519Signer::from_seed(seed));
  note_version();
  parts_.journal.set_signer(std::make_shared<const crypto::Ed25519Signer>(std::move(signer)));
  session_.publish(session);
  jobs_.start();
  expiry_.start();
  rotation_.start();
  last_reads_.start();
  keyring_.start();
  snapshots_.start();
  active_ = true;
  return {};
}

/// A store that takes no writes is still served.
void Node::note_version() {
  Transaction tx(cache_, parts_.store, Transaction::Mode::kThroughStore);
  if (!version_history::note(tx, kVaultApiVersion, parts_.clock.now_ms()).ok() || !tx.writes()) return;
  auto commit = tx.prepare(barrier_);
  const bool noted = commit.ok() && parts_.store.commit(std::move(commit->batch)).ok();
  if (!noted) parts_.warn("the history of versions could not be written");
}

void Node::deactivate() {
  snapshots_.stop();
  keyring_.stop();
  last_reads_.stop();
  rotation_.stop();
  expiry_.stop();
  jobs_.stop();
  session_.publish(nullptr);
  config_.stop();
  active_ = false;
}

void Node::close() {
  deactivate();
  parts_.journal.set_signer(nullptr);
  seal_manager_.seal();
  cache_.purge();
}

SealStatus Node::seal_status() const {
  SealStatus status = seal_manager_.status();
  status.sealed = session_.load() == nullptr;
  return status;
}

void Node::add_metrics(std::vector<MetricSample>& out) const {
  const auto gauge = [&out](std::string name, std::string_view help, double value) {
    out.push_back({.name = std::move(name), .help = help, .value = value});
  };
  const auto counter = [&out](std::string name, std::string_view help, std::uint64_t value) {
    out.push_back({.name = std::move(name), .help = help, .kind = MetricSample::Kind::kCounter, .value = static_cast<double>(value)});
  };
  const bool unsealed = session_.load() != nullptr;
  gauge("vault.core.unsealed", "1 while the barrier is open.", unsealed ? 1 : 0);
  gauge("vault.core.active", "1 while requests are served.", unsealed ? 1 : 0);
  gauge("keyhold.cache.bytes", "Memory of decrypted entries.", static_cast<double>(cache_.bytes()));
  gauge("keyhold.cache.entries", "Decrypted entries in memory.", static_cast<double>(cache_.entries()));
  const audit::JournalCounters journal = parts_.journal.counters();
  counter("keyhold.journal.records", "Records written to the audit journal.", journal.records);
  counter("vault.audit.log_request_failure", "Writes of the audit journal that failed: their requests were refused.", journal.write_failures);
  counter("vault.audit.log_response_failure", "The same: one journal has both.", journal.write_failures);
  counter("keyhold.journal.sync_failures", "Files of the journal given up because they could not be synced.", journal.sync_failures);
  counter("keyhold.journal.files_lost", "Files of the journal given up because they were unlinked or replaced.", journal.files_lost);
  counter("keyhold.journal.signing_failures", "Checkpoints that could not be written.", journal.signing_failures);
  counter("keyhold.journal.files_dropped", "Files of the journal dropped because of its bound.", journal.files_dropped);
  counter("keyhold.journal.files_dropped_unforwarded", "Of them, before all audit devices had them.", journal.files_dropped_unforwarded);
  gauge("keyhold.store.writable", "0 while the store takes no writes.", parts_.store.health().writable ? 1 : 0);
}

void Node::seal() {
  {
    MutexLock lock(changing_);
    close();
  }
  if (on_sealed_) on_sealed_();
}

Result<backup::Verified> Node::restore(const std::shared_ptr<const SpoolFile>& snapshot) {
  // Before anything is stopped.
  TRY_ASSIGN(auto verified, store_snapshots::check_own(snapshot, barrier_));
  const auto replaced = [&]() -> Result<void> {
    MutexLock lock(changing_);
    if (!active_) return Error{Code::kSealed, "the server is sealed"};
    TRY_ASSIGN(const auto entries, store_snapshots::entries_for_own_store(snapshot, parts_.store, barrier_, parts_.rng));
    deactivate();
    const auto put = parts_.store.replace(entries);
    cache_.purge();
    if (auto activated = activate(); !activated.ok()) {
      close();
      return activated;
    }
    return put.ok() ? Result<void>() : put.error();
  }();
  if (on_sealed_) on_sealed_();
  TRY(replaced);
  return verified;
}

NodeState Node::state() const {
  const SealStatus status = seal_manager_.status();
  if (!status.initialized) return NodeState::kUninitialized;
  return session_.load() == nullptr ? NodeState::kSealed : NodeState::kActive;
}

}  // namespace keyhold::core
