#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "core/audit/journal.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/request.h"
#include "core/transaction.h"
#include "crypto/random.h"

namespace keyhold::core {

/// A thing that the server does to a secret by itself, as the journal tells it. Everything of it stands there in clear.
struct Deed {
  std::string_view operation;  // "rotate", "delete".
  keys::NamespaceId owner = keys::kRootNamespace;
  std::string mount_members;   // render_mount() of the secret's mount.
  std::string path;            // By which a client of Vault's API would do it.
  std::vector<std::pair<std::string_view, std::string>> fields{};
};

/// The deed on a secret whose route's path is `route` and its name: "rotate", "metadata". errors: kNotFound: the mount is gone.
Result<Deed> deed_on(Transaction& tx, std::string_view operation, keys::MountId mount, const records::Secret& head, std::string_view route);

/// What the server does by itself, in the journal: like what clients do, each deed has its intent there before it is done, and then what
/// came of it. It has a stream of its own.
///
/// threads   Any.
class BackgroundRecords {
 public:
  BackgroundRecords(audit::JournalStream& stream, crypto::Rng& rng) : stream_(stream), rng_(rng) {}

  /// durability   The intents are on disk when it returns. errors: kUnavailable: nothing is to be done.
  Result<std::vector<RequestId>> begin(std::span<const Deed> deeds) EXCLUDES(mutex_);

  /// What came of one, on disk as other outcomes are. errors: kUnavailable.
  Result<void> end(const RequestId& id, const Result<void>& outcome) EXCLUDES(mutex_);

 private:
  audit::JournalStream& stream_;
  crypto::Rng& rng_;
  Mutex mutex_;
  std::string scratch_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
