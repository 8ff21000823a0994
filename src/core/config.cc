#include "core/config.h"

#include <array>

#include "base/limits.h"
#include "core/audit_record.h"
#include "core/record.h"

namespace keyhold::core {
namespace {

/// Below it lies what the Config is made of.
bool concerns_config(std::string_view key) {
  return key.starts_with(keys::kMountKind) || key.starts_with(keys::kPolicyKind);
}

MountPoint mount_point(records::Mount record, storage::Version version) {
  std::string audit_members = render_mount(record);
  std::string engine = engine_name(record);
  return {std::move(record), version, std::move(audit_members), std::move(engine)};
}

MountPoint built_in(keys::MountId id, std::string path, std::string engine, std::string description) {
  records::Mount record;
  record.set_id(id);
  record.set_namespace_id(keys::kRootNamespace);
  record.set_accessor(engine + "_" + std::to_string(id));
  record.set_path(std::move(path));
  record.set_engine(std::move(engine));
  record.set_description(std::move(description));
  return mount_point(std::move(record), 0);
}

/// By which the Config finds it: the path without the slash that ends it.
std::pair<keys::NamespaceId, std::string> mount_name(const records::Mount& record) {
  return {record.namespace_id(), record.path().substr(0, record.path().size() - 1)};
}

}  // namespace

std::string engine_name(const records::Mount& mount) {
  const auto version = mount.options().find("version");
  return version == mount.options().end() ? mount.engine() : mount.engine() + "-v" + version->second;
}

const MountPoint* Config::mount_of(keys::NamespaceId owner, std::string_view path) const {
  // Every prefix of whole segments, the longest first.
  if (path.ends_with('/')) path.remove_suffix(1);
  for (;;) {
    const auto found = mounts_.find(NameView{owner, path});
    if (found != mounts_.end()) return &found->second;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return nullptr;
    path = path.substr(0, slash);
  }
}

std::vector<const MountPoint*> Config::mounts(keys::NamespaceId owner) const {
  std::vector<const MountPoint*> all;
  for (const auto& [name, mount] : mounts_) {
    if (name.first == owner) all.push_back(&mount);
  }
  return all;
}

const Config::StoredPolicy* Config::stored(keys::NamespaceId owner, std::string_view name) const {
  const auto found = policies_.find(NameView{owner, name});
  return found == policies_.end() ? nullptr : &found->second;
}

std::shared_ptr<const Policy> Config::policy(keys::NamespaceId owner, std::string_view name) const {
  const StoredPolicy* found = stored(owner, name);
  return found == nullptr ? nullptr : found->acl;
}

std::shared_ptr<const iam::Policy> Config::iam_policy(keys::NamespaceId owner, std::string_view name) const {
  const StoredPolicy* found = stored(owner, name);
  return found == nullptr ? nullptr : found->iam;
}

bool Config::policy_unusable(keys::NamespaceId owner, std::string_view name) const {
  const StoredPolicy* found = stored(owner, name);
  return found != nullptr && found->acl == nullptr && found->iam == nullptr;
}

namespace {

/// What a wrapping token may do: hand out the answer that waits in it, or have it wrapped anew. Not stored, and so nobody's to change.
const std::shared_ptr<const Policy>& wrapping_policy() {
  static const auto* policy = new std::shared_ptr<const Policy>([] {
    auto parsed = parse_policy(R"(
      path "sys/wrapping/unwrap" { capabilities = ["update"] }
      path "sys/wrapping/rewrap" { capabilities = ["update"] }
    )");
    CHECK(parsed.ok());
    return std::make_shared<const Policy>(std::move(*parsed));
  }());
  return *policy;
}

}  // namespace

Grants Config::grants_of(const records::Token& token) const {
  Grants grants;
  bool unusable = false;
  for (const std::string& name : token.policies()) {
    grants.root = grants.root || name == kRootPolicyName;
    unusable = unusable || policy_unusable(token.namespace_id(), name);
    if (name == kWrappingPolicyName) grants.policies.push_back(wrapping_policy());
    if (auto found = policy(token.namespace_id(), name)) grants.policies.push_back(std::move(found));
    if (auto found = iam_policy(token.namespace_id(), name)) grants.iam.push_back(std::move(found));
  }
  if (unusable) {
    grants.policies.clear();
    grants.iam.clear();
  }
  return grants;
}

CompiledPolicies Config::policies_of(const records::Token& token) const {
  std::string key = std::to_string(token.namespace_id());
  for (const std::string& name : token.policies()) key.append(1, '\0').append(name);
  {
    MutexLock lock(compiled_mutex_);
    if (const auto known = compiled_.find(key); known != compiled_.end()) return known->second;
  }
  const Grants grants = grants_of(token);
  CompiledPolicies compiled = grants.root ? CompiledPolicies::root_policy() : CompiledPolicies::compile(grants.policies);
  MutexLock lock(compiled_mutex_);
  if (compiled_.size() >= limits::kCompiledPoliciesMax) compiled_.clear();
  compiled_.emplace(std::move(key), compiled);
  return compiled;
}

storage::Version Config::mounts_version(keys::NamespaceId owner) const {
  const auto found = mounts_versions_.find(owner);
  return found == mounts_versions_.end() ? 0 : found->second;
}

std::vector<std::string> Config::names_in(keys::NamespaceId owner, records::Policy::Language language) const {
  std::vector<std::string> names;
  for (const auto& [name, policy] : policies_) {
    if (name.first == owner && policy.language == language) names.push_back(name.second);
  }
  return names;
}

std::vector<std::string> Config::policy_names(keys::NamespaceId owner) const { return names_in(owner, records::Policy::ACL); }

std::vector<std::string> Config::iam_policy_names(keys::NamespaceId owner) const { return names_in(owner, records::Policy::IAM); }

const std::string_view kDefaultPolicyText = R"(# What every token may do with itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# Ask what it may do.
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# Keep its leases, which it must name to look at or renew.
path "sys/leases/lookup" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/renew" {
  capabilities = ["update"]
}

# A place of its own, which ends with it.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Hand data on under a token that can be used once, and take what was handed on.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hash what it sends.
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}
)";

Result<void> ConfigStore::start() {
  TRY_ASSIGN(watch_, store_.watch("", 0, *this));
  changes_.fetch_add(1);
  return refresh();
}

void ConfigStore::stop() {
  watch_.reset();
  changes_.fetch_add(1);
  snapshot_.publish(nullptr);
}

Result<void> ConfigStore::refresh() {
  MutexLock lock(refreshing_);
  while (stale()) {
    const std::uint64_t known = changes_.load(std::memory_order_acquire);
    TRY_ASSIGN(auto loaded, load());
    snapshot_.publish(std::move(loaded));
    // Only now: until it is published, everybody else must go on seeing the old one as stale.
    loaded_.store(known, std::memory_order_release);
  }
  return {};
}

Result<std::shared_ptr<Config>> ConfigStore::load() {
  auto config = std::make_shared<Config>();
  // Before the mounts: if one changes in between, the guard is newer than this, and whoever compares notices.
  TRY_ASSIGN(const EntryRef guard, cache_.load(keys::mount_guard(keys::kRootNamespace)));
  config->mounts_versions_[keys::kRootNamespace] = guard->version();
  for (MountPoint& mount : std::array{built_in(kSysMount, "sys/", "system", "system endpoints used for control, policy and debugging"),
                                      built_in(kTokenMount, "auth/token/", "token", "token based credentials"),
                                      built_in(kCubbyholeMount, "cubbyhole/", "cubbyhole", "per-token private secret storage")}) {
    config->mounts_.emplace(mount_name(mount.record), std::move(mount));
  }
  TRY(for_each(keys::kMountKind, [&](const EntryRef& entry) -> Result<void> {
    TRY_ASSIGN(records::Mount record, decode_record<records::Mount>(entry->value()));
    if (record.state() != records::Mount::ACTIVE) return {};
    // One built in has a record when it has been tuned, under the same path.
    auto name = mount_name(record);
    config->mounts_.insert_or_assign(std::move(name), mount_point(std::move(record), entry->version()));
    return {};
  }));
  TRY(for_each(keys::kPolicyKind, [&](const EntryRef& entry) -> Result<void> {
    TRY_ASSIGN(const records::Policy record, decode_record<records::Policy>(entry->value()));
    if (record.removed()) return {};
    // One bad policy must not stop the node, or nobody could mend it.
    Config::StoredPolicy kept;
    kept.language = record.language();
    if (record.language() == records::Policy::IAM) {
      auto policy = iam::parse_policy(record.text(), iam::PolicyKind::kIdentity);
      if (policy.ok()) kept.iam = std::make_shared<const iam::Policy>(std::move(*policy));
    } else if (record.language() == records::Policy::ACL) {
      auto policy = parse_policy(record.text());
      if (policy.ok()) kept.acl = std::make_shared<const Policy>(std::move(*policy));
    }
    config->policies_.emplace(Config::Name{record.namespace_id(), record.name()}, std::move(kept));
    return {};
  }));
  return config;
}

Result<void> ConfigStore::for_each(std::string_view prefix,
                                   const std::function<Result<void>(const EntryRef&)>& visit) {
  std::string after;
  for (;;) {
    storage::ListOptions options;
    options.prefix = prefix;
    options.after = after;
    options.limit = limits::kStorageListMax;
    TRY_ASSIGN(const storage::Page page, store_.list(options));
    for (const auto& item : page.items) {
      TRY_ASSIGN(const EntryRef entry, cache_.load(item.key));
      if (entry->present()) TRY(visit(entry));
    }
    if (!page.more) return {};
    after = page.items.back().key;
  }
}

void ConfigStore::on_changes(std::span<const storage::Change> changes, storage::Version) {
  for (const storage::Change& change : changes) {
    if (concerns_config(change.key)) {
      changes_.fetch_add(1, std::memory_order_release);
      return;
    }
  }
}

void ConfigStore::on_reset(storage::Version) { changes_.fetch_add(1, std::memory_order_release); }

}  // namespace keyhold::core
