#include <algorithm>
#include <string>

#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

constexpr bool in_order() {
  for (std::size_t index = 0; index < kActions.size(); ++index) {
    if (static_cast<std::size_t>(kActions[index].action) != index) return false;
  }
  return true;
}
static_assert(in_order());
static_assert(kActions[kSecretsManagerActions - 1].name.starts_with("secretsmanager:") &&
              !kActions[kSecretsManagerActions].name.starts_with("secretsmanager:"));

/// How a statement's principals mean someone.
enum class Meant : std::uint8_t { kNot, kByAccount, kThemselves };

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return !text.empty() && std::find(list.begin(), list.end(), text) != list.end();
}

Meant meant(const PrincipalSet& principals, const Principal& principal) {
  if (principals.form == PrincipalSet::Form::kUnnamed || principals.everyone) return Meant::kThemselves;
  const bool by_account = contains(principals.accounts, principal.account);
  const bool named = contains(principals.arns, principal.arn) || contains(principals.arns, principal.role_arn) ||
                     (by_account && principal.is_account_root());
  // An account among those left out is its root alone: else everyone in it would go free.
  if (principals.form == PrincipalSet::Form::kAllBut) return named ? Meant::kNot : Meant::kThemselves;
  if (named) return Meant::kThemselves;
  return by_account ? Meant::kByAccount : Meant::kNot;
}

/// AWS lets wildcards reach across the colons of an ARN. A secret's name that itself has colons, which AWS does not allow, could so pass
/// for another one's ARN: it fits for certain only if it does field by field, too.
Answer match_resource(const Pattern& pattern, const Subject& resource, const Context& context) {
  constexpr std::ptrdiff_t kColons = 6;
  const Answer whole = pattern.matches(resource, context);
  if (std::count(resource.text.begin(), resource.text.end(), ':') <= kColons) return whole;
  return pattern.matches_fields(resource, context) == whole ? whole : Answer::kUnknown;
}

Answer match_resources(const Statement& statement, const Subject& resource, const Context& context) {
  if (statement.resource_form == Statement::Resources::kUnnamed) return Answer::kYes;
  Answer listed = Answer::kNo;
  for (const Pattern& pattern : statement.resources) {
    listed = either(listed, match_resource(pattern, resource, context));
    if (listed == Answer::kYes) break;
  }
  return statement.resource_form == Statement::Resources::kAllBut ? opposite(listed) : listed;
}

Decision decide(const Statement& statement, const Request& request, const Context& context) {
  if (!statement.actions.test(static_cast<std::size_t>(request.action))) return Decision::kNeither;
  const Meant who = meant(statement.principals, request.principal);
  if (who == Meant::kNot) return Decision::kNeither;
  Answer applies = match_resources(statement, request.resource, context);
  for (const Condition& condition : statement.conditions) {
    if (applies == Answer::kNo) return Decision::kNeither;
    applies = both(applies, condition.holds(context));
  }
  if (statement.effect == Effect::kDeny) return applies == Answer::kNo ? Decision::kNeither : Decision::kDeny;
  if (applies != Answer::kYes) return Decision::kNeither;
  return who == Meant::kByAccount ? Decision::kDelegated : Decision::kAllow;
}

}  // namespace

Decision decide(std::span<const Policy* const> policies, const Request& request, const Context& context) {
  Decision decision = Decision::kNeither;
  for (const Policy* policy : policies) {
    for (const Statement& statement : policy->statements) {
      decision = std::max(decision, decide(statement, request, context));
      if (decision == Decision::kDeny) return decision;
    }
  }
  return decision;
}

SecretResource secret_resource(const SecretScope& scope, std::string_view name, std::string_view suffix) {
  SecretResource resource{secret_arn(scope.region, scope.account, name, suffix), 0};
  if (suffix.empty()) {
    resource.arn += '-';
    resource.unknown_bytes = kSuffixBytes;
  }
  return resource;
}

Decision decide_path(std::span<const Policy* const> policies, const SecretScope& scope, const PathRequest& request,
                     const Context& context) {
  // A list that tells metadata as well: who may not list may not have it, but an Allow to list is not enough for it.
  if (constexpr std::string_view kDetailed = "detailed-"; request.path.starts_with("detailed-metadata/")) {
    PathRequest plain = request;
    plain.path.remove_prefix(kDetailed.size());
    return decide_path(policies, scope, plain, context) == Decision::kDeny ? Decision::kDeny : Decision::kNeither;
  }
  const auto rule = std::find_if(kPathRules.begin(), kPathRules.end(), [&](const PathRule& known) {
    return known.request.capability == request.capability && request.path.starts_with(known.request.folder);
  });
  if (rule == kPathRules.end()) return Decision::kNeither;
  const std::string_view name = request.path.substr(rule->request.folder.size());
  const SecretResource secret = secret_resource(scope, name, request.suffix);
  Decision together = Decision::kAllow;
  for (const Action action : rule->actions) {
    const bool on_secret = rule_of(action).resource == ActionResource::kSecret;
    if (on_secret && name.empty()) return Decision::kNeither;
    const Subject resource = on_secret ? secret.subject() : Subject{"*"};
    const Decision one = decide(policies, {action, resource, request.principal}, context);
    if (one == Decision::kDeny) return one;
    together = std::min(together, one);
  }
  return together;
}

bool permits(const Grant& grant, Capability capability, Decision decision) {
  if (decision == Decision::kDeny || grant.capabilities.denies()) return false;
  return decision == Decision::kAllow || grant.allows(capability);
}

}  // namespace keyhold::core::iam
