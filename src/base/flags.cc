#include "base/flags.h"

#include "base/scalar.h"

namespace keyhold {
namespace {

Error wrong(std::string text) { return Error{Code::kInvalid, std::move(text)}; }

}  // namespace

const Flag* find_flag(std::span<const std::span<const Flag>> flags, std::string_view name) {
  for (const auto set : flags) {
    for (const Flag& flag : set) {
      if (flag.name == name || (!flag.alias.empty() && flag.alias == name)) return &flag;
    }
  }
  return nullptr;
}

Result<Arguments> Arguments::parse(std::span<const std::span<const Flag>> flags, std::span<const std::string_view> words) {
  Arguments arguments;
  bool flags_ended = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (flags_ended || word == "-" || !word.starts_with('-')) {
      arguments.positional_.push_back(word);
      continue;
    }
    if (word == "--") {
      flags_ended = true;
      continue;
    }
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const std::size_t equals = word.find('=');
    const std::string given = "-" + std::string(word.substr(0, equals));
    const Flag* const flag = find_flag(flags, word.substr(0, equals));
    if (flag == nullptr) return wrong("there is no flag " + given);
    std::string_view value = "true";
    if (flag->takes == Flag::Takes::kNothing) {
      if (equals != std::string_view::npos) {
        const auto truth = parse_boolean(word.substr(equals + 1));
        if (!truth) return wrong("the flag " + given + " is true or false");
        value = *truth ? "true" : "false";
      }
    } else if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return wrong("the flag " + given + " needs a value");
    }
    auto& values = arguments.values_[flag->name];
    if (!values.empty() && flag->takes != Flag::Takes::kValues) return wrong("the flag " + given + " is given twice");
    values.push_back(value);
  }
  return arguments;
}

std::string_view Arguments::value(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second.back();
}

std::vector<std::string_view> Arguments::values(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string_view>() : found->second;
}

}  // namespace keyhold
