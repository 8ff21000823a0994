#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"

/// What people note beside a secret. Not secret: it is shown to whoever may read the metadata.
///
/// source   Vault API, kv-v2 metadata: names of at most 128 bytes, values of at most 512, 64 of them, printable.
namespace keyhold::engine::custom_metadata {

using Map = std::map<std::string, std::string>;

/// Changes `map` by the members of `given`: numbers and booleans become strings; null removes when patching and is an error
/// otherwise, where `map` is expected to be empty.
/// errors   kInvalid: over the bounds, before or after.
enum class Change { kReplace, kPatch };
Result<void> apply(Map& map, const json::Value& given, Change change);

}  // namespace keyhold::engine::custom_metadata
