#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::auth {

/// A table of fields with one more in front.
template <std::size_t kCount>
constexpr std::array<core::Field, kCount + 1> prepend(const core::Field& first, const std::array<core::Field, kCount>& rest) {
  std::array<core::Field, kCount + 1> fields{};
  fields[0] = first;
  for (std::size_t i = 0; i < kCount; ++i) fields[i + 1] = rest[i];
  return fields;
}

/// "auth/token/": tokens that make, look at, renew and end tokens, and the roles through which they are made.
///
/// One object; it has no state.
/// source   Vault API, auth/token.
class TokenAuth {
 public:
  // create_routes.cc
  Result<core::Reply> create(core::Call& call);
  Result<core::Reply> create_orphan(core::Call& call);
  Result<core::Reply> create_with_role(core::Call& call);

  // role_routes.cc
  Result<core::Reply> list_roles(core::Call& call);
  Result<core::Reply> read_role(core::Call& call);
  Result<bool> role_exists(core::Call& call);
  Result<core::Reply> write_role(core::Call& call);
  Result<core::Reply> remove_role(core::Call& call);

  // life_routes.cc
  Result<core::Reply> lookup(core::Call& call);
  Result<core::Reply> lookup_self(core::Call& call);
  Result<core::Reply> lookup_accessor(core::Call& call);
  Result<core::Reply> renew(core::Call& call);
  Result<core::Reply> renew_self(core::Call& call);
  Result<core::Reply> renew_accessor(core::Call& call);
  Result<core::Reply> revoke(core::Call& call);
  Result<core::Reply> revoke_self(core::Call& call);
  Result<core::Reply> revoke_accessor(core::Call& call);
  Result<core::Reply> revoke_orphan(core::Call& call);
  Result<core::Reply> list_accessors(core::Call& call);
  Result<core::Reply> tidy(core::Call& call);

 private:
  static constexpr core::Field kRoleName{.name = "role_name",
                                         .source = core::FieldSource::kPath,
                                         .audit = core::Audit::kClear,
                                         .help = "Name of the role."};
  static constexpr core::Field kToken{.name = "token", .help = "The token."};
  static constexpr core::Field kAccessor{.name = "accessor",
                                         .audit = core::Audit::kClear,
                                         .help = "The accessor of the token."};
  static constexpr core::Field kIncrement{.name = "increment",
                                          .type = core::FieldType::kDuration,
                                          .audit = core::Audit::kClear,
                                          .help = "Life time from now on."};
  static constexpr std::array kCreateFields{
      core::Field{.name = "id", .help = "The token itself, if it is to be a given one; needs sudo."},
      core::Field{.name = "policies",
                  .type = core::FieldType::kPolicyNames,
                  .audit = core::Audit::kClear,
                  .help = "Policies; a subset of the caller's unless it has sudo."},
      core::Field{.name = "type", .audit = core::Audit::kClear, .help = "service, which is the default, or batch."},
      core::Field{.name = "no_parent",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Outlive the caller; needs sudo."},
      core::Field{.name = "no_default_policy",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Leave the default policy out."},
      core::Field{.name = "display_name", .audit = core::Audit::kClear, .help = "For people."},
      core::Field{.name = "entity_alias", .help = "Not offered yet."},
      core::Field{.name = "ttl", .type = core::FieldType::kDuration, .audit = core::Audit::kClear, .help = "Life time."},
      core::Field{.name = "lease",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Older name of ttl."},
      core::Field{.name = "explicit_max_ttl",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Life time that renewal cannot pass."},
      core::Field{.name = "period",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Life time that each renewal gives anew, without a maximum; needs sudo."},
      core::Field{.name = "num_uses",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "How often it may be used; 0 means no limit."},
      core::Field{.name = "renewable",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Whether it may be renewed."},
      core::Field{.name = "meta", .type = core::FieldType::kStringMap, .help = "Names and values for the audit trail."},
  };
  static constexpr auto kCreateWithRoleFields = prepend(kRoleName, kCreateFields);
  static constexpr std::array kRoleNameFields{kRoleName};
  static constexpr std::array kRoleFields{
      kRoleName,
      core::Field{.name = "allowed_policies",
                  .type = core::FieldType::kPolicyNames,
                  .audit = core::Audit::kClear,
                  .help = "Policies that its tokens may have."},
      core::Field{.name = "disallowed_policies",
                  .type = core::FieldType::kPolicyNames,
                  .audit = core::Audit::kClear,
                  .help = "Policies that its tokens may not have."},
      core::Field{.name = "allowed_policies_glob",
                  .type = core::FieldType::kStringList,
                  .audit = core::Audit::kClear,
                  .help = "The same with * for any text."},
      core::Field{.name = "disallowed_policies_glob",
                  .type = core::FieldType::kStringList,
                  .audit = core::Audit::kClear,
                  .help = "The same with * for any text."},
      core::Field{.name = "allowed_entity_aliases",
                  .type = core::FieldType::kStringList,
                  .help = "Kept; there are no entities yet."},
      core::Field{.name = "orphan",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Whether its tokens have no parent."},
      core::Field{.name = "renewable",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Whether its tokens may be renewed."},
      core::Field{.name = "path_suffix",
                  .audit = core::Audit::kClear,
                  .help = "What follows the name of the role in the path of their leases."},
      core::Field{.name = "token_type",
                  .audit = core::Audit::kClear,
                  .help = "service, batch, default-service or default-batch."},
      core::Field{.name = "token_period",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Period of its tokens."},
      core::Field{.name = "period",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Older name of token_period."},
      core::Field{.name = "token_explicit_max_ttl",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Life time that renewal cannot pass."},
      core::Field{.name = "explicit_max_ttl",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Older name of token_explicit_max_ttl."},
      core::Field{.name = "token_bound_cidrs",
                  .type = core::FieldType::kStringList,
                  .audit = core::Audit::kClear,
                  .help = "From where its tokens may be used."},
      core::Field{.name = "bound_cidrs",
                  .type = core::FieldType::kStringList,
                  .audit = core::Audit::kClear,
                  .help = "Older name of token_bound_cidrs."},
      core::Field{.name = "token_num_uses",
                  .type = core::FieldType::kInteger,
                  .audit = core::Audit::kClear,
                  .help = "How often each may be used."},
      core::Field{.name = "token_no_default_policy",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Leave the default policy out."},
  };
  static constexpr std::array kTokenFields{kToken};
  static constexpr std::array kAccessorFields{kAccessor};
  static constexpr std::array kRenewFields{kToken, kIncrement};
  static constexpr std::array kRenewSelfFields{kIncrement};
  static constexpr std::array kRenewAccessorFields{kAccessor, kIncrement};

  using Route = core::Route<TokenAuth>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "create",
                     .access = core::Capability::kUpdate,
                     .fields = kCreateFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kAuth,
                     .help = "Make a token below the caller's."},
            .handler = &TokenAuth::create},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "create-orphan",
                     .access = core::Capability::kUpdate,
                     .fields = kCreateFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kAuth,
                     .help = "Make a token that has no parent."},
            .handler = &TokenAuth::create_orphan},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "create/{role_name}",
                     .access = core::Capability::kUpdate,
                     .fields = kCreateWithRoleFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kAuth,
                     .help = "Make a token through a role."},
            .handler = &TokenAuth::create_with_role},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "roles",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Names of the roles."},
            .handler = &TokenAuth::list_roles},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "roles/{role_name}",
                     .access = core::Capability::kRead,
                     .fields = kRoleNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "What a role says."},
            .handler = &TokenAuth::read_role},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "roles/{role_name}",
                     .access = core::Capability::kUpdate,
                     .fields = kRoleFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Write a role; what is not given stays as it is."},
            .handler = &TokenAuth::write_role,
            .exists = &TokenAuth::role_exists},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "roles/{role_name}",
                     .access = core::Capability::kDelete,
                     .fields = kRoleNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Remove a role; its tokens stay, and cannot be renewed."},
            .handler = &TokenAuth::remove_role},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "lookup",
                     .access = core::Capability::kRead,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "What the caller's token is."},
            .handler = &TokenAuth::lookup_self},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "lookup",
                     .access = core::Capability::kUpdate,
                     .fields = kTokenFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "What a token is."},
            .handler = &TokenAuth::lookup},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "lookup-self",
                     .access = core::Capability::kRead,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "What the caller's token is."},
            .handler = &TokenAuth::lookup_self},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "lookup-self",
                     .access = core::Capability::kUpdate,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "What the caller's token is."},
            .handler = &TokenAuth::lookup_self},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "lookup-accessor",
                     .access = core::Capability::kUpdate,
                     .fields = kAccessorFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kSecret,
                     .help = "What the token with this accessor is."},
            .handler = &TokenAuth::lookup_accessor},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "renew",
                     .access = core::Capability::kUpdate,
                     .fields = kRenewFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kAuth,
                     .help = "Move the end of a token on."},
            .handler = &TokenAuth::renew},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "renew-self",
                     .access = core::Capability::kUpdate,
                     .fields = kRenewSelfFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kAuth,
                     .help = "Move the end of the caller's token on."},
            .handler = &TokenAuth::renew_self},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "renew-accessor",
                     .access = core::Capability::kUpdate,
                     .fields = kRenewAccessorFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kAuth,
                     .help = "Move the end of the token with this accessor on."},
            .handler = &TokenAuth::renew_accessor},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "revoke",
                     .access = core::Capability::kUpdate,
                     .fields = kTokenFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "End a token and all below it."},
            .handler = &TokenAuth::revoke},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "revoke-self",
                     .access = core::Capability::kUpdate,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "End the caller's token and all below it."},
            .handler = &TokenAuth::revoke_self},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "revoke-accessor",
                     .access = core::Capability::kUpdate,
                     .fields = kAccessorFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "End the token with this accessor and all below it."},
            .handler = &TokenAuth::revoke_accessor},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "revoke-orphan",
                     .access = core::Capability::kUpdate,
                     .fields = kTokenFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "End a token and let its children go on as orphans; needs sudo."},
            .handler = &TokenAuth::revoke_orphan},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "accessors",
                     .access = core::Access::with_sudo(core::Capability::kList),
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Accessors of all tokens."},
            .handler = &TokenAuth::list_accessors},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "tidy",
                     .access = core::Capability::kUpdate,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Look for tokens that have ended and are still there."},
            .handler = &TokenAuth::tidy},
  };
};

}  // namespace keyhold::auth
