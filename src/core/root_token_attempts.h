#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/seal/collected_shares.h"
#include "core/seal/seal_manager.h"
#include "core/token.h"
#include "core/transaction.h"
#include "crypto/random.h"

namespace keyhold::core {

/// The holders of key shares make a root token when there is none left: enough shares, given one by one under a nonce. The token is told
/// encrypted by a one-time pad, which only whoever began has.
///
/// It is for when there is no token, so strangers may begin too. Each source, which is an address, or all who have a token that allows it,
/// has one attempt of its own, and what is done in it takes its nonce: what strangers begin does not stand in anybody's way. Their
/// number is bounded; the oldest without a share makes room.
///
/// The last share, given again, gets the same answer for ten minutes.
///
/// threads   Any.
class RootTokenAttempts {
 public:
  static constexpr std::size_t kAttemptsMax = 64;
  static constexpr std::int64_t kIdleMs = 600'000;  // After that an attempt is over.
  static constexpr std::size_t kPadBytes = TokenStore::kDrawnBytes;

  /// Of one request, which may run several times.
  struct Context {
    Transaction& tx;
    SealManager& seals;
    const TokenStore& tokens;
    crypto::Rng& rng;
    std::string source;
    MonotonicMillis now_ms = 0;
  };
  struct Status {
    bool started = false;
    std::string nonce{};
    int progress = 0;
    int required = 0;
    SecretBytes pad{};            // Told once, to whoever began without one of his own.
    bool complete = false;
    SecretBytes encoded_token{};  // base64, without padding, of token XOR pad.
    std::string accessor{};       // Of the token, when this request made it.
  };

  /// Of the attempt under `nonce`; empty = the source's own. That others have one in progress is told too, but not its nonce.
  Result<Status> status(const Context& context, std::string_view nonce) EXCLUDES(mutex_);
  /// `pad`: kPadBytes, or empty: one is drawn. errors: kInvalid: another length; the source has one in progress. kLimited: too many.
  Result<Status> start(const Context& context, SecretBytes pad) EXCLUDES(mutex_);
  /// errors: kInvalid: no such attempt.
  Result<void> cancel(std::string_view nonce) EXCLUDES(mutex_);
  void cancel_all() EXCLUDES(mutex_);
  /// errors: kInvalid: no such attempt, a share of the wrong length, shares that do not fit, which drops all of the attempt.
  Result<Status> give(const Context& context, std::string_view nonce, const SecretBytes& share) EXCLUDES(mutex_);

  void tidy(MonotonicMillis now_ms) EXCLUDES(mutex_);

 private:
  struct Attempt {
    CollectedShares shares;
    SecretBytes pad;
    SecretBytes token{};  // Once there were enough shares.
    bool made = false;    // It was seen in the store.
    MonotonicMillis enough_ms = 0;
    MonotonicMillis touched_ms = 0;

    bool over() const { return !token.empty(); }
  };
  using Attempts = std::map<std::string, Attempt, std::less<>>;  // By source.

  Attempts::iterator find(std::string_view nonce) REQUIRES(mutex_);
  Result<void> make_room() REQUIRES(mutex_);
  void drop_idle(MonotonicMillis now_ms) REQUIRES(mutex_);
  static Result<Status> make(const Context& context, Attempt& attempt);

  Mutex mutex_;
  Attempts attempts_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
