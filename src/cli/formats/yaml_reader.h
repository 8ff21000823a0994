#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::cli {

/// The documents of a YAML text, each as JSON. Scalars are YAML 1.2's core schema as far as JSON has a form for them: numbers keep their
/// digits, and what is no number in JSON ("0123", "1_000", "yes") stays a text.
///
/// Refused: aliases, since a small file could stand for a huge one; tags but those of JSON's kinds; keys that are no text; keys twice; depth
/// over limits::kJsonDepthMax; more than kYamlNodesMax.
///
/// errors   kInvalid with the line's number and never its text. kTooLarge.
Result<std::vector<SecretBytes>> yaml_to_json(std::string_view text);

inline constexpr std::size_t kYamlNodesMax = 1'000'000;  // Scalars and containers of all documents.

}  // namespace keyhold::cli
