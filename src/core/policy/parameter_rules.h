#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret_bytes.h"

namespace keyhold::core {

/// A parameter of a request in the form in which a rule compares it.
struct Parameter {
  /// How the route reads the values: as the same number, boolean or time, however it is written.
  enum class Kind : std::uint8_t {
    kText,
    kInteger,
    kBoolean,
    kDuration,
    kOther,  // An object or null, or a list with such: a list of values does not allow it.
  };
  std::string name;
  Kind kind = Kind::kText;
  std::vector<SecretBytes> values;  // One, or the elements of a list. Numbers, booleans and times in canonical_value().
};

/// The one way in which values of a kind are written: "1h" is "3600" of a duration, "T" is "true" of a boolean. What cannot
/// be read as the kind stays as it is.
std::string canonical_value(Parameter::Kind kind, std::string_view text);

/// What a rule demands of the parameters of a request: allowed_parameters, denied_parameters, required_parameters.
///
/// Names are compared in lower case. A listed value may begin or end with '*', or both; an empty list stands for any value;
/// the name "*" for any parameter. Denied wins over allowed.
/// source   Vault docs, concepts/policies, "Parameter constraints".
struct ParameterRules {
  using Values = std::vector<std::string>;
  using ByName = std::map<std::string, Values, std::less<>>;  // Names in lower case.

  ByName allowed;
  ByName denied;
  std::vector<std::string> required;  // In lower case.

  bool empty() const { return allowed.empty() && denied.empty() && required.empty(); }

  /// Takes in the rules of another policy for the same path: their values are added, but for an empty list, which stays one.
  void merge(const ParameterRules& more);

  /// Whether a request with these parameters may be made. Each element of a list must be allowed; none may be denied.
  bool admit(std::span<const Parameter> parameters) const;
};

}  // namespace keyhold::core
