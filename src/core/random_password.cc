#include "core/random_password.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
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
std::uint64_t below(std::uint64_t bound, crypto::Rng& rng) {
  const std::uint64_t rest = (std::numeric_limits<std::uint64_t>::max() % bound + 1) % bound;  // Of 2^64 numbers, by which some come once more.
  for (;;) {
    const std::uint64_t drawn = rng.number();
    if (drawn <= std::numeric_limits<std::uint64_t>::max() - rest) return drawn % bound;
  }
}

/// What there is to choose from.
struct Alphabet {
  std::vector<std::string> kinds;
  std::string all;
};

Alphabet alphabet_of(const PasswordRules& rules) {
  const std::array<std::pair<PasswordRules::Use, std::string_view>, 5> kinds{{{rules.lowercase, kLower},
                                                                              {rules.uppercase, kUpper},
                                                                              {rules.numbers, kDigits},
                                                                              {rules.punctuation, kPunctuation},
                                                                              {rules.space, kSpace}}};
  Alphabet alphabet;
  for (const auto& [use, characters] : kinds) {
    if (use == PasswordRules::Use::kNo) continue;
    std::string left;
    for (const char character : characters) {
      if (rules.exclude_characters.find(character) == std::string::npos) left.push_back(character);
    }
    alphabet.all += left;
    alphabet.kinds.push_back(std::move(left));
  }
  return alphabet;
}

/// A set of kinds, a bit each.
using KindSet = unsigned;

bool contains(KindSet set, std::size_t kind) { return (set >> kind & 1) != 0; }
KindSet without(KindSet set, std::size_t kind) { return set & ~(KindSet{1} << kind); }
KindSet all_kinds(const Alphabet& alphabet) { return (KindSet{1} << alphabet.kinds.size()) - 1; }

std::uint64_t power(std::uint64_t base, std::size_t exponent) {
  std::uint64_t result = 1;
  for (; exponent > 0; --exponent) result *= base;
  return result;
}

/// Whether the number of all words of this length fits 64 bits.
bool countable(const Alphabet& alphabet, std::size_t length) {
  std::uint64_t words = 1;
  for (; length > 0; --length) {
    if (words > std::numeric_limits<std::uint64_t>::max() / alphabet.all.size()) return false;
    words *= alphabet.all.size();
  }
  return true;
}

/// How many words of a countable length have something of each of these kinds, by inclusion and exclusion: terms may wrap round, their
/// sum does not.
std::uint64_t count_with(const Alphabet& alphabet, KindSet wanted, std::size_t length) {
  std::uint64_t count = 0;
  for (KindSet left_out = 0; left_out <= wanted; ++left_out) {
    if ((left_out & ~wanted) != 0) continue;
    std::uint64_t characters = alphabet.all.size();
    for (std::size_t kind = 0; kind < alphabet.kinds.size(); ++kind) {
      if (contains(left_out, kind)) characters -= alphabet.kinds[kind].size();
    }
    const std::uint64_t words = power(characters, length);
    count += std::popcount(left_out) % 2 == 0 ? words : 0 - words;
  }
  return count;
}

/// Of the words that have each kind, the one that is drawn by its number.
void draw_by_number(std::span<char> word, const Alphabet& alphabet, crypto::Rng& rng) {
  KindSet missing = all_kinds(alphabet);
  std::uint64_t number = below(count_with(alphabet, missing, word.size()), rng);
  for (std::size_t i = 0; i < word.size(); ++i) {
    for (std::size_t kind = 0; kind < alphabet.kinds.size(); ++kind) {
      const std::string& characters = alphabet.kinds[kind];
      const KindSet still_missing = without(missing, kind);
      const std::uint64_t each = count_with(alphabet, still_missing, word.size() - i - 1);
      if (number >= each * characters.size()) {
        number -= each * characters.size();
        continue;
      }
      word[i] = characters[number / each];
      number %= each;
      missing = still_missing;
      break;
    }
  }
}

void draw_any(std::span<char> word, const Alphabet& alphabet, crypto::Rng& rng) {
  for (char& character : word) character = alphabet.all[below(alphabet.all.size(), rng)];
}

bool has_each(std::span<const char> word, const Alphabet& alphabet) {
  return std::all_of(alphabet.kinds.begin(), alphabet.kinds.end(), [word](const std::string& kind) {
    return std::any_of(word.begin(), word.end(), [&kind](char character) { return kind.find(character) != std::string::npos; });
  });
}

}  // namespace

Result<SecretBytes> random_password(const PasswordRules& rules, crypto::Rng& rng) {
  if (rules.length < 1 || rules.length > kLengthMax) return invalid("PasswordLength must be between 1 and 4096.");
  if (rules.exclude_characters.size() > kExcludedBytesMax) return invalid("ExcludeCharacters must be at most 4096 characters long.");
  const Alphabet alphabet = alphabet_of(rules);
  if (alphabet.all.empty()) return invalid("The rules exclude every character that a password could have.");
  const auto length = static_cast<std::size_t>(rules.length);
  SecretBytes password = SecretBytes::zeroed(length);
  if (rules.kinds == PasswordRules::Kinds::kAny) {
    draw_any(password.writable(), alphabet, rng);
    return password;
  }
  if (std::any_of(alphabet.kinds.begin(), alphabet.kinds.end(), [](const std::string& kind) { return kind.empty(); })) {
    return invalid("The rules exclude every character of a kind that RequireEachIncludedType demands.");
  }
  if (length < alphabet.kinds.size()) {
    return invalid("PasswordLength is too short for one character of each kind that RequireEachIncludedType demands.");
  }
  if (countable(alphabet, length)) {
    draw_by_number(password.writable(), alphabet, rng);
    return password;
  }
  // So long a word lacks a kind by chance only: at least one in 300 has them all, by any rules, and half of those of the usual ones.
  do {
    draw_any(password.writable(), alphabet, rng);
  } while (!has_each(password.writable(), alphabet));
  return password;
}

}  // namespace keyhold::core
