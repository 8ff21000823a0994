#include "core/policy/policy.h"

#include <algorithm>
#include <array>

#include "base/hcl.h"

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

/// What Vault and OpenBao know beside what is supported here.
constexpr std::array<std::string_view, 12> kUnsupportedAttributes{
    "allowed_parameters", "denied_parameters", "required_parameters", "min_wrapping_ttl", "max_wrapping_ttl",
    "control_group",      "mfa_methods",       "subscribe_event_types", "expiration",     "comment",
    "pagination_limit",   "response_keys_filter_path"};

Error unexpected_attribute(const hcl::Item& item) {
  for (const std::string_view name : kUnsupportedAttributes) {
    if (item.key == name) return hcl::error_at(item.at, "the attribute " + std::string(name) + " is not supported");
  }
  return hcl::error_at(item.at, "an unknown attribute");
}

Result<CapabilitySet> parse_capabilities(const hcl::Value& value) {
  if (value.kind != hcl::Kind::kList) return hcl::error_at(value.at, "capabilities are a list of strings");
  CapabilitySet set;
  for (const hcl::Value& element : value.list) {
    if (element.kind != hcl::Kind::kString) return hcl::error_at(element.at, "capabilities are a list of strings");
    const auto capability = capability_of(element.text);
    if (!capability) return hcl::error_at(element.at, "an unknown capability");
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

bool has_wildcard_segment(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "+" || segment == "+*") return true;
    begin = end + 1;
  }
  return false;
}

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
    for (const hcl::Item& item : block.body->items) {
      if (!item.labels.empty()) return unexpected_attribute(item);
      if (item.key == "capabilities") {
        TRY_ASSIGN(const CapabilitySet capabilities, parse_capabilities(item.value));
        rule.capabilities.add(capabilities);
      } else if (item.key == "policy") {
        TRY_ASSIGN(const CapabilitySet capabilities, parse_shorthand(item.value));
        rule.capabilities.add(capabilities);
      } else {
        return unexpected_attribute(item);
      }
    }
    policy_.rules.push_back(std::move(rule));
    return {};
  }

  Result<PolicyRule> parse_path(const hcl::Label& label) {
    std::string_view path = label.text;
    if (path.starts_with('/')) path.remove_prefix(1);
    if (has_wildcard_segment(path)) return hcl::error_at(label.at, "segment wildcards (+) are not supported");
    if (path.find("{{") != std::string_view::npos) return hcl::error_at(label.at, "templates are not supported");
    PolicyRule rule;
    if (path.ends_with('*')) {
      rule.match = PolicyRule::Match::kPrefix;
      path.remove_suffix(1);
    }
    if (path.find('*') != std::string_view::npos) {
      policy_.warnings.push_back(
          hcl::error_at(label.at, "only a last * is a wildcard; elsewhere it stands for itself").message);
    }
    rule.path = path;
    return rule;
  }

  Policy policy_;
};

bool is_lower_or_digit(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'); }

}  // namespace

Result<Policy> parse_policy(std::string_view text) {
  TRY_ASSIGN(const hcl::Body body, hcl::parse(text));
  PolicyReader reader;
  TRY(reader.read(body));
  return reader.take();
}

Result<std::string> normalize_policy_name(std::string_view name) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = name.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return Error{Code::kInvalid, "a policy name is empty"};
  name = name.substr(first, name.find_last_not_of(kSpace) - first + 1);
  if (name.size() > kPolicyNameBytesMax) return Error{Code::kInvalid, "a policy name is too long"};
  std::string normal(name);
  for (char& byte : normal) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  }
  const auto allowed = [](char byte) {
    return is_lower_or_digit(byte) || std::string_view("-_.@:+").find(byte) != std::string_view::npos;
  };
  const bool starts_well = is_lower_or_digit(normal.front()) || normal.front() == '_';
  if (!starts_well || !std::all_of(normal.begin(), normal.end(), allowed)) {
    return Error{Code::kInvalid, "a policy name has a character that is not allowed"};
  }
  return normal;
}

}  // namespace keyhold::core
