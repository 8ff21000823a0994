#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhold::core::iam {

inline constexpr std::size_t kAccountDigits = 12;
/// Letters and digits that AWS puts behind a secret's name in its ARN, after a hyphen.
inline constexpr std::size_t kSuffixBytes = 6;

/// "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX"; with an empty suffix without it and its hyphen.
std::string secret_arn(std::string_view region, std::string_view account, std::string_view name, std::string_view suffix);

/// Views into the text that was parsed.
struct SecretArn {
  std::string_view region;
  std::string_view account;
  std::string_view full_name;  // All that follows "secret:". A name may itself end as if with a suffix: look for this one first.

  /// `full_name` parted at what looks like a suffix; nullopt where nothing does.
  struct Parted {
    std::string_view name;
    std::string_view suffix;
  };
  std::optional<Parted> parted() const;
};

/// errors   kInvalid: not an ARN of a secret, wildcards included.
Result<SecretArn> parse_secret_arn(std::string_view text);

/// 12 digits.
bool is_account(std::string_view text);

/// Who asks. Views into what the caller keeps. All empty = nobody in particular, whom only a principal of "*" means.
struct Principal {
  std::string_view account;  // "000000000000".
  std::string_view arn;      // arn:aws:iam::ACCOUNT:user/NAME, arn:aws:iam::ACCOUNT:root, or arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.
  std::string_view role_arn = {};  // Of a session: arn:aws:iam::ACCOUNT:role/ROLE.

  /// The account itself, and nobody within it.
  bool is_account_root() const;
};

}  // namespace keyhold::core::iam
