#pragma once

#include <string_view>

#include "base/result.h"
#include "cli/formats/secret_source.h"
#include "cli/session.h"

namespace keyhold::cli {

enum class Versions : std::uint8_t { kCurrent, kAll };

inline constexpr std::size_t kSourceBytesMax = 256 * 1024 * 1024;  // Of all contents that are read of one Vault.

/// Whether the source of an import is a Vault and not a file.
bool is_vault_address(std::string_view source);

/// Reads the KV secrets of another server by Vault's API: "https://host:8200/secret/app" is that secret, or where there is none all below it, as
/// with a slash at the end. Its token is that of -source-token-file, else of KEYHOLD_SOURCE_TOKEN or VAULT_SOURCE_TOKEN, else asked for; nothing
/// else of our own settings is used for it but proxies.
///
/// errors   of that server; kInvalid: no token, no address; kTooLarge.
Result<Source> read_vault(Session& session, std::string_view address, Versions versions);

}  // namespace keyhold::cli
