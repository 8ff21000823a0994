#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/audit/genesis.h"
#include "core/audit/line.h"
#include "crypto/ed25519.h"

namespace keyhold::core::audit {

/// What a checkpoint says of its file's future.
enum class Closing : std::uint8_t {
  kOpen,     // More may follow.
  kRotated,  // Nothing follows here; the stream goes on in another file.
  kClosed,   // Nothing follows here: the journal was closed in good order.
};

/// A signed statement about all lines of a file before it: a C2SP tlog-checkpoint (origin, size, root, and for the last
/// of a file the extension line `end rotated` or `end closed`) as a C2SP signed note with one Ed25519 signature.
struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;  // Lines of the file, the genesis included.
  Digest root{};
  Closing closing = Closing::kOpen;

  /// A journal file is a log of its own.
  static std::string origin_of(const Genesis& genesis, std::uint64_t first_sequence);

  std::string text() const;
  /// The members of a checkpoint line.
  std::string signed_members(std::string_view key_name, const crypto::Ed25519Signer& signer) const;
};

/// The name of a journal's signing key.
std::string key_name_of(std::string_view journal);

/// The C2SP verifier key, `<name>+<key hash>+<base64>`, for tools that read signed notes.
std::string verifier_key(std::string_view key_name, std::string_view public_key);

/// A checkpoint line's content, not yet trusted.
struct SignedCheckpoint {
  std::string note;
  std::string public_key;  // 32 bytes.

  /// errors   kCorrupt.
  static Result<SignedCheckpoint> parse(std::string_view members);
  /// errors   kCorrupt: not signed by `key` under `key_name`, or not a checkpoint.
  Result<Checkpoint> open(std::string_view key_name, std::string_view key) const;
};

}  // namespace keyhold::core::audit
