#pragma once

#include <cstdint>
#include <utility>

#include "core/background.h"
#include "core/records.pb.h"
#include "core/seal/seal_manager.h"
#include "core/transaction.h"
#include "core/worker_parts.h"

namespace keyhold::core {

/// New terms of the keyring, by hand and by themselves. What was encrypted before stays as it is and readable.
namespace keyring_rotation {

// Vault's bounds. The cipher here has none that a store could reach: its nonces are of 24 bytes.
inline constexpr std::int64_t kOperationsMin = 1'000'000;
inline constexpr std::int64_t kOperationsMax = 3'865'470'566;
inline constexpr std::int64_t kIntervalMinS = 24 * 3600;

/// With its defaults filled in.
Result<records::KeyringRotation> config(Transaction& tx);
/// errors: kInvalid: out of bounds.
Result<void> set_config(Transaction& tx, const records::KeyringRotation& config);

struct Status {
  std::uint32_t term = 0;
  UnixMillis installed_ms = 0;
  std::uint64_t encryptions = 0;  // Of all nodes, but for what others have not told in the last minute.
};
Result<Status> status(Transaction& tx, SealManager& seals, const Barrier& barrier);

/// errors: kLimited: the keyring is full; kConflict, kUnavailable, kSealed.
Result<void> rotate(Transaction& tx, SealManager& seals);

}  // namespace keyring_rotation

/// Keeps the keyring that this node has up to date, counts what is encrypted, and rotates when it is time, which one node does.
///
/// threads   Any; start() and stop() one at a time.
class KeyringWorker {
 public:
  KeyringWorker(WorkerParts parts, SealManager& seals) : parts_(std::move(parts)), seals_(seals) {}

  void start();
  void stop();  // After what was counted is written, if the store takes it.
  void wake() { thread_.wake(); }

 private:
  void round();
  Result<void> run();
  Result<void> settle();
  Result<bool> due();
  Result<void> note_encryptions(std::uint64_t at_least);

  const WorkerParts parts_;
  SealManager& seals_;
  MonotonicMillis noted_ms_ = 0;
  bool warned_ = false;
  BackgroundThread thread_;
};

}  // namespace keyhold::core
