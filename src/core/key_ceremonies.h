#pragma once

#include "core/rekey_attempt.h"
#include "core/root_token_attempts.h"

namespace keyhold::core {

/// What the holders of key shares are doing together on this node. Goes, and is wiped, when the node seals.
///
/// threads   Any.
class KeyCeremonies {
 public:
  RekeyAttempt rekey;
  RootTokenAttempts root_tokens;

  /// Forgets what nobody came back for.
  Result<void> tidy(const RekeyAttempt::Context& context) {
    root_tokens.tidy(context.now_ms);
    return rekey.tidy(context);
  }
};

}  // namespace keyhold::core
