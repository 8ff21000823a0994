#pragma once

#include <span>
#include <string_view>

#include "base/flags.h"
#include "base/json.h"
#include "base/result.h"

namespace keyhold::cli {

/// A flag that becomes a field of a request's body, under this kind of JSON.
struct FlagField {
  enum class Kind : std::uint8_t {
    kText,
    kNumber,
    kTruth,
    kList,   // Repeated, or with commas: an array of strings.
    kPairs,  // Repeated key=value: an object.
  };
  std::string_view flag, field;
  Kind kind = Kind::kText;
};

/// Writes those that were given. errors: kInvalid: a value of another kind.
Result<void> append_fields(json::Writer& writer, const Arguments& arguments, std::span<const FlagField> fields);

/// Writes members of a flag that is repeated as key=value. errors: kInvalid.
Result<void> append_pairs(json::Writer& writer, const Arguments& arguments, std::string_view flag);

}  // namespace keyhold::cli
