#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/background.h"
#include "core/cache/entry_cache.h"
#include "core/call.h"
#include "core/records.pb.h"
#include "core/snapshot.h"
#include "storage/storage.h"

namespace keyhold::core {

/// The jobs that the end of tokens leaves. Each works through an index in batches that carry the job's fence, and can be
/// killed between any two: what is done is no longer in the index.
///
/// threads   Any.
class TokenReaper {
 public:
  TokenReaper(storage::Storage& store, EntryCache& cache, const Barrier& barrier, const Snapshot<Session>& session,
              std::function<bool()> stopping)
      : store_(store), cache_(cache), barrier_(barrier), session_(session), stopping_(std::move(stopping)) {}

  using Conditions = std::vector<storage::Condition>;

  /// Ends the tokens right below one that has ended; those that have some below them leave a job of their own.
  Result<void> end_dependents(const records::Job& job, const Conditions& conditions);
  /// Erases what the token of a job kept in its cubbyhole.
  Result<void> empty_cubbyhole(const records::Job& job, const Conditions& conditions);
  /// Makes the children of a token that let go of them orphans, for all below them too, and deletes its liveness.
  Result<void> detach_dependents(const records::Job& job, const Conditions& conditions);
  /// Ends all tokens that are leases of a mount, below a path, and were made until `made_until_ms`.
  Result<void> end_leases(keys::MountId mount, std::string_view path, UnixMillis made_until_ms, const Conditions& conditions);

  /// Ends all access keys that a mount made, and with them the tokens below.
  Result<void> end_access_keys(keys::NamespaceId owner, keys::MountId mount, const Conditions& conditions);

 private:
  using Work = std::function<Result<void>(Transaction& tx, const std::string& key)>;

  Transaction transaction() { return {cache_, store_, Transaction::Mode::kThroughStore}; }
  /// Does `work` on each key below a prefix, some in one commit.
  Result<void> for_each_below(const std::string& prefix, const Conditions& conditions, const Work& work);
  Result<void> rewrite_below(keys::NamespaceId owner, const std::string& liveness, const std::string& cut,
                             const Conditions& conditions, std::size_t depth);
  Result<Snapshot<Session>::Pointer> session() const;

  storage::Storage& store_;
  EntryCache& cache_;
  const Barrier& barrier_;
  const Snapshot<Session>& session_;
  const std::function<bool()> stopping_;
};

}  // namespace keyhold::core
