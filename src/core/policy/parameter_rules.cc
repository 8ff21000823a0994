#include "core/policy/parameter_rules.h"

#include <algorithm>

#include "base/scalar.h"
#include "base/time_format.h"

namespace keyhold::core {
namespace {

using Values = ParameterRules::Values;
using ByName = ParameterRules::ByName;

constexpr std::string_view kAny = "*";

/// A lone "*" is no wildcard: it is what an empty list is for.
bool matches(std::string_view pattern, std::string_view value) {
  if (pattern.size() < 2) return pattern == value;
  const bool open_front = pattern.front() == '*';
  const bool open_back = pattern.back() == '*';
  if (open_front) pattern.remove_prefix(1);
  if (open_back) pattern.remove_suffix(1);
  if (open_front && open_back) return value.find(pattern) != std::string_view::npos;
  if (open_front) return value.ends_with(pattern);
  if (open_back) return value.starts_with(pattern);
  return value == pattern;
}

bool lists(const Values& patterns, Parameter::Kind kind, std::string_view value) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return matches(kind == Parameter::Kind::kText ? pattern : canonical_value(kind, pattern), value);
  });
}

bool lists_all(const Values& patterns, const Parameter& parameter) {
  if (patterns.empty()) return true;
  if (parameter.kind == Parameter::Kind::kOther) return false;
  return std::all_of(parameter.values.begin(), parameter.values.end(),
                     [&](const SecretBytes& value) { return lists(patterns, parameter.kind, value.reveal()); });
}

bool lists_one(const Values& patterns, const Parameter& parameter) {
  if (patterns.empty()) return true;
  return std::any_of(parameter.values.begin(), parameter.values.end(),
                     [&](const SecretBytes& value) { return lists(patterns, parameter.kind, value.reveal()); });
}

void merge_values(ByName& into, const ByName& more) {
  for (const auto& [name, values] : more) {
    const auto [known, added] = into.try_emplace(name, values);
    if (added) continue;
    if (values.empty() || known->second.empty()) {
      known->second.clear();
    } else {
      known->second.insert(known->second.end(), values.begin(), values.end());
    }
  }
}

}  // namespace

std::string canonical_value(Parameter::Kind kind, std::string_view text) {
  switch (kind) {
    case Parameter::Kind::kInteger:
      if (const auto number = parse_integer(text)) return std::to_string(*number);
      break;
    case Parameter::Kind::kBoolean:
      if (const auto boolean = parse_boolean(text)) return *boolean ? "true" : "false";
      break;
    case Parameter::Kind::kDuration:
      if (const auto seconds = parse_duration_s(text); seconds.ok()) return std::to_string(*seconds);
      break;
    case Parameter::Kind::kText:
    case Parameter::Kind::kOther: break;
  }
  return std::string(text);
}

void ParameterRules::merge(const ParameterRules& more) {
  merge_values(allowed, more.allowed);
  merge_values(denied, more.denied);
  for (const std::string& name : more.required) {
    if (std::find(required.begin(), required.end(), name) == required.end()) required.push_back(name);
  }
}

bool ParameterRules::admit(std::span<const Parameter> parameters) const {
  for (const std::string& name : required) {
    const auto given = [&name](const Parameter& parameter) { return parameter.name == name; };
    if (std::none_of(parameters.begin(), parameters.end(), given)) return false;
  }
  if (!parameters.empty() && denied.contains(kAny)) return false;
  const bool any_allowed = allowed.empty() || allowed.contains(kAny);
  for (const Parameter& parameter : parameters) {
    const std::string name = to_lower(parameter.name);
    if (const auto rule = denied.find(name); rule != denied.end() && lists_one(rule->second, parameter)) return false;
    const auto rule = allowed.find(name);
    if (rule == allowed.end() ? !any_allowed : !lists_all(rule->second, parameter)) return false;
  }
  return true;
}

}  // namespace keyhold::core
