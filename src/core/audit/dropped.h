#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/audit/genesis.h"

namespace keyhold::core::audit {

/// The line that a stream writes and signs before its oldest file is removed because the journal reached its bound: evidence that
/// what is missing was dropped by policy.
struct Dropped {
  Genesis::Previous file;  // Its name and last line.
  std::uint64_t bytes = 0;
  bool forwarded = false;  // To all audit devices.

  std::string members() const;
  /// Nothing unless `members` is exactly what members() gives.
  static std::optional<Dropped> parse(std::string_view members);
};

}  // namespace keyhold::core::audit
