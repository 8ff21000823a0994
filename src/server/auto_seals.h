#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "core/seal/auto_seal.h"
#include "crypto/random.h"
#include "server/config/seal_config.h"

namespace keyhold::server {

/// What a seal needs of the server; `stopping`, whether to give up asking another system, outlives the seal.
struct SealParts {
  crypto::Rng& rng;
  const std::atomic<bool>& stopping;
  std::function<void(std::string_view)> warn;
};

/// The seal of a stanza, its keys read; null when the server is unsealed by shares. Asks no other system yet.
/// errors   kInvalid: a key that cannot be read, that others may read too, or that is none. Says where it should be, nothing of what is there.
Result<std::unique_ptr<core::AutoSeal>> make_auto_seal(const SealConfig& config, const SealParts& parts);

}  // namespace keyhold::server
