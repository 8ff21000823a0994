#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "core/cache/entry_cache.h"
#include "core/keys.h"
#include "core/policy/compiled_policies.h"
#include "core/policy/iam_policy.h"
#include "core/records.pb.h"
#include "core/snapshot.h"
#include "storage/storage.h"

namespace keyhold::core {

/// A mounted engine.
struct MountPoint {
  records::Mount record;
  storage::Version version = 0;  // Of its record; 0 for those built in that nobody has tuned.
  std::string audit_members;     // Its part of an audit record, rendered once.
  std::string engine;            // As the Router knows it: engine_name() of the record.

  bool built_in() const;  // Every namespace has it.
};

/// What the policies of a token come to.
struct Grants {
  bool root = false;
  std::vector<std::shared_ptr<const Policy>> policies;
  std::vector<std::shared_ptr<const iam::Policy>> iam;
};

/// The name of the engine that serves a mount: its type, and the version if its options name one: "kv-v2".
std::string engine_name(const records::Mount& mount);

/// Mounts and policies at one moment: immutable, replaced whole.
class Config {
 public:
  /// The mount whose path is the longest prefix of `path`, or nullptr. "secret" alone is below "secret/".
  const MountPoint* mount_of(keys::NamespaceId owner, std::string_view path) const;
  /// All of a namespace, in order of their paths.
  std::vector<const MountPoint*> mounts(keys::NamespaceId owner) const;
  /// Of Vault's language; nullptr when there is none, or none that can be used.
  std::shared_ptr<const Policy> policy(keys::NamespaceId owner, std::string_view name) const;
  /// The same of IAM's. Both share the names.
  std::shared_ptr<const iam::Policy> iam_policy(keys::NamespaceId owner, std::string_view name) const;
  std::vector<std::string> policy_names(keys::NamespaceId owner) const;
  std::vector<std::string> iam_policy_names(keys::NamespaceId owner) const;
  /// It is there, and this program cannot read it: a newer one wrote it. It may deny, so whoever has it gets nothing.
  bool policy_unusable(keys::NamespaceId owner, std::string_view name) const;
  /// What a token has by its policies: one that does not exist gives nothing, and one that cannot be used takes all but root.
  Grants grants_of(const records::Token& token) const;
  /// The same, made for asking; compiled once for all tokens with the same policies.
  CompiledPolicies policies_of(const records::Token& token) const;
  /// Version of the mount guard (core/keys.h) at which the mounts were read. Who decides by what is mounted reads the
  /// guard in its transaction, compares, and answers kConflict when they differ.
  storage::Version mounts_version(keys::NamespaceId owner) const;

 private:
  friend class ConfigStore;
  using Name = std::pair<keys::NamespaceId, std::string>;
  using NameView = std::pair<keys::NamespaceId, std::string_view>;
  /// Compares names with views of names: nothing is copied to look.
  struct NameLess {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return view(a) < view(b); }
    static NameView view(const auto& name) { return {name.first, name.second}; }
  };
  std::map<Name, MountPoint, NameLess> mounts_;  // By path without its slash.
  std::map<keys::NamespaceId, storage::Version> mounts_versions_;
  /// One of the two; neither: it cannot be used.
  struct StoredPolicy {
    records::Policy::Language language = records::Policy::ACL;
    std::shared_ptr<const Policy> acl;
    std::shared_ptr<const iam::Policy> iam;
  };
  const StoredPolicy* stored(keys::NamespaceId owner, std::string_view name) const;
  std::vector<std::string> names_in(keys::NamespaceId owner, records::Policy::Language language) const;

  std::map<Name, StoredPolicy, NameLess> policies_;

  mutable Mutex compiled_mutex_;
  mutable std::unordered_map<std::string, CompiledPolicies> compiled_ GUARDED_BY(compiled_mutex_);  // By namespace and names.
};

/// Keeps the Config of an unsealed store current: a commit that changes a mount or a policy marks it stale before it
/// is acknowledged, and the next request loads it anew, so no node answers from an older one.
///
/// threads   Any.
class ConfigStore final : public storage::Watcher {
 public:
  ConfigStore(storage::Storage& store, EntryCache& cache) : store_(store), cache_(cache) {}

  Result<void> start();
  void stop();

  /// Whether the snapshot may be older than an acknowledged commit. To be asked before the snapshot is taken: one taken after
  /// "no" is at least as new as that answer.
  bool stale() const { return loaded_.load(std::memory_order_acquire) != changes_.load(std::memory_order_acquire); }
  /// Loads what changed. Reads the store: not on an I/O thread.
  Result<void> refresh();
  const Snapshot<Config>& snapshot() const { return snapshot_; }

  void on_changes(std::span<const storage::Change> changes, storage::Version at) override;
  void on_reset(storage::Version at) override;

 private:
  Result<std::shared_ptr<Config>> load();
  Result<void> for_each(std::string_view prefix, const std::function<Result<void>(const EntryRef&)>& visit);

  storage::Storage& store_;
  EntryCache& cache_;
  std::atomic<std::uint64_t> changes_{1};  // That may concern the Config.
  std::atomic<std::uint64_t> loaded_{0};   // Of them, those that the published snapshot knows.
  Mutex refreshing_;
  Snapshot<Config> snapshot_;
  std::unique_ptr<storage::Watch> watch_;
};

/// What a new store's "default" policy says; an operator may change it.
extern const std::string_view kDefaultPolicyText;

/// The engines that every namespace has: "sys/", "auth/token/" and "cubbyhole/". Their ids are below kFirstMountId.
inline constexpr keys::MountId kSysMount = 1;
inline constexpr keys::MountId kTokenMount = 2;
inline constexpr keys::MountId kCubbyholeMount = 3;
inline constexpr keys::MountId kFirstMountId = 1024;

inline bool MountPoint::built_in() const { return record.id() < kFirstMountId; }

}  // namespace keyhold::core
