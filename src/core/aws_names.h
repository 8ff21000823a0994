#pragma once

#include <optional>
#include <string>
#include <string_view>

/// AWS's names of secrets and what they stand for here. Account and region are the binding's: any region of this account is the mount
/// "secret/", whole names.
namespace keyhold::core::aws {

inline constexpr std::string_view kAccount = "000000000000";
inline constexpr std::string_view kDefaultRegion = "us-east-1";  // Of a caller who names none.
inline constexpr std::string_view kMount = "secret/";
inline constexpr std::string_view kMountEngine = "kv-v2";
// Who asks, as policies and STS call him; the account is kAccount.
inline constexpr std::string_view kUserArn = "arn:aws:iam::000000000000:user/";
inline constexpr std::string_view kRoleArn = "arn:aws:iam::000000000000:role/";
inline constexpr std::string_view kSessionArn = "arn:aws:sts::000000000000:assumed-role/";
inline constexpr std::size_t kNameBytesMax = 512;

/// Whether AWS allows it as a secret's name: letters, digits and /_+=.@- only.
bool valid_name(std::string_view name);

/// The name below the mount that an AWS name is kept under. Segments that are no path's, "", "." and "..", are escaped by a "~".
std::string path_of(std::string_view aws_name);
/// nullopt: a name that AWS cannot express, so that it is invisible there.
std::optional<std::string> name_of(std::string_view path);

/// An id of AWS's form: the prefix that tells what it is of ("AKIA"), and a character of base 32 for each of these bytes.
inline constexpr std::size_t kUniqueIdBytes = 16;
std::string unique_id(std::string_view prefix, std::string_view bytes);

/// The last six characters of the ARN: always the same for one secret, and others for one made anew under its name.
std::string arn_suffix(std::string_view secret_id);
/// arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX; an empty region is the default one.
std::string secret_arn(std::string_view region, std::string_view aws_name, std::string_view suffix);

}  // namespace keyhold::core::aws
