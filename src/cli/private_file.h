#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::cli {

enum class Replace : std::uint8_t { kNothing, kWhatIsThere };

/// Writes a file that its owner alone may read: all of it appears at once, under its name, or nothing does.
///
/// mode        0600 or 0400.
/// durability  On the disk when it returns.
/// errors      kInvalid: something is there already, or it cannot be written.
Result<void> write_private_file(const std::string& path, const SecretBytes& bytes, mode_t mode, Replace replace);

}  // namespace keyhold::cli
