#include "auth/token/new_policies.h"

#include <algorithm>

#include "core/policy/policy_name.h"

namespace keyhold::auth {
namespace {

using Names = std::vector<std::string>;

bool has(const auto& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

bool has_match(const auto& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [name](const auto& pattern) { return matches_glob(pattern, name); });
}

void add(Names& names, std::string_view name) {
  if (has(names, name)) return;
  names.insert(std::lower_bound(names.begin(), names.end(), name), std::string(name));
}

Error not_a_subset() { return {Code::kInvalid, "child policies must be subset of parent"}; }

bool decides_policies(const core::records::TokenRole* role) {
  return role != nullptr && (role->allowed_policies_size() > 0 || role->disallowed_policies_size() > 0 ||
                             role->allowed_policies_glob_size() > 0 || role->disallowed_policies_glob_size() > 0);
}

/// What a role with lists of its own lets through, which may be more than the caller has.
Result<Names> through_role(Names asked, const Names& own, const core::records::TokenRole& role, bool add_default) {
  add_default = add_default && !has(role.disallowed_policies(), core::kDefaultPolicyName) &&
                !has_match(role.disallowed_policies_glob(), core::kDefaultPolicyName);
  const bool asked_for_some = !asked.empty();
  if (asked_for_some && add_default) add(asked, core::kDefaultPolicyName);
  if (role.allowed_policies_size() > 0 || role.allowed_policies_glob_size() > 0) {
    Names allowed(role.allowed_policies().begin(), role.allowed_policies().end());
    if (add_default) add(allowed, core::kDefaultPolicyName);
    for (const std::string& name : asked) {
      if (!has(allowed, name) && !has_match(role.allowed_policies_glob(), name)) {
        return Error{Code::kInvalid, "token policies must be subset of the role's allowed policies"};
      }
    }
    if (!asked_for_some) asked = std::move(allowed);
  } else if (!asked_for_some) {
    asked = own;
    if (add_default) add(asked, core::kDefaultPolicyName);
  }
  for (const std::string& name : asked) {
    if (has(role.disallowed_policies(), name) || has_match(role.disallowed_policies_glob(), name)) {
      return Error{Code::kInvalid, "a token policy is disallowed by this role"};
    }
  }
  return asked;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // Every part but the last is found as early as it can be, which leaves the most to those after it.
  for (std::size_t next = pattern.find('*'); next != std::string_view::npos; next = pattern.find('*')) {
    const std::size_t at = text.find(pattern.substr(0, next));
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + next);
    pattern.remove_prefix(next + 1);
  }
  return text.ends_with(pattern);
}

Names in_order(Names names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<Names> new_policies(const core::Call& call, const core::records::TokenRole* role, bool sudo) {
  const auto& caller = call.principal().token->policies();
  const Names own = in_order(Names(caller.begin(), caller.end()));
  const bool no_default = call.fields().boolean("no_default_policy") || (role != nullptr && role->no_default_policy());
  Names policies = in_order(call.fields().policy_names("policies"));
  if (decides_policies(role)) {
    TRY_ASSIGN(policies, through_role(std::move(policies), own, *role, !no_default));
  } else if (policies.empty()) {
    policies = own;
  } else if (!sudo) {
    for (const std::string& name : policies) {
      if (!has(own, name)) return not_a_subset();
    }
    if (has(own, core::kDefaultPolicyName)) add(policies, core::kDefaultPolicyName);
  } else {
    add(policies, core::kDefaultPolicyName);
  }
  // The root policy stands alone.
  if (has(policies, core::kRootPolicyName)) policies.assign(1, std::string(core::kRootPolicyName));
  if (no_default) std::erase(policies, core::kDefaultPolicyName);
  for (const std::string& name : policies) {
    if (name != core::kRootPolicyName && core::reserved_policy_name(name)) {
      return Error{Code::kInvalid, "a policy that only the server gives cannot be assigned"};
    }
  }
  if (has(policies, core::kRootPolicyName) && !call.principal().root()) {
    return Error{Code::kInvalid, "root tokens may not be created without parent token being root"};
  }
  return policies;
}

}  // namespace keyhold::auth
