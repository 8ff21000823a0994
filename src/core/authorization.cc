#include "core/authorization.h"

#include <algorithm>

namespace keyhold::core {
namespace {

using Kind = Parameter::Kind;

constexpr std::string_view kLimitField = "limit";

Error denied() { return {Code::kDenied, "permission denied"}; }

template <typename... Texts>
std::vector<SecretBytes> values_of(const Texts&... texts) {
  std::vector<SecretBytes> values;
  (values.push_back(SecretBytes::copy_of(texts)), ...);
  return values;
}

Parameter listed(Parameter parameter, const std::vector<std::string>& elements) {
  for (const std::string& element : elements) parameter.values.push_back(SecretBytes::copy_of(element));
  return parameter;
}

/// As the handler will read it.
Parameter declared(const Field& field, const FieldValues& fields) {
  Parameter parameter{std::string(field.name), Kind::kText, {}};
  if (!fields.has(field.name)) {
    parameter.kind = Kind::kOther;
    return parameter;
  }
  switch (field.type) {
    case FieldType::kString: parameter.values.push_back(fields.secret(field.name)); break;
    case FieldType::kInteger:
      parameter.kind = Kind::kInteger;
      parameter.values = values_of(std::to_string(fields.integer(field.name)));
      break;
    case FieldType::kBoolean:
      parameter.kind = Kind::kBoolean;
      parameter.values = values_of(std::string_view(fields.boolean(field.name) ? "true" : "false"));
      break;
    case FieldType::kDuration:
      parameter.kind = Kind::kDuration;
      parameter.values = values_of(std::to_string(fields.duration_s(field.name)));
      break;
    case FieldType::kStringList: return listed(std::move(parameter), fields.string_list(field.name));
    case FieldType::kPolicyNames: return listed(std::move(parameter), fields.policy_names(field.name));
    case FieldType::kIntegerList:
      parameter.kind = Kind::kInteger;
      for (const std::int64_t number : fields.integer_list(field.name)) {
        parameter.values.push_back(SecretBytes::copy_of(std::to_string(number)));
      }
      break;
    case FieldType::kStringMap:
    case FieldType::kObject:
    case FieldType::kArray: parameter.kind = Kind::kOther; break;
  }
  return parameter;
}

/// Appends a value that no field declares, as written. False for what no listed value can be equal to.
bool append_scalar(std::vector<SecretBytes>& values, const json::Value& value) {
  if (value.is_null() || value.is_array() || value.is_object()) return false;
  auto text = value.is_string() ? value.as_secret() : Result<SecretBytes>(SecretBytes::copy_of(value.raw()));
  if (!text.ok()) return false;
  values.push_back(std::move(*text));
  return true;
}

Parameter undeclared(std::string name, const json::Value& value) {
  Parameter parameter{std::move(name), Kind::kText, {}};
  bool comparable = true;
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) comparable = append_scalar(parameter.values, value.at(i)) && comparable;
  } else {
    comparable = append_scalar(parameter.values, value);
  }
  if (!comparable) parameter.kind = Kind::kOther;
  return parameter;
}

const Field* find_field(const RouteInfo& route, FieldSource source, std::string_view name) {
  const auto found = std::find_if(route.fields.begin(), route.fields.end(), [&](const Field& field) {
    return field.source == source && field.name == name;
  });
  return found == route.fields.end() ? nullptr : &*found;
}

std::vector<Parameter> parameters_of(const RouteInfo& route, const Request& request, const FieldValues& fields) {
  std::vector<Parameter> parameters;
  const auto body = fields.body();
  for (std::size_t i = 0; body && i < body->size(); ++i) {
    std::string name = body->key_at(i);
    const Field* field = find_field(route, FieldSource::kBody, name);
    parameters.push_back(field != nullptr ? declared(*field, fields) : undeclared(std::move(name), body->at(i)));
  }
  for (const auto& [name, text] : request.query) {
    if (const Field* field = find_field(route, FieldSource::kQuery, name)) {
      parameters.push_back(declared(*field, fields));
    } else if (request.operation == Operation::kRead) {
      parameters.push_back({name, Kind::kText, values_of(text)});
    }
  }
  return parameters;
}

/// Makes "limit" what the rule grants at most. No limit, or one below 1, asks for all, which is more than that.
Result<void> bound_page(const Restrictions& restrictions, const RouteInfo& route, FieldValues& fields) {
  if (restrictions.pagination_limit == 0 || find_field(route, FieldSource::kQuery, kLimitField) == nullptr) return {};
  const std::int64_t asked = fields.integer(kLimitField);
  if (asked > restrictions.pagination_limit) return denied();
  if (asked > 0) return {};
  const auto& required = restrictions.parameters.required;
  if (std::find(required.begin(), required.end(), kLimitField) != required.end()) return denied();
  fields.replace(kLimitField, std::to_string(restrictions.pagination_limit));
  return {};
}

}  // namespace

Result<void> authorize(const CompiledPolicies& policies, iam::Decision decision, const RouteInfo& route, Capability needed,
                       std::string_view path, const Request& request, FieldValues& fields) {
  if (policies.root()) return {};
  if (route.access.takes_any()) {
    const bool any = policies.allows_anything(path, Asked::kOne) || policies.reach(std::string(path) + "/");
    return any ? Result<void>() : denied();
  }
  const Grant grant = policies.lookup(path, asked_with(needed));
  if (!iam::permits(grant, needed, decision)) return denied();
  if (route.access.needs_sudo() && !grant.allows(Capability::kSudo)) return denied();
  if (grant.restrictions == nullptr || decision == iam::Decision::kAllow) return {};
  if (!grant.restrictions->admit_wrapping(request.wrap_ttl_s)) return denied();
  switch (request.operation) {
    case Operation::kList:
    case Operation::kScan: return bound_page(*grant.restrictions, route, fields);
    case Operation::kDelete:
    case Operation::kHelp: return {};
    case Operation::kCall: break;
    case Operation::kRead:
    case Operation::kUpdate:
    case Operation::kPatch: break;
  }
  const ParameterRules& rules = grant.restrictions->parameters;
  if (!rules.empty() && !rules.admit(parameters_of(route, request, fields))) return denied();
  return {};
}

}  // namespace keyhold::core
