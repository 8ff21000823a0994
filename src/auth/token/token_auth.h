#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::auth {

/// "auth/token/": tokens that make, look at and end tokens.
///
/// One object; it has no state.
/// source   Vault API, auth/token.
class TokenAuth {
 public:
  Result<core::Reply> create(core::Call& call);
  Result<core::Reply> lookup_self(core::Call& call);
  Result<core::Reply> revoke_self(core::Call& call);

 private:
  static constexpr std::array kCreateFields{
      core::Field{.name = "id", .help = "The token itself, if it is to be a given one; root only."},
      core::Field{.name = "policies",
                  .type = core::FieldType::kPolicyNames,
                  .audit = core::Audit::kClear,
                  .help = "Policies; a subset of the caller's unless it has sudo."},
      core::Field{.name = "no_parent",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Outlive the caller; needs sudo."},
      core::Field{.name = "no_default_policy",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Leave the default policy out."},
      core::Field{.name = "display_name",
                  .type = core::FieldType::kString,
                  .audit = core::Audit::kClear,
                  .help = "For people."},
      core::Field{.name = "ttl",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Life time."},
      core::Field{.name = "explicit_max_ttl",
                  .type = core::FieldType::kDuration,
                  .audit = core::Audit::kClear,
                  .help = "Life time that renewal cannot pass."},
      core::Field{.name = "renewable",
                  .type = core::FieldType::kBoolean,
                  .audit = core::Audit::kClear,
                  .help = "Whether it may be renewed."},
      core::Field{.name = "meta", .type = core::FieldType::kStringMap, .help = "Names and values for the audit trail."},
  };

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
                     .path = "revoke-self",
                     .access = core::Capability::kUpdate,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "End the caller's token and all below it."},
            .handler = &TokenAuth::revoke_self},
  };
};

}  // namespace keyhold::auth
