#pragma once

#include <string_view>

namespace keyhold {

inline constexpr std::string_view kVersion = "0.1.0";

/// What Vault's clients are told: the version of Vault whose API is spoken, with ours as semantic-version build metadata.
inline constexpr std::string_view kVaultApiVersion = "1.15.0+keyhold-0.1.0";

}  // namespace keyhold
