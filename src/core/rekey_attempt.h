#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/collected_shares.h"
#include "core/seal/seal_manager.h"
#include "core/transaction.h"
#include "crypto/random.h"

namespace keyhold::core {

/// The holders of the key shares change over to new ones: enough of the old shares, given one by one under a nonce, make new shares
/// and a new root key.
///
/// With verification, the new shares are told first and come into force when enough of them were given back: until that commit the old
/// ones are valid, from it on the new ones. Without, they come into force in the commit after which they are told.
///
/// How far it has come is known to this node only; the store's records decide. An attempt is over as soon as the store has another seal
/// than the one it began with, whoever wrote it. The last share, given again, gets the same answer for ten minutes: an answer that was lost,
/// or a commit whose outcome was not known, costs no keys.
///
/// threads   Any.
class RekeyAttempt {
 public:
  struct Status {
    bool started = false;
    std::string nonce{};
    int shares = 0;
    int threshold = 0;
    int progress = 0;
    int required = 0;
    bool verification_required = false;
    std::string verification_nonce{};  // Empty until the new shares have been told.
    int verification_progress = 0;
  };
  struct Given {
    Status status{};  // As of this share.
    bool complete = false;
    std::vector<SecretBytes> new_shares{};  // When complete.
  };
  enum class Verification : std::uint8_t { kNone, kRequired };
  /// Of one request, which may run several times.
  struct Context {
    Transaction& tx;
    SealManager& seals;
    crypto::Rng& rng;
    MonotonicMillis now_ms = 0;
  };

  Result<Status> status(const Context& context) EXCLUDES(mutex_);
  /// errors: kInvalid: bad numbers; one is in progress.
  Result<Status> start(const Context& context, int shares, int threshold, Verification verification) EXCLUDES(mutex_);
  /// Nothing happens when there is none. `nonce`: of the attempt, or empty: whichever. errors: kInvalid: of another attempt.
  Result<void> cancel(std::string_view nonce) EXCLUDES(mutex_);
  /// One of the old shares. errors: kInvalid: none in progress, another nonce, a share of the wrong length, shares that do not fit, which
  /// drops them all.
  Result<Given> give(const Context& context, std::string_view nonce, const SecretBytes& share) EXCLUDES(mutex_);
  /// One of the new shares. errors: as give().
  Result<Given> verify(const Context& context, std::string_view nonce, const SecretBytes& share) EXCLUDES(mutex_);
  /// Drops the new shares given so far, and their nonce.
  Result<Status> restart_verification(const Context& context) EXCLUDES(mutex_);

  /// Forgets keys that are told and in force, once nobody came back for them.
  Result<void> tidy(const Context& context) EXCLUDES(mutex_);

 private:
  struct State {
    storage::Version config_version = 0;  // Of the seal that is to be replaced.
    int shares = 0;
    int threshold = 0;
    Verification verification = Verification::kNone;
    CollectedShares old_shares;
    std::optional<SealManager::NewSeal> made{};
    CollectedShares new_shares{};
  };
  struct Finished {
    State state;
    MonotonicMillis at_ms = 0;
  };

  static Result<SealManager::Records> read(Transaction& tx);
  /// Ends what the store's records say is over.
  void settle(const Context& context, const SealManager::Records& records) REQUIRES(mutex_);
  Result<Status> status_of(const Context& context, const SealManager::Records& records) const REQUIRES(mutex_);
  Result<Given> complete(const Context& context, const SealManager::Records& records) REQUIRES(mutex_);
  static Given told(const State& state, Status status);

  Mutex mutex_;
  std::optional<State> state_ GUARDED_BY(mutex_);
  std::optional<Finished> finished_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
