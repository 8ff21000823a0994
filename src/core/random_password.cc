#include "core/random_password.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace keyhold::core {
namespace {

constexpr std::int64_t kLengthMax = 4096;            // AWS's.
constexpr std::size_t kExcludedBytesMax = 4096;      // The same.
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
constexpr std::string_view kSpace = " ";

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), "InvalidParameterException"}; }

/// A number below `bound`, each as likely as any other.
std::size_t below(std::size_t bound, crypto::Rng& rng) {
  const std::size_t fair = (std::size_t{1} << 16) / bound * bound;
  for (;;) {
    std::array<char, 2> bytes{};
    rng.fill(bytes);
    const std::size_t drawn = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 | static_cast<unsigned char>(bytes[1]);
    if (drawn < fair) return drawn % bound;
  }
}

}  // namespace

Result<SecretBytes> random_password(const PasswordRules& rules, crypto::Rng& rng) {
  if (rules.length < 1 || rules.length > kLengthMax) return invalid("PasswordLength must be between 1 and 4096.");
  if (rules.exclude_characters.size() > kExcludedBytesMax) return invalid("ExcludeCharacters must be at most 4096 characters long.");
  using Use = PasswordRules::Use;
  const std::array<std::pair<Use, std::string_view>, 5> kinds{{{rules.lowercase, kLower},
                                                               {rules.uppercase, kUpper},
                                                               {rules.numbers, kDigits},
                                                               {rules.punctuation, kPunctuation},
                                                               {rules.space, kSpace}}};
  std::string all;
  std::vector<std::string> used;
  for (const auto& [use, characters] : kinds) {
    if (use == Use::kNo) continue;
    std::string left;
    for (const char character : characters) {
      if (rules.exclude_characters.find(character) == std::string::npos) left.push_back(character);
    }
    all += left;
    used.push_back(std::move(left));
  }
  if (all.empty()) return invalid("The rules exclude every character that a password could have.");
  const bool each = rules.kinds == PasswordRules::Kinds::kEachAppears;
  if (each && std::any_of(used.begin(), used.end(), [](const std::string& kind) { return kind.empty(); })) {
    return invalid("The rules exclude every character of a kind that RequireEachIncludedType demands.");
  }
  const auto length = static_cast<std::size_t>(rules.length);
  if (each && length < used.size()) {
    return invalid("PasswordLength is too short for one character of each kind that RequireEachIncludedType demands.");
  }
  // Those that do not keep the rule are drawn anew, so that none that does is likelier. A short password of a rare kind takes some tries:
  // after that many, places are chosen for the kinds that are missing, which is as good as fair for so few.
  constexpr int kTriesMax = 1000;
  SecretBytes password = SecretBytes::zeroed(length);
  const auto has = [&password](const std::string& kind) {
    return std::any_of(password.writable().begin(), password.writable().end(), [&](char c) { return kind.find(c) != std::string::npos; });
  };
  for (int tries = 0; tries < kTriesMax; ++tries) {
    for (char& character : password.writable()) character = all[below(all.size(), rng)];
    if (!each || std::all_of(used.begin(), used.end(), has)) return password;
  }
  std::vector<std::size_t> places(length);
  for (std::size_t i = 0; i < length; ++i) places[i] = i;
  for (std::size_t i = 0; i < used.size(); ++i) {
    std::swap(places[i], places[i + below(length - i, rng)]);
    password.writable()[places[i]] = used[i][below(used[i].size(), rng)];
  }
  return password;
}

}  // namespace keyhold::core
