#pragma once

#include <memory>
#include <string>

#include "core/call.h"
#include "core/policy/iam_policy.h"
#include "core/route.h"

/// What IAM's policies, those of the caller and those on secrets, say of requests for what AWS's API can name: the secrets of
/// one mount (core/aws_names.h). Of anything else they say nothing.
namespace keyhold::core {

/// Who asks, as IAM's policies call him: "arn:aws:iam::000000000000:user/AKIA…" of an access key, the session of temporary
/// credentials, and "arn:aws:iam::000000000000:user/token/ACCESSOR" of whoever has a token.
struct IamIdentity {
  std::string arn;
  std::string role_arn;  // Of a session of a role; else empty.
  std::string user_name;
  std::string user_id;

  iam::Principal principal() const;
};
IamIdentity iam_identity_of(const records::Token& token);

/// The decision on what a request through Vault's API does at its path. kNeither at once where nothing of IAM applies.
/// errors: as Transaction::load(); kCorrupt.
Result<iam::Decision> iam_decision_on_path(Call& call, Capability capability);

/// Whether a target of an operation by name may be had. A Vault rule with bounds on parameters or wrapping cannot be kept by an API that
/// has neither, and so grants nothing there.
/// errors: kCorrupt.
Result<bool> permits(Call& call, const Target& target);

/// What a role's trust policy says of the caller, whose operation names the role.
iam::Decision trust_decision(Call& call, const iam::Policy& trust, iam::Action action);

/// The policy on a secret, parsed. errors: kCorrupt: it cannot be read, and may deny, so that nobody but root may have it.
Result<std::shared_ptr<const iam::Policy>> resource_policy_of(const Call& call, const records::Secret& head);

}  // namespace keyhold::core
