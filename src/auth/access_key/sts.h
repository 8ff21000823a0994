#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::auth {
namespace sts {

constexpr core::Field clear(std::string_view name, core::FieldType type, std::string_view help) {
  return {.name = name, .type = type, .audit = core::Audit::kClear, .help = help};
}

}  // namespace sts

/// AWS's Security Token Service: who a caller is, and temporary credentials, which are a token below the access key that they were
/// made with and end with it (core/temporary_keys.h).
///
/// One object; it has no state.
/// source   AWS STS API reference.
class Sts {
 public:
  Result<core::Reply> get_caller_identity(core::Call& call);
  Result<core::Reply> get_access_key_info(core::Call& call);
  Result<core::Reply> get_session_token(core::Call& call);
  Result<core::Reply> assume_role(core::Call& call);

  Result<std::vector<core::Target>> of_nothing(core::Call& call);
  Result<std::vector<core::Target>> of_role(core::Call& call);

 private:
  static constexpr core::Field kDuration = sts::clear("DurationSeconds", core::FieldType::kInteger, "Life of the credentials.");
  static constexpr std::array kKeyFields{sts::clear("AccessKeyId", core::FieldType::kString, "The access key id.")};
  static constexpr std::array kSessionFields{kDuration, sts::clear("SerialNumber", core::FieldType::kString, "Refused: of a second factor."),
                                             core::Field{.name = "TokenCode", .help = "Refused: of a second factor."}};
  static constexpr std::array kRoleFields{
      sts::clear("RoleArn", core::FieldType::kString, "ARN of the role."),
      sts::clear("RoleSessionName", core::FieldType::kString, "Name of the session, for the journal."),
      kDuration,
      core::Field{.name = "ExternalId", .help = "What the role's trust policy may ask for."},
      core::Field{.name = "Policy", .help = "Refused: policies of a session are not offered."},
      core::Field{.name = "PolicyArns", .type = core::FieldType::kArray, .help = "Refused, the same."},
      core::Field{.name = "Tags", .type = core::FieldType::kArray, .help = "Refused: tags of a session are not offered."},
      core::Field{.name = "TransitiveTagKeys", .type = core::FieldType::kArray, .help = "Refused, the same."},
      core::Field{.name = "SourceIdentity", .help = "Refused: not offered."},
      sts::clear("SerialNumber", core::FieldType::kString, "Refused: of a second factor."),
      core::Field{.name = "TokenCode", .help = "Refused: of a second factor."}};

  using Route = core::Route<Sts>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kCall,
                     .path = "AssumeRole",
                     .access = core::Access::by_targets(),
                     .fields = kRoleFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kBare,
                     .help = "Temporary credentials of a role, for whom its trust policy names."},
            .handler = &Sts::assume_role,
            .targets = &Sts::of_role},
      Route{.info = {.operation = core::Operation::kCall,
                     .path = "GetAccessKeyInfo",
                     .access = core::Access::by_targets(),
                     .fields = kKeyFields,
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kBare,
                     .help = "The account of an access key."},
            .handler = &Sts::get_access_key_info,
            .targets = &Sts::of_nothing},
      Route{.info = {.operation = core::Operation::kCall,
                     .path = "GetCallerIdentity",
                     .access = core::Access::by_targets(),
                     .cost = core::Cost::kCached,
                     .reply = core::Payload::kBare,
                     .help = "Who the caller is."},
            .handler = &Sts::get_caller_identity,
            .targets = &Sts::of_nothing},
      Route{.info = {.operation = core::Operation::kCall,
                     .path = "GetSessionToken",
                     .access = core::Access::by_targets(),
                     .fields = kSessionFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kBare,
                     .help = "Temporary credentials of the caller's own."},
            .handler = &Sts::get_session_token,
            .targets = &Sts::of_nothing},
  };
};

}  // namespace keyhold::auth
