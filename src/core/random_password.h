#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/random.h"

namespace keyhold::core {

/// What a generated password is made of: letters of both cases, digits and ASCII's punctuation, less what is excluded.
struct PasswordRules {
  enum class Use : std::uint8_t { kYes, kNo };
  /// Whether at least one of each kind that is used is in it.
  enum class Kinds : std::uint8_t { kEachAppears, kAny };

  std::int64_t length = 32;
  std::string exclude_characters{};
  Use lowercase = Use::kYes;
  Use uppercase = Use::kYes;
  Use numbers = Use::kYes;
  Use punctuation = Use::kYes;
  Use space = Use::kNo;
  Kinds kinds = Kinds::kEachAppears;
};

/// Every password that keeps the rules is as likely as any other.
///
/// errors   kInvalid, under AWS's name InvalidParameterException: a length outside 1 to 4096, or nothing left to choose from.
/// source   AWS Secrets Manager API reference, GetRandomPassword.
Result<SecretBytes> random_password(const PasswordRules& rules, crypto::Rng& rng);

}  // namespace keyhold::core
