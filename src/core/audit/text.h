#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/hmac.h"

/// Text forms that base/encoding.h lacks, for what is public and on a hot path: no allocation, one spelling of a value.
namespace keyhold::core::audit {

/// Lower-case hexadecimal.
void append_hex(std::string& out, std::string_view bytes);
/// Nothing unless `text` is 64 lower-case hexadecimal digits.
std::optional<crypto::Digest> digest_from_hex(std::string_view text);

/// Nothing unless `text` is a decimal number without sign or leading zeros that fits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace keyhold::core::audit
