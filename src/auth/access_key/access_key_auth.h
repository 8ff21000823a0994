#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::auth {

/// The auth method "access-key": pairs of AWS's form with which requests are signed (core/access_key.h). Mounted by the operator.
///
/// Whoever may write a key may give it any policy but those that only the server gives, "root" among them: the capability on
/// the path is the right to do so, as with roles. A key is seen and changed only through the mount that made it.
///
/// One object; it has no state.
class AccessKeyAuth {
 public:
  Result<core::Reply> create(core::Call& call);
  Result<core::Reply> list(core::Call& call);
  Result<core::Reply> read(core::Call& call);
  Result<bool> exists(core::Call& call);
  Result<core::Reply> write(core::Call& call);
  Result<core::Reply> remove(core::Call& call);

  // role_routes.cc
  Result<core::Reply> list_roles(core::Call& call);
  Result<core::Reply> read_role(core::Call& call);
  Result<bool> role_exists(core::Call& call);
  Result<core::Reply> write_role(core::Call& call);
  Result<core::Reply> remove_role(core::Call& call);

 private:
  static constexpr core::Field kId{.name = "access_key_id",
                                   .source = core::FieldSource::kPath,
                                   .audit = core::Audit::kClear,
                                   .help = "The access key id."};
  static constexpr core::Field kPolicies{.name = "policies",
                                         .type = core::FieldType::kPolicyNames,
                                         .audit = core::Audit::kClear,
                                         .help = "What requests signed with it may do; none when absent."};
  static constexpr core::Field kBoundCidrs{.name = "bound_cidrs",
                                           .type = core::FieldType::kStringList,
                                           .audit = core::Audit::kClear,
                                           .help = "From where it may be used."};
  static constexpr core::Field kTtl{.name = "ttl",
                                    .type = core::FieldType::kDuration,
                                    .audit = core::Audit::kClear,
                                    .help = "Life time from now on; 0, or nothing for a new key, is for ever."};
  static constexpr core::Field kDescription{.name = "description", .help = "For people."};
  static constexpr std::array kCreateFields{kPolicies, kBoundCidrs, kTtl, kDescription};
  static constexpr std::array kIdFields{kId};
  static constexpr std::array kWriteFields{
      kId,
      core::Field{.name = "secret_access_key", .help = "Of a pair that was made elsewhere and is to be known here."},
      core::Field{.name = "disabled",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Whether it is out of use; what was made with it ends."},
      kPolicies,
      kBoundCidrs,
      kTtl,
      kDescription};

  static constexpr core::Field kRoleName{.name = "name",
                                         .source = core::FieldSource::kPath,
                                         .audit = core::Audit::kClear,
                                         .help = "Name of the role."};
  static constexpr std::array kRoleNameFields{kRoleName};
  static constexpr std::array kRoleFields{
      kRoleName,
      core::Field{.name = "trust_policy", .audit = core::Audit::kClear, .help = "Who may assume it, in AWS's JSON."},
      core::Field{.name = "max_session_duration",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Longest life of a session, from 15 minutes to 12 hours; an hour if not given."},
      core::Field{.name = "policies",
                  .type = core::FieldType::kPolicyNames,
                  .audit = core::Audit::kClear,
                  .help = "What sessions of it may do; none when absent."},
      core::Field{.name = "bound_cidrs",
                  .type = core::FieldType::kStringList,
                  .audit = core::Audit::kClear,
                  .help = "From where sessions of it may be used."},
      kDescription};

  using Route = core::Route<AccessKeyAuth>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "key",
                     .access = core::Capability::kUpdate,
                     .fields = kCreateFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Make a pair of keys; the answer alone tells the secret one."},
            .handler = &AccessKeyAuth::create},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "key",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Access key ids."},
            .handler = &AccessKeyAuth::list},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "key/{access_key_id}",
                     .access = core::Capability::kRead,
                     .fields = kIdFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "What a key is, without its secret."},
            .handler = &AccessKeyAuth::read},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "key/{access_key_id}",
                     .access = core::Capability::kUpdate,
                     .fields = kWriteFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Import a pair, or change a key; what is not given stays as it is."},
            .handler = &AccessKeyAuth::write,
            .exists = &AccessKeyAuth::exists},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "key/{access_key_id}",
                     .access = core::Capability::kDelete,
                     .fields = kIdFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Delete a key; what was made with it ends."},
            .handler = &AccessKeyAuth::remove},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "role",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Names of roles."},
            .handler = &AccessKeyAuth::list_roles},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "role/{name}",
                     .access = core::Capability::kRead,
                     .fields = kRoleNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "What a role is."},
            .handler = &AccessKeyAuth::read_role},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "role/{name}",
                     .access = core::Capability::kUpdate,
                     .fields = kRoleFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Make a role that STS's AssumeRole names, or change one; what is not given stays as it is."},
            .handler = &AccessKeyAuth::write_role,
            .exists = &AccessKeyAuth::role_exists},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "role/{name}",
                     .access = core::Capability::kDelete,
                     .fields = kRoleNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Delete a role; sessions of it go on until their end."},
            .handler = &AccessKeyAuth::remove_role},
  };
};

}  // namespace keyhold::auth
