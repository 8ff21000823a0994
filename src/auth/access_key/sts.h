#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::auth {

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
  static constexpr core::Field kDuration = core::clear_field("DurationSeconds", core::FieldType::kInteger, "Life of the credentials.");
  static constexpr std::array kKeyFields{core::clear_field("AccessKeyId", core::FieldType::kString, "The access key id.")};
  static constexpr std::array kSessionFields{kDuration, core::clear_field("SerialNumber", core::FieldType::kString, "Refused: of a second factor."),
                                             core::Field{.name = "TokenCode", .help = "Refused: of a second factor."}};
  static constexpr std::array kRoleFields{
      core::clear_field("RoleArn", core::FieldType::kString, "ARN of the role."),
      core::clear_field("RoleSessionName", core::FieldType::kString, "Name of the session, for the journal."),
      kDuration,
      core::Field{.name = "ExternalId", .help = "What the role's trust policy may ask for."},
      core::Field{.name = "Policy", .help = "Refused: policies of a session are not offered."},
      core::Field{.name = "PolicyArns", .type = core::FieldType::kArray, .help = "Refused, the same."},
      core::Field{.name = "Tags", .type = core::FieldType::kArray, .help = "Refused: tags of a session are not offered."},
      core::Field{.name = "TransitiveTagKeys", .type = core::FieldType::kArray, .help = "Refused, the same."},
      core::Field{.name = "SourceIdentity", .help = "Refused: not offered."},
      core::clear_field("SerialNumber", core::FieldType::kString, "Refused: of a second factor."),
      core::Field{.name = "TokenCode", .help = "Refused: of a second factor."}};

  static constexpr auto& operation = core::operation_route<Sts>;

 public:
  static constexpr std::array kRoutes{
      operation("AssumeRole", kRoleFields, core::Cost::kDisk, &Sts::assume_role, &Sts::of_role,
                "Temporary credentials of a role, for whom its trust policy names."),
      operation("GetAccessKeyInfo", kKeyFields, core::Cost::kCached, &Sts::get_access_key_info, &Sts::of_nothing,
                "The account of an access key."),
      operation("GetCallerIdentity", {}, core::Cost::kCached, &Sts::get_caller_identity, &Sts::of_nothing, "Who the caller is."),
      operation("GetSessionToken", kSessionFields, core::Cost::kDisk, &Sts::get_session_token, &Sts::of_nothing,
                "Temporary credentials of the caller's own."),
  };
};

}  // namespace keyhold::auth
