#include "core/token_reaper.h"

#include "base/limits.h"
#include "core/access_key.h"
#include "core/config.h"
#include "core/cubbyhole.h"
#include "core/keys.h"

namespace keyhold::core {
namespace {

/// A token's end is at most 9 operations, and 3 conditions.
constexpr std::size_t kTokensABatch = 12;
static_assert(kTokensABatch * 9 < limits::kStorageOperationsMax);

Error stopping() { return {Code::kUnavailable, "stopping"}; }

/// The token that an entry of an index names, or nullptr.
Result<std::shared_ptr<const records::Token>> token_of(Transaction& tx, const records::TokenRef& reference) {
  return tx.load<records::Token>(keys::token(reference.namespace_id(), reference.token()));
}

}  // namespace

Result<Snapshot<Session>::Pointer> TokenReaper::session() const {
  auto session = session_.load();
  if (session == nullptr) return stopping();
  return session;
}

Result<void> TokenReaper::for_each_below(const std::string& prefix, const Conditions& conditions, const Work& work) {
  std::string after;
  for (;;) {
    storage::ListOptions options;
    options.prefix = prefix;
    options.after = after;
    options.limit = kTokensABatch;
    TRY_ASSIGN(const storage::Page page, store_.list(options));
    if (page.items.empty()) return {};
    if (stopping_()) return stopping();
    Transaction tx = transaction();
    for (const auto& item : page.items) TRY(work(tx, item.key));
    // A conflict ends the round; the next one looks anew.
    if (tx.writes()) TRY(commit_in_background(store_, barrier_, tx, conditions));
    after = page.items.back().key;
  }
}

Result<void> TokenReaper::end_dependents(const records::Job& job, const Conditions& conditions) {
  TRY_ASSIGN(const auto session, session());
  const std::string prefix = keys::child(job.namespace_id(), job.liveness());
  return for_each_below(prefix, conditions, [&](Transaction& tx, const std::string& key) -> Result<void> {
    TRY_ASSIGN(const auto child, tx.load<records::TokenRef>(key));
    if (child == nullptr) return {};
    TRY_ASSIGN(const auto record, token_of(tx, *child));
    if (record == nullptr) {
      tx.erase(key);
      return {};
    }
    return session->tokens.revoke(tx, child->namespace_id(), child->token());
  });
}

Result<void> TokenReaper::empty_cubbyhole(const records::Job& job, const Conditions& conditions) {
  for (;;) {
    if (stopping_()) return stopping();
    Transaction tx = transaction();
    TRY_ASSIGN(const bool any, cubbyhole::erase_some(tx, kCubbyholeMount, job.liveness(), job.created_ms()));
    if (!any) return {};
    TRY(commit_in_background(store_, barrier_, tx, conditions));
  }
}

Result<void> TokenReaper::detach_dependents(const records::Job& job, const Conditions& conditions) {
  const keys::NamespaceId owner = job.namespace_id();
  TRY(rewrite_below(owner, job.liveness(), job.liveness(), conditions, 0));
  // Only now, when nothing below refers to the token any more: until here a round begins anew at its children.
  TRY(for_each_below(keys::child(owner, job.liveness()), conditions, [](Transaction& tx, const std::string& key) -> Result<void> {
    tx.erase(key);
    return {};
  }));
  Transaction tx = transaction();
  tx.erase(keys::liveness(owner, job.liveness()));
  return commit_in_background(store_, barrier_, tx, conditions);
}

/// Cuts `cut` and what is above it off the ancestors of all tokens below `liveness`. A token's record is rewritten before its
/// children are looked for, so one that is made meanwhile is either found or made from the new record.
Result<void> TokenReaper::rewrite_below(keys::NamespaceId owner, const std::string& liveness, const std::string& cut,
                                        const Conditions& conditions, std::size_t depth) {
  if (depth > TokenStore::kAncestorsMax) return Error{Code::kCorrupt, "tokens are nested too deeply"};
  std::vector<std::string> below;
  std::string after;
  const std::string prefix = keys::child(owner, liveness);
  for (;;) {
    storage::ListOptions options;
    options.prefix = prefix;
    options.after = after;
    options.limit = kTokensABatch;
    TRY_ASSIGN(const storage::Page page, store_.list(options));
    if (page.items.empty()) return {};
    if (stopping_()) return stopping();
    Transaction tx = transaction();
    below.clear();
    for (const auto& item : page.items) {
      TRY_ASSIGN(const auto child, tx.load<records::TokenRef>(item.key));
      if (child == nullptr) continue;
      TRY_ASSIGN(const auto record, token_of(tx, *child));
      if (record == nullptr) continue;
      below.push_back(record->liveness());
      records::Token rewritten = *record;
      int kept = 0;
      while (kept < record->ancestors_size() && record->ancestors(kept) != cut) ++kept;
      if (kept == record->ancestors_size()) continue;
      rewritten.mutable_ancestors()->DeleteSubrange(kept, record->ancestors_size() - kept);
      rewritten.set_orphan(kept == 0);
      tx.put(keys::token(owner, child->token()), encode_record(rewritten));
    }
    if (tx.writes()) TRY(commit_in_background(store_, barrier_, tx, conditions));
    for (const std::string& child_liveness : below) TRY(rewrite_below(owner, child_liveness, cut, conditions, depth + 1));
    after = page.items.back().key;
  }
}

Result<void> TokenReaper::end_leases(keys::MountId mount, std::string_view path, UnixMillis made_until_ms,
                                     const Conditions& conditions) {
  TRY_ASSIGN(const auto session, session());
  return for_each_below(keys::leases_below(mount, path), conditions, [&](Transaction& tx, const std::string& key) -> Result<void> {
    TRY_ASSIGN(const auto lease, tx.load<records::TokenRef>(key));
    if (lease == nullptr) return {};
    TRY_ASSIGN(const auto record, token_of(tx, *lease));
    if (record == nullptr) {
      tx.erase(key);
      return {};
    }
    if (record->created_ms() > made_until_ms) return {};
    return session->tokens.revoke(tx, lease->namespace_id(), lease->token());
  });
}

Result<void> TokenReaper::end_access_keys(keys::NamespaceId owner, keys::MountId mount, const Conditions& conditions) {
  TRY_ASSIGN(const auto session, session());
  const std::string prefix = keys::access_key_of_mount(mount);
  return for_each_below(prefix, conditions, [&](Transaction& tx, const std::string& entry) -> Result<void> {
    TRY_ASSIGN(const auto key, access_keys::find(tx, owner, std::string_view(entry).substr(prefix.size())));
    if (key == nullptr) {
      tx.erase(entry);
      return {};
    }
    return access_keys::erase(tx, session->tokens, *key);
  });
}

}  // namespace keyhold::core
