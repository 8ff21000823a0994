#include "core/policy/iam_arn.h"

#include <algorithm>

namespace keyhold::core::iam {
namespace {

constexpr std::string_view kSecretsPrefix = "arn:aws:secretsmanager:";
constexpr std::string_view kSecretType = "secret:";

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

/// Takes what stands before the next colon off `rest`.
std::string_view take_field(std::string_view& rest) {
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  const std::string_view field = rest.substr(0, colon);
  rest.remove_prefix(std::min(colon + 1, rest.size()));
  return field;
}

}  // namespace

std::string secret_arn(std::string_view region, std::string_view account, std::string_view name, std::string_view suffix) {
  std::string arn;
  arn.reserve(kSecretsPrefix.size() + region.size() + account.size() + kSecretType.size() + name.size() + suffix.size() + 3);
  arn.append(kSecretsPrefix).append(region).append(":").append(account).append(":").append(kSecretType).append(name);
  if (!suffix.empty()) arn.append("-").append(suffix);
  return arn;
}

std::optional<SecretArn::Parted> SecretArn::parted() const {
  if (full_name.size() < kSuffixBytes + 2) return std::nullopt;
  const std::string_view suffix = full_name.substr(full_name.size() - kSuffixBytes);
  const std::string_view before = full_name.substr(0, full_name.size() - kSuffixBytes);
  const bool plain = std::all_of(suffix.begin(), suffix.end(), [](char byte) { return is_letter(byte) || is_digit(byte); });
  if (!plain || !before.ends_with('-')) return std::nullopt;
  return Parted{before.substr(0, before.size() - 1), suffix};
}

Result<SecretArn> parse_secret_arn(std::string_view text) {
  const Error invalid{Code::kInvalid, "not the ARN of a secret"};
  if (!text.starts_with(kSecretsPrefix)) return invalid;
  std::string_view rest = text.substr(kSecretsPrefix.size());
  SecretArn arn;
  arn.region = take_field(rest);
  arn.account = take_field(rest);
  const bool named = !arn.region.empty() && is_account(arn.account) && rest.starts_with(kSecretType);
  if (!named || text.find_first_of("*?") != std::string_view::npos) return invalid;
  arn.full_name = rest.substr(kSecretType.size());
  if (arn.full_name.empty()) return invalid;
  return arn;
}

bool is_account(std::string_view text) {
  return text.size() == kAccountDigits && std::all_of(text.begin(), text.end(), is_digit);
}

bool Principal::is_account_root() const {
  constexpr std::string_view kPrefix = "arn:aws:iam::";
  return is_account(account) && arn.starts_with(kPrefix) && arn.substr(kPrefix.size()).starts_with(account) &&
         arn.substr(kPrefix.size() + account.size()) == ":root";
}

}  // namespace keyhold::core::iam
