#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "core/node.h"
#include "core/seal/auto_seal.h"
#include "crypto/random.h"
#include "server/config/config.h"

namespace keyhold::server {

/// The seal of the configuration, its keys read; null when the server is unsealed by shares.
/// errors   kInvalid: a key that cannot be read, that others may read too, or that is none. Says where it should be, nothing of what is there.
/// `stopping`, which outlives the seal: whether to give up asking another server.
Result<std::unique_ptr<core::AutoSeal>> make_auto_seal(const SealConfig& config, crypto::Rng& rng, const std::atomic<bool>& stopping);

/// Unseals a node once, as soon as that is possible: again and again, with growing pauses, while what holds the key does not answer or
/// the store is not initialised. What was sealed by hand afterwards stays sealed until sys/unseal or the next start.
///
/// owner     The server; destroyed before the node.
class AutoUnsealer {
 public:
  AutoUnsealer(core::Node& node, std::function<void(std::string_view)> warn);
  ~AutoUnsealer();

 private:
  void run();

  core::Node& node_;
  const std::function<void(std::string_view)> warn_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace keyhold::server
