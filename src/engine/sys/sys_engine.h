#pragma once

#include <array>
#include <string>
#include <utility>

#include "core/call.h"
#include "core/node.h"
#include "core/route.h"

namespace keyhold::engine {

/// A route that tells the node's state to anybody, sealed or not.
template <typename Engine>
constexpr core::Route<Engine> status_route(std::string_view path, core::Payload reply,
                                           Result<core::Reply> (Engine::*handler)(core::Call&), std::string_view help) {
  return {.info = {.operation = core::Operation::kRead,
                   .path = path,
                   .access = core::Access::unauthenticated(),
                   .cost = core::Cost::kCached,
                   .reply = reply,
                   .availability = core::Availability::kAlways,
                   .journaled = core::Journaled::kNo,
                   .help = help},
          .handler = handler};
}

/// What status replies say of a server.
struct ServerFacts {
  std::string storage_type = "raft";  // As in the configuration.
  std::string cluster_name{};         // Empty = one is made from the store's id.
  std::string spool_directory{};      // Where what is on its way may be put; empty = memory.
};

/// The "sys/" routes: seal, policies, state.
///
/// threads   Any.
/// source    Vault API, system backend.
class SysEngine {
 public:
  explicit SysEngine(core::Node& node, ServerFacts facts = {}) : node_(node), facts_(std::move(facts)) {}

  // seal_routes.cc
  Result<core::Reply> read_init(core::Call& call);
  Result<core::Reply> init(core::Call& call);
  Result<core::Reply> unseal(core::Call& call);
  Result<core::Reply> seal(core::Call& call);
  Result<core::Reply> seal_status(core::Call& call);
  Result<core::Reply> health(core::Call& call);

  // policy_routes.cc; sys/policy is the older form of sys/policies/acl.
  Result<core::Reply> list_policies(core::Call& call);
  Result<core::Reply> list_policies_old(core::Call& call);
  Result<core::Reply> read_policy(core::Call& call);
  Result<core::Reply> read_policy_old(core::Call& call);
  Result<core::Reply> write_policy(core::Call& call);
  Result<core::Reply> write_policy_old(core::Call& call);
  Result<core::Reply> remove_policy(core::Call& call);
  Result<core::Reply> list_iam_policies(core::Call& call);
  Result<core::Reply> read_iam_policy(core::Call& call);
  Result<core::Reply> write_iam_policy(core::Call& call);
  Result<core::Reply> remove_iam_policy(core::Call& call);

  // capability_routes.cc
  Result<core::Reply> capabilities(core::Call& call);
  Result<core::Reply> capabilities_self(core::Call& call);
  Result<core::Reply> capabilities_accessor(core::Call& call);
  Result<core::Reply> resultant_acl(core::Call& call);

 private:
  core::Reply status_reply(const core::SealStatus& status) const;
  /// The cluster's members of an unsealed node's status.
  void append_cluster(json::Writer& writer) const;

  core::Node& node_;
  const ServerFacts facts_;

  // Field tables.
  static constexpr std::array kInitFields{
      core::Field{.name = "secret_shares",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "Shares to split the unseal key into."},
      core::Field{.name = "secret_threshold",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "Shares needed to unseal."},
      core::Field{.name = "recovery_shares",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "Of a server that unseals itself: shares to split the recovery key into."},
      core::Field{.name = "recovery_threshold",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "Of a server that unseals itself: shares needed for what takes the recovery key."},
      core::Field{.name = "recovery_pgp_keys",
                  .type = core::FieldType::kStringList,
                  .help = "Refused: shares are not encrypted."},
      core::Field{.name = "pgp_keys",
                  .type = core::FieldType::kStringList,
                  .help = "Refused: shares are not encrypted."},
      core::Field{.name = "root_token_pgp_key", .help = "Refused: the root token is not encrypted."}};
  static constexpr std::array kUnsealFields{
      core::Field{.name = "key", .help = "One share of the unseal key, in hexadecimal or base64."},
      core::Field{.name = "reset",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Drop the shares given so far."},
      core::Field{.name = "migrate",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Change the store over to the seal of the configuration."}};
  static constexpr core::Field kPolicyName{.name = "name",
                                           .source = core::FieldSource::kPath,
                                           .audit = core::Audit::kClear,
                                           .help = "Name of the policy."};
  static constexpr std::array kPolicyNameFields{kPolicyName};
  static constexpr core::Field kPolicyText{
      .name = "policy", .audit = core::Audit::kClear, .help = "The rules, in HCL or JSON; may be in base64."};
  static constexpr std::array kPolicyFields{kPolicyName, kPolicyText};
  static constexpr std::array kIamPolicyFields{
      kPolicyName,
      core::Field{.name = "policy", .audit = core::Audit::kClear, .help = "A policy in AWS's JSON, as a text; may be in base64."}};
  static constexpr std::array kOldPolicyFields{
      kPolicyName, kPolicyText,
      core::Field{.name = "rules", .audit = core::Audit::kClear, .help = "What policy is called now."}};
  static constexpr core::Field kAskedPaths{.name = "paths",
                                           .type = core::FieldType::kStringList,
                                           .audit = core::Audit::kClear,
                                           .help = "Paths to ask about."};
  static constexpr core::Field kAskedPath{.name = "path",
                                          .type = core::FieldType::kStringList,
                                          .audit = core::Audit::kClear,
                                          .help = "What paths was called of old."};
  static constexpr std::array kCapabilitiesSelfFields{kAskedPaths, kAskedPath};
  static constexpr std::array kCapabilitiesFields{kAskedPaths, kAskedPath,
                                                  core::Field{.name = "token", .help = "Whose capabilities are asked for."}};
  static constexpr std::array kCapabilitiesAccessorFields{
      kAskedPaths, kAskedPath,
      core::Field{.name = "accessor", .audit = core::Audit::kClear, .help = "Of the token whose capabilities are asked for."}};

  using Route = core::Route<SysEngine>;

 public:
  static constexpr std::array kRoutes{
      status_route<SysEngine>("health", core::Payload::kBare, &SysEngine::health, "The node's state, for load balancers."),
      status_route<SysEngine>("seal-status", core::Payload::kSystem, &SysEngine::seal_status, "Whether the barrier is sealed."),
      status_route<SysEngine>("init", core::Payload::kBare, &SysEngine::read_init, "Whether the store is initialised."),
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "init",
                     .access = core::Access::unauthenticated(),
                     .fields = kInitFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kBare,
                     .availability = core::Availability::kAlways,
                     .journaled = core::Journaled::kIntentFirst,
                     .help = "Make the keys of an empty store; answers the shares and the first root token, once."},
            .handler = &SysEngine::init},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "unseal",
                     .access = core::Access::unauthenticated(),
                     .fields = kUnsealFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .availability = core::Availability::kAlways,
                     .journaled = core::Journaled::kIntentFirst,
                     .help = "Give one share of the unseal key."},
            .handler = &SysEngine::unseal},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "seal",
                     .access = core::Access::with_sudo(core::Capability::kUpdate),
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Drop all keys and everything decrypted."},
            .handler = &SysEngine::seal},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "policies/acl",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Names of all policies."},
            .handler = &SysEngine::list_policies},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "policies/acl/{name}",
                     .access = core::Capability::kRead,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "The text of a policy."},
            .handler = &SysEngine::read_policy},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "policies/acl/{name}",
                     .access = core::Capability::kUpdate,
                     .fields = kPolicyFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a policy."},
            .handler = &SysEngine::write_policy},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "policies/acl/{name}",
                     .access = core::Capability::kDelete,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Remove a policy."},
            .handler = &SysEngine::remove_policy},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "policies/iam",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Names of all policies in AWS's language."},
            .handler = &SysEngine::list_iam_policies},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "policies/iam/{name}",
                     .access = core::Capability::kRead,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "The text of a policy in AWS's language."},
            .handler = &SysEngine::read_iam_policy},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "policies/iam/{name}",
                     .access = core::Capability::kUpdate,
                     .fields = kIamPolicyFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a policy in AWS's language; it shares its names with policies/acl."},
            .handler = &SysEngine::write_iam_policy},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "policies/iam/{name}",
                     .access = core::Capability::kDelete,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Remove a policy in AWS's language."},
            .handler = &SysEngine::remove_iam_policy},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "policy",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .help = "Names of all policies; older than policies/acl."},
            .handler = &SysEngine::list_policies_old},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "policy/{name}",
                     .access = core::Capability::kRead,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .help = "The text of a policy; older than policies/acl."},
            .handler = &SysEngine::read_policy_old},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "policy/{name}",
                     .access = core::Capability::kUpdate,
                     .fields = kOldPolicyFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a policy; older than policies/acl."},
            .handler = &SysEngine::write_policy_old},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "policy/{name}",
                     .access = core::Capability::kDelete,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Remove a policy; older than policies/acl."},
            .handler = &SysEngine::remove_policy},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "policy",
                     .access = core::Capability::kRead,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .help = "Names of all policies; older than policies/acl."},
            .handler = &SysEngine::list_policies_old},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "capabilities",
                     .access = core::Capability::kUpdate,
                     .fields = kCapabilitiesFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .help = "What a token may do at paths."},
            .handler = &SysEngine::capabilities},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "capabilities-self",
                     .access = core::Capability::kUpdate,
                     .fields = kCapabilitiesSelfFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .help = "What the caller's token may do at paths."},
            .handler = &SysEngine::capabilities_self},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "capabilities-accessor",
                     .access = core::Capability::kUpdate,
                     .fields = kCapabilitiesAccessorFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .help = "What a token, named by its accessor, may do at paths."},
            .handler = &SysEngine::capabilities_accessor},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "internal/ui/resultant-acl",
                     .access = core::Capability::kRead,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "All that the caller's policies give, made into one."},
            .handler = &SysEngine::resultant_acl},
  };
};

}  // namespace keyhold::engine
