#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold {

/// One flag of a command.
struct Flag {
  enum class Takes : std::uint8_t {
    kNothing,  // A switch: alone, or "=true" and "=false".
    kValue,
    kValues,  // May be repeated.
  };
  std::string_view name;  // Without dashes.
  std::string_view value_name{};  // As help shows it: "DURATION".
  std::string_view help{};
  Takes takes = Takes::kValue;
  std::string_view alias{};
};

/// The words after a command's name, in Go's grammar, which Vault's users know: `-name=value`, `-name value`, one or two dashes. Flags may
/// stand after arguments as well; after `--` all are arguments, and so is a dash alone. Views into the words.
class Arguments {
 public:
  /// errors   kInvalid, for people: an unknown flag, one twice, a value missing.
  static Result<Arguments> parse(std::span<const std::span<const Flag>> flags, std::span<const std::string_view> words);
  static Result<Arguments> parse(std::span<const Flag> flags, std::span<const std::string_view> words) { return parse(std::span(&flags, 1), words); }

  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  /// The value, or `otherwise` when it was not given.
  std::string_view value(std::string_view name, std::string_view otherwise = {}) const;
  /// Of a flag that may be repeated.
  std::vector<std::string_view> values(std::string_view name) const;
  /// Of a switch.
  bool on(std::string_view name) const { return value(name) == "true"; }

  const std::vector<std::string_view>& positional() const { return positional_; }
  /// "" when there are fewer.
  std::string_view positional(std::size_t index) const { return index < positional_.size() ? positional_[index] : std::string_view(); }

 private:
  std::map<std::string_view, std::vector<std::string_view>> values_;
  std::vector<std::string_view> positional_;
};

/// The flag with this name or alias; nullptr when there is none.
const Flag* find_flag(std::span<const std::span<const Flag>> flags, std::string_view name);

}  // namespace keyhold
