#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhold::crypto {

/// The hash of `message` under an algorithm by the name that Vault's API gives it: "sha2-224", "sha2-256", "sha2-384",
/// "sha2-512", "sha3-224", "sha3-256", "sha3-384", "sha3-512". Raw bytes.
///
/// errors   kInvalid: another name.
/// threads  Any.
Result<std::string> digest(std::string_view algorithm, std::string_view message);

}  // namespace keyhold::crypto
