#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "core/audit/line.h"

namespace keyhold::core::audit {

inline constexpr std::uint64_t kFormatVersion = 1;

/// Why a file was begun.
enum class Begin : std::uint8_t {
  kFirst,      // The stream's first file.
  kRestart,    // The process started again.
  kDamage,     // The same, and the last lines of the file before were found damaged.
  kRotation,   // The file before reached its size.
  kSyncError,  // The file before could not be synced: some of its last records may be lost.
  kLost,       // The file before was unlinked or replaced while in use.
  kNewKey,     // Checkpoints are signed by another key from here on.
};

/// The first line of a file.
struct Genesis {
  struct Previous {
    std::string file;
    std::uint64_t sequence = 0;  // Of its last line.
    Digest chain{};              // Of its last line: the chain goes on from it.

    /// From the members of an object with these names. Nothing if one is missing or malformed.
    static std::optional<Previous> parse(const json::Value& object);
    friend bool operator==(const Previous&, const Previous&) = default;
  };

  std::string journal;  // Random id of the stream's journal, 32 hexadecimal digits.
  int stream = 0;
  Begin begin = Begin::kFirst;
  std::optional<Previous> previous;
  std::uint64_t torn_bytes = 0;  // Cut off the file before: a line that a crash left incomplete.
  std::string public_key;        // 32 bytes, or empty while unknown.

  std::string members() const;
  /// Nothing unless `members` is exactly what members() gives for some Genesis of this format version.
  static std::optional<Genesis> parse(std::string_view members);
};

}  // namespace keyhold::core::audit
