#pragma once

#include <array>

#include "core/call.h"
#include "core/node.h"
#include "core/route.h"
#include "core/router.h"

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

/// The "sys/" routes: seal, mounts, policies, state.
///
/// threads   Any.
/// source    Vault API, system backend.
class SysEngine {
 public:
  SysEngine(core::Node& node, const core::Router& router) : node_(node), router_(router) {}

  // seal_routes.cc
  Result<core::Reply> read_init(core::Call& call);
  Result<core::Reply> init(core::Call& call);
  Result<core::Reply> unseal(core::Call& call);
  Result<core::Reply> seal(core::Call& call);
  Result<core::Reply> seal_status(core::Call& call);
  Result<core::Reply> health(core::Call& call);

  // mount_routes.cc
  Result<core::Reply> list_mounts(core::Call& call);
  Result<core::Reply> read_mount(core::Call& call);
  Result<core::Reply> mount(core::Call& call);
  Result<core::Reply> unmount(core::Call& call);

  // policy_routes.cc
  Result<core::Reply> list_policies(core::Call& call);
  Result<core::Reply> read_policy(core::Call& call);
  Result<core::Reply> write_policy(core::Call& call);
  Result<core::Reply> remove_policy(core::Call& call);

 private:
  core::Node& node_;
  const core::Router& router_;

  // Field tables.
  static constexpr std::array kInitFields{
      core::Field{.name = "secret_shares",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "Shares to split the unseal key into."},
      core::Field{.name = "secret_threshold",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "Shares needed to unseal."}};
  static constexpr std::array kUnsealFields{
      core::Field{.name = "key", .help = "One share of the unseal key, in hexadecimal or base64."},
      core::Field{.name = "reset",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Drop the shares given so far."}};
  static constexpr core::Field kMountPath{.name = "path",
                                          .source = core::FieldSource::kPath,
                                          .audit = core::Audit::kClear,
                                          .help = "Where the engine is mounted."};
  static constexpr std::array kMountPathFields{kMountPath};
  static constexpr std::array kMountFields{
      kMountPath,
      core::Field{.name = "type", .audit = core::Audit::kClear, .help = "Kind of engine: kv (its version is an option), kv-v1, kv-v2."},
      core::Field{.name = "description", .audit = core::Audit::kClear, .help = "For people."},
      core::Field{.name = "options",
                  .type = core::FieldType::kStringMap,
                  .audit = core::Audit::kClear,
                  .help = "Of the engine; kv: version."},
      core::Field{.name = "config",
                  .type = core::FieldType::kObject,
                  .help = "default_lease_ttl and max_lease_ttl."}};
  static constexpr core::Field kPolicyName{.name = "name",
                                           .source = core::FieldSource::kPath,
                                           .audit = core::Audit::kClear,
                                           .help = "Name of the policy."};
  static constexpr std::array kPolicyNameFields{kPolicyName};
  static constexpr std::array kPolicyFields{
      kPolicyName,
      core::Field{.name = "policy", .audit = core::Audit::kClear, .help = "The rules, in HCL or JSON."}};

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
                     .help = "Give one share of the unseal key."},
            .handler = &SysEngine::unseal},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "seal",
                     .access = core::Capability::kSudo,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Drop all keys and everything decrypted."},
            .handler = &SysEngine::seal},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "mounts",
                     .access = core::Capability::kRead,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .help = "All mounted engines."},
            .handler = &SysEngine::list_mounts},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "mounts/{path...}",
                     .access = core::Capability::kRead,
                     .fields = kMountPathFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSystem,
                     .trailing_slash = core::TrailingSlash::kIgnored,
                     .help = "One mounted engine."},
            .handler = &SysEngine::read_mount},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "mounts/{path...}",
                     .access = core::Capability::kUpdate,
                     .fields = kMountFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .trailing_slash = core::TrailingSlash::kIgnored,
                     .help = "Mount an engine."},
            .handler = &SysEngine::mount},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "mounts/{path...}",
                     .access = core::Capability::kDelete,
                     .fields = kMountPathFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .trailing_slash = core::TrailingSlash::kIgnored,
                     .help = "Unmount an engine and delete what it holds; the path is free at once."},
            .handler = &SysEngine::unmount},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "policies/acl",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .help = "Names of all policies."},
            .handler = &SysEngine::list_policies},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "policies/acl/{name}",
                     .access = core::Capability::kRead,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
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
                     .path = "policy",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .help = "Names of all policies; older than policies/acl."},
            .handler = &SysEngine::list_policies},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "policy/{name}",
                     .access = core::Capability::kRead,
                     .fields = kPolicyNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSystem,
                     .help = "The text of a policy; older than policies/acl."},
            .handler = &SysEngine::read_policy},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "policy/{name}",
                     .access = core::Capability::kUpdate,
                     .fields = kPolicyFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a policy; older than policies/acl."},
            .handler = &SysEngine::write_policy},
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
            .handler = &SysEngine::list_policies},
  };
};

}  // namespace keyhold::engine
