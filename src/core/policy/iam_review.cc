// What a policy says at a closer look: whether it is open to everybody, and what is hardly meant.
#include <algorithm>
#include <string>

#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

// Wider ranges of addresses are no restriction. source: AWS S3 user guide, "The meaning of public".
constexpr int kV4PrefixBitsMin = 8;
constexpr int kV6PrefixBitsMin = 32;

/// A secret that no pattern names, since patterns hold no control characters.
constexpr std::string_view kNoSecret = "arn:aws:secretsmanager:\x7f:\x7f:secret:\x7f";
constexpr std::string_view kNoResource = "*";

/// Whether a pattern for a principal leaves open in whose account it is.
bool is_fixed(const Pattern& pattern, ConditionKey key) {
  constexpr int kAccountField = 4;
  if (pattern.has_variables()) return false;  // May be the very value that it is compared with.
  if (!pattern.has_wildcards()) return true;
  std::string_view text = pattern.compiled();
  const std::size_t first_wildcard = text.find_first_of(std::string{Pattern::kAnyBytes, Pattern::kAnyByte});
  if (key == ConditionKey::kUserId) return text.substr(0, first_wildcard).find(':') != std::string_view::npos;  // "ROLE-ID:*".
  if (key != ConditionKey::kPrincipalArn) return false;
  for (int field = 0; field < kAccountField; ++field) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    text.remove_prefix(colon + 1);
  }
  return is_account(text.substr(0, text.find(':')));
}

bool is_narrow(const CidrBlock& block) { return block.prefix_bits() >= (block.is_v6() ? kV6PrefixBitsMin : kV4PrefixBitsMin); }

/// Whether it holds a statement for everybody to some.
bool restricts(const Condition& condition) {
  const ConditionOperator& by = condition.by();
  if (by.negated || by.if_exists || by.quantifier == Quantifier::kForAllValues || by.test == Test::kNull) return false;
  const ConditionKey key = condition.subject().key;
  if (key == ConditionKey::kSourceIp && by.test == Test::kAddress) {
    return std::all_of(condition.blocks().begin(), condition.blocks().end(), is_narrow);
  }
  if (key != ConditionKey::kPrincipalArn && key != ConditionKey::kPrincipalAccount && key != ConditionKey::kUserId) return false;
  const auto& patterns = condition.patterns();
  return !patterns.empty() && std::all_of(patterns.begin(), patterns.end(), [key](const Pattern& one) { return is_fixed(one, key); });
}

bool is_public(const Statement& statement) {
  return statement.effect == Effect::kAllow && statement.principals.everyone &&
         std::none_of(statement.conditions.begin(), statement.conditions.end(), restricts);
}

bool names(const Statement& statement, std::string_view resource) {
  return std::any_of(statement.resources.begin(), statement.resources.end(),
                     [resource](const Pattern& one) { return one.matches({resource}, Context()) == Answer::kYes; });
}

bool has_all_of_secrets_manager(const ActionSet& actions) {
  for (std::size_t index = 0; index < kSecretsManagerActions; ++index) {
    if (!actions.test(index)) return false;
  }
  return true;
}

/// Whether all of its actions go with "*" as a resource only.
bool needs_no_resource(const ActionSet& actions) {
  for (const ActionRule& rule : kActions) {
    if (actions.test(static_cast<std::size_t>(rule.action)) && rule.resource != ActionResource::kNone) return false;
  }
  return actions.any();
}

std::vector<std::string_view> reasons_of(const Statement& statement, PolicyKind kind) {
  std::vector<std::string_view> reasons;
  const bool listed = statement.resource_form == Statement::Resources::kListed;
  if (statement.has_idle_action) reasons.push_back("an action that no operation has");
  if (listed && needs_no_resource(statement.actions) && !names(statement, kNoResource)) {
    reasons.push_back("it has no effect: these actions go with the Resource \"*\" only");
  }
  if (statement.effect == Effect::kDeny) return reasons;
  if (is_public(statement)) reasons.push_back("it allows everybody");
  if (statement.all_but_actions) reasons.push_back("an Allow with NotAction also allows actions that are yet to come");
  if (statement.resource_form == Statement::Resources::kAllBut) {
    reasons.push_back("an Allow with NotResource also allows secrets that are yet to come");
  }
  if (kind == PolicyKind::kIdentity && has_all_of_secrets_manager(statement.actions) && listed && names(statement, kNoSecret)) {
    reasons.push_back("it allows every action on every secret");
  }
  const bool for_all = std::any_of(statement.conditions.begin(), statement.conditions.end(), [](const Condition& condition) {
    return condition.by().quantifier == Quantifier::kForAllValues;
  });
  if (for_all) reasons.push_back("ForAllValues also holds when the request has no value at all");
  return reasons;
}

}  // namespace

bool is_public(const Policy& policy) {
  return std::any_of(policy.statements.begin(), policy.statements.end(), [](const Statement& one) { return is_public(one); });
}

std::vector<std::string> warnings_of(const Policy& policy) {
  std::vector<std::string> warnings;
  for (std::size_t index = 0; index < policy.statements.size(); ++index) {
    for (const std::string_view reason : reasons_of(policy.statements[index], policy.kind)) {
      warnings.push_back("statement " + std::to_string(index + 1) + ": " + std::string(reason));
    }
  }
  return warnings;
}

}  // namespace keyhold::core::iam
