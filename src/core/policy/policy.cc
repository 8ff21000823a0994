#include "core/policy/policy.h"

#include <algorithm>
#include <array>

#include "base/hcl.h"
#include "base/scalar.h"
#include "base/time_format.h"

namespace keyhold::core {
namespace {

struct Shorthand {
  std::string_view name;
  CapabilitySet capabilities;
};
constexpr std::array kShorthands{
    Shorthand{"deny", {Capability::kDeny}},
    Shorthand{"read", {Capability::kRead, Capability::kList}},
    Shorthand{"write", {Capability::kCreate, Capability::kRead, Capability::kUpdate, Capability::kDelete, Capability::kList}},
    Shorthand{"sudo", {Capability::kCreate, Capability::kRead, Capability::kUpdate, Capability::kDelete, Capability::kList,
                       Capability::kSudo}},
};

/// What Vault and OpenBao know beside what is supported here. Each takes something away, so none may be passed over.
constexpr std::array<std::string_view, 5> kUnsupportedAttributes{"control_group", "mfa_methods", "subscribe_event_types",
                                                                 "expiration", "list_scan_response_keys_filter_path"};

Error unexpected_attribute(const hcl::Item& item) {
  for (const std::string_view name : kUnsupportedAttributes) {
    if (item.key == name) return hcl::error_at(item.at, "the attribute " + std::string(name) + " is not supported");
  }
  return hcl::error_at(item.at, "an unknown attribute");
}

Result<std::vector<std::string>> parse_strings(const hcl::Item& item) {
  const auto wrong = [&item](hcl::Position at) { return hcl::error_at(at, item.key + " are a list of strings"); };
  if (item.value.kind != hcl::Kind::kList) return wrong(item.value.at);
  std::vector<std::string> strings;
  for (const hcl::Value& element : item.value.list) {
    if (element.kind != hcl::Kind::kString) return wrong(element.at);
    strings.push_back(element.text);
  }
  return strings;
}

Result<CapabilitySet> parse_capabilities(const hcl::Item& item) {
  TRY_ASSIGN(const auto names, parse_strings(item));
  CapabilitySet set;
  for (std::size_t index = 0; index < names.size(); ++index) {
    const auto capability = capability_of(names[index]);
    if (!capability) return hcl::error_at(item.value.list[index].at, "an unknown capability");
    set.add(*capability);
  }
  return set;
}

Result<CapabilitySet> parse_shorthand(const hcl::Value& value) {
  if (value.kind == hcl::Kind::kString) {
    for (const Shorthand& known : kShorthands) {
      if (known.name == value.text) return known.capabilities;
    }
  }
  return hcl::error_at(value.at, "policy is \"deny\", \"read\", \"write\" or \"sudo\"");
}

Result<std::int64_t> parse_ttl(const hcl::Value& value) {
  if (value.kind == hcl::Kind::kString || value.kind == hcl::Kind::kNumber) {
    if (const auto seconds = parse_duration_s(value.text); seconds.ok()) return *seconds;
  }
  return hcl::error_at(value.at, "a time is seconds or a duration like \"1h30m\"");
}

Result<std::int64_t> parse_count(const hcl::Value& value) {
  if (const auto count = value.as_int(); count.ok() && *count >= 0) return *count;
  return hcl::error_at(value.at, "a limit is a whole number, not below 0");
}

Result<ParameterRules::Values> parse_parameter_values(const hcl::Item& item) {
  if (item.value.kind != hcl::Kind::kList || !item.labels.empty()) {
    return hcl::error_at(item.value.at, "the values of a parameter are a list");
  }
  ParameterRules::Values values;
  for (const hcl::Value& element : item.value.list) {
    if (element.kind == hcl::Kind::kList || element.kind == hcl::Kind::kObject) {
      return hcl::error_at(element.at, "a value of a parameter is a string, number or boolean");
    }
    const auto number = element.as_int();
    values.push_back(number.ok() ? std::to_string(*number) : element.text);
  }
  return values;
}

Result<ParameterRules::ByName> parse_parameters(const hcl::Item& item) {
  ParameterRules::ByName parameters;
  TRY_ASSIGN(const auto blocks, hcl::blocks_of(item, 0));
  for (const hcl::Block& block : blocks) {
    for (const hcl::Item& parameter : block.body->items) {
      TRY_ASSIGN(auto values, parse_parameter_values(parameter));
      const bool added = parameters.emplace(to_lower(parameter.key), std::move(values)).second;
      if (!added) return hcl::error_at(parameter.at, "a parameter given twice");
    }
  }
  return parameters;
}

bool has_any_segment(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "+") return true;
    begin = end + 1;
  }
  return false;
}

/// Reads the inside of one rule. Each attribute is checked even where a deny makes it void.
class RuleReader {
 public:
  explicit RuleReader(const hcl::Body& body) : body_(body) {}

  Result<Permissions> read() {
    for (const hcl::Item& item : body_.items) {
      if (body_.find(item.key) != &item) return hcl::error_at(item.at, "an attribute given twice");
      TRY(read(item));
    }
    if (bounds_.min_wrapping_ttl_s > 0 && bounds_.max_wrapping_ttl_s > 0 &&
        bounds_.max_wrapping_ttl_s < bounds_.min_wrapping_ttl_s) {
      return hcl::error_at(body_.at, "max_wrapping_ttl cannot be less than min_wrapping_ttl");
    }
    Permissions permissions{capabilities_, nullptr};
    if (!bounds_.empty() && !capabilities_.denies()) permissions.restrictions = std::make_shared<Restrictions>(bounds_);
    return permissions;
  }

 private:
  Result<void> read(const hcl::Item& item) {
    if (item.key == "allowed_parameters") return store(bounds_.parameters.allowed, parse_parameters(item));
    if (item.key == "denied_parameters") return store(bounds_.parameters.denied, parse_parameters(item));
    if (!item.labels.empty()) return unexpected_attribute(item);
    if (item.key == "capabilities") return add(parse_capabilities(item));
    if (item.key == "policy") return add(parse_shorthand(item.value));
    if (item.key == "required_parameters") {
      TRY_ASSIGN(const auto names, parse_strings(item));
      for (const std::string& name : names) bounds_.parameters.required.push_back(to_lower(name));
      return {};
    }
    if (item.key == "min_wrapping_ttl") return store(bounds_.min_wrapping_ttl_s, parse_ttl(item.value));
    if (item.key == "max_wrapping_ttl") return store(bounds_.max_wrapping_ttl_s, parse_ttl(item.value));
    if (item.key == "pagination_limit") return store(bounds_.pagination_limit, parse_count(item.value));
    if (item.key == "comment" && item.value.kind == hcl::Kind::kString) return {};
    return unexpected_attribute(item);
  }

  template <typename T>
  static Result<void> store(T& into, Result<T> parsed) {
    TRY_ASSIGN(into, std::move(parsed));
    return {};
  }
  Result<void> add(Result<CapabilitySet> parsed) {
    TRY_ASSIGN(const CapabilitySet more, std::move(parsed));
    capabilities_.add(more);
    return {};
  }

  const hcl::Body& body_;
  CapabilitySet capabilities_;
  Restrictions bounds_;
};

class PolicyReader {
 public:
  Result<void> read(const hcl::Body& body) {
    for (const hcl::Item& item : body.items) {
      if (item.key == "name" && item.value.kind == hcl::Kind::kString) continue;  // Of old; the request names the policy.
      if (item.key != "path") return unexpected_attribute(item);
      TRY_ASSIGN(const auto blocks, hcl::blocks_of(item, 1));
      for (const hcl::Block& block : blocks) TRY(read_rule(block));
    }
    return {};
  }

  Policy take() { return std::move(policy_); }

 private:
  Result<void> read_rule(const hcl::Block& block) {
    TRY_ASSIGN(PolicyRule rule, parse_path(block.labels.front()));
    TRY_ASSIGN(rule.permissions, RuleReader(*block.body).read());
    policy_.rules.push_back(std::move(rule));
    return {};
  }

  Result<PolicyRule> parse_path(const hcl::Label& label) {
    std::string_view path = label.text;
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.find("{{") != std::string_view::npos) {
      return hcl::error_at(label.at, "templates ({{ }}) are not supported: there are no identities yet");
    }
    if (path.find("+*") != std::string_view::npos) {
      return hcl::error_at(label.at, "invalid use of wildcards ('+*' is forbidden)");
    }
    if (const std::size_t star = path.find('*'); star != std::string_view::npos && star + 1 < path.size()) {
      policy_.warnings.push_back(
          hcl::error_at(label.at, "only a last * is a wildcard; elsewhere it stands for itself").message);
    }
    PolicyRule rule;
    if (has_any_segment(path)) {
      rule.match = PolicyRule::Match::kSegments;
    } else if (path.ends_with('*')) {
      rule.match = PolicyRule::Match::kPrefix;
      path.remove_suffix(1);
    }
    rule.path = path;
    return rule;
  }

  Policy policy_;
};

}  // namespace

Result<Policy> parse_policy(std::string_view text) {
  TRY_ASSIGN(const hcl::Body body, hcl::parse(text));
  PolicyReader reader;
  TRY(reader.read(body));
  return reader.take();
}

}  // namespace keyhold::core
