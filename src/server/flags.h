#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold::server {

struct FlagSpec {
  enum class Takes { kNothing, kValue };
  std::string_view name;  // Without dashes.
  Takes takes = Takes::kValue;
  std::string_view help;
};

/// Flags in Go's grammar, which Vault's users know: `-name=value`, `-name value`, one or two dashes.
class Flags {
 public:
  /// errors: kInvalid: an unknown flag, one twice, a value missing, an argument that is no flag.
  static Result<Flags> parse(std::span<const FlagSpec> specs, std::span<const std::string_view> arguments);

  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  /// "" when absent.
  std::string_view value(std::string_view name) const;

 private:
  std::map<std::string_view, std::string_view> values_;
};

}  // namespace keyhold::server
