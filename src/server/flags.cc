#include "server/flags.h"

#include <algorithm>

namespace keyhold::server {

Result<Flags> Flags::parse(std::span<const FlagSpec> specs, std::span<const std::string_view> arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    if (!name.starts_with('-')) return Error{Code::kInvalid, "unexpected argument: flags begin with a dash"};
    name.remove_prefix(name.starts_with("--") ? 2 : 1);
    const std::size_t equals = name.find('=');
    std::string_view value = equals == std::string_view::npos ? std::string_view() : name.substr(equals + 1);
    name = name.substr(0, equals);
    const auto spec = std::find_if(specs.begin(), specs.end(), [name](const FlagSpec& s) { return s.name == name; });
    if (spec == specs.end()) return Error{Code::kInvalid, "unknown flag -" + std::string(name)};
    if (spec->takes == FlagSpec::Takes::kNothing) {
      if (equals != std::string_view::npos && value != "true" && value != "false") {
        return Error{Code::kInvalid, "the flag -" + std::string(name) + " is true or false"};
      }
      if (value == "false") continue;
    } else if (equals == std::string_view::npos) {
      if (i + 1 == arguments.size()) return Error{Code::kInvalid, "the flag -" + std::string(name) + " needs a value"};
      value = arguments[++i];
    }
    if (!flags.values_.emplace(name, value).second) {
      return Error{Code::kInvalid, "the flag -" + std::string(name) + " is given twice"};
    }
  }
  return flags;
}

std::string_view Flags::value(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string_view() : found->second;
}

}  // namespace keyhold::server
