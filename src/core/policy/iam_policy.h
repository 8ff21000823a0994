#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/compiled_policies.h"
#include "core/policy/iam_actions.h"
#include "core/policy/iam_arn.h"
#include "core/policy/iam_condition.h"
#include "core/policy/iam_context.h"
#include "core/policy/iam_pattern.h"

/// AWS's policy language: what people bring along from IAM, kept and asked as it is.
///
/// Pure and without a store: a policy is parsed once and is immutable, so that any thread may ask it.
namespace keyhold::core::iam {

enum class PolicyKind : std::uint8_t {
  kIdentity,  // Of a user, group or role: names no principal.
  kResource,  // Of a secret.
  kTrust,     // Of a role, about who may assume it: names no resource.
};

enum class Effect : std::uint8_t { kAllow, kDeny };

/// Whom a statement is about. Of an identity policy nobody is named.
struct PrincipalSet {
  enum class Form : std::uint8_t { kUnnamed, kListed, kAllBut };
  Form form = Form::kUnnamed;
  bool everyone = false;
  std::vector<std::string> accounts;  // "000000000000" and "arn:aws:iam::000000000000:root" alike.
  std::vector<std::string> arns;      // Of users, roles and sessions.
};

struct Statement {
  enum class Resources : std::uint8_t { kUnnamed, kListed, kAllBut };

  Effect effect = Effect::kDeny;
  ActionSet actions;            // With NotAction its complement; actions of other services are passed over.
  bool all_but_actions = false;  // Written with NotAction.
  bool has_idle_action = false;  // One of Secrets Manager or STS that no operation has.
  PrincipalSet principals;
  Resources resource_form = Resources::kUnnamed;
  std::vector<Pattern> resources;
  std::vector<Condition> conditions;  // All hold.
};

struct Policy {
  PolicyKind kind = PolicyKind::kIdentity;
  std::vector<Statement> statements;
};

/// Parses a policy of Version 2012-10-17 or 2008-10-17 (the one when absent). What is not understood is refused, since it might have
/// restricted something: elements, operators, condition keys, variables, services and federations as principals.
///
/// errors   kInvalid, "line L, column C: reason"; names AWS's own that are not supported; never holds what the text says otherwise.
///          kTooLarge over limits::kIam…PolicyBytesMax.
/// source   AWS IAM user guide, "Grammar of the IAM JSON policy language".
Result<Policy> parse_policy(std::string_view text, PolicyKind kind);

/// In order: of several decisions for one question the greatest holds.
enum class Decision : std::uint8_t {
  kNeither,
  kDelegated,  // Allowed to the account as a whole: its users and roles need an Allow of an identity policy as well.
  kAllow,
  kDeny,
};

struct Request {
  Action action;
  Subject resource;  // An ARN; "*" for actions of ActionResource::kNone. Not looked at by trust policies.
  Principal principal;
};

/// What policies say together; an explicit deny wins. `policies` are the identity policies of `request.principal` alone, the resource policy of
/// `request.resource`, or both together; or one trust policy. The principal's own account is the resource's: whoever asks from another
/// account needs an Allow on both sides, so ask for each side alone then.
///
/// threads   Any.
Decision decide(std::span<const Policy* const> policies, const Request& request, const Context& context);

/// Whether it allows anything to everybody, or to everybody in a wide range of addresses: no condition with a positive operator holds it to
/// fixed principals, accounts, users or addresses (IPv4 /8 and IPv6 /32 or narrower).
bool is_public(const Policy& policy);

/// "statement 2: reason", counted from 1: accepted, but hardly meant.
std::vector<std::string> warnings_of(const Policy& policy);

/// Where the secrets of one KV v2 mount are in AWS's eyes.
struct SecretScope {
  std::string_view region;
  std::string_view account;
};

/// The ARN of a secret as a Request asks about it.
struct SecretResource {
  std::string arn;
  std::size_t unknown_bytes = 0;

  Subject subject() const { return {arn, unknown_bytes}; }
};

/// An empty `suffix` is one that is not known, as of a secret that does not exist yet.
SecretResource secret_resource(const SecretScope& scope, std::string_view name, std::string_view suffix);

/// A request for a path below a KV v2 mount, through Vault's API.
struct PathRequest {
  std::string_view path;  // Below the mount, canonical: "data/prod/db".
  Capability capability = Capability::kRead;
  std::string_view suffix = {};  // Of the secret's ARN; empty = it does not exist yet, or it is not known.
  Principal principal;
};

/// The decision on what kPathRules takes the request for: on all of the actions. kNeither for paths that are nothing in AWS. Of an unknown
/// suffix an Allow must fit any, a Deny one that is possible.
Decision decide_path(std::span<const Policy* const> policies, const SecretScope& scope, const PathRequest& request,
                     const Context& context);

/// Whether a request passes: Vault's rule or an Allow grants it, and neither Vault's rule nor a Deny forbids it. The restrictions of
/// Vault's rule remain the caller's to check, where it is the rule that grants.
bool permits(const Grant& grant, Capability capability, Decision decision);

}  // namespace keyhold::core::iam
