#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Scalars as Go reads them, which is what Vault's clients and policies are written for.
namespace keyhold {

/// A decimal number, all of it. nullopt: another text, or over 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// strconv.ParseBool: "1", "t", "T", "true", "TRUE", "True" and their opposites.
std::optional<bool> parse_boolean(std::string_view text);

/// With ASCII letters in lower case.
std::string to_lower(std::string_view text);

}  // namespace keyhold
