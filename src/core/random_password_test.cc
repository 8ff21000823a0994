#include "core/random_password.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

namespace keyhold::core {
namespace {

using Use = PasswordRules::Use;
using Kinds = PasswordRules::Kinds;

class RandomPassword : public ::testing::Test {
 protected:
  std::string make(const PasswordRules& rules) {
    const auto made = random_password(rules, rng_);
    return made.ok() ? std::string(made->reveal()) : "error: " + std::string(made.error().name);
  }
  static bool has(const std::string& text, bool (*is)(char)) { return std::any_of(text.begin(), text.end(), is); }

  crypto::SeededRng rng_{7};
};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_other(char c) { return !is_lower(c) && !is_upper(c) && !is_digit(c); }

TEST_F(RandomPassword, HasItsLengthAndEachKind) {
  for (int i = 0; i < 200; ++i) {
    const std::string password = make({.length = 4});
    ASSERT_EQ(password.size(), 4u);
    EXPECT_TRUE(has(password, is_lower) && has(password, is_upper) && has(password, is_digit) && has(password, is_other)) << password;
  }
  EXPECT_EQ(make({}).size(), 32u);
}

TEST_F(RandomPassword, LeavesOutWhatIsExcluded) {
  const std::string password = make({.length = 500,
                                     .exclude_characters = "aB3",
                                     .punctuation = Use::kNo,
                                     .kinds = Kinds::kAny});
  EXPECT_EQ(password.find_first_of("aB3"), std::string::npos);
  EXPECT_FALSE(has(password, is_other));
  EXPECT_EQ(make({.length = 3, .exclude_characters = "012345678", .lowercase = Use::kNo, .uppercase = Use::kNo, .punctuation = Use::kNo}), "999");
  EXPECT_NE(make({.length = 200, .lowercase = Use::kNo, .uppercase = Use::kNo, .punctuation = Use::kNo, .space = Use::kYes}).find(' '),
            std::string::npos);
}

TEST_F(RandomPassword, EveryCharacterIsAsLikely) {
  std::array<int, 10> counts{};
  const std::string digits = make({.length = 4096, .lowercase = Use::kNo, .uppercase = Use::kNo, .punctuation = Use::kNo});
  for (const char digit : digits) ++counts[static_cast<std::size_t>(digit - '0')];
  for (const int count : counts) {
    EXPECT_GT(count, 300);
    EXPECT_LT(count, 520);
  }
}

TEST_F(RandomPassword, EveryPasswordThatKeepsTheRulesIsAsLikely) {
  // Kinds of 2, 1 and 1 characters: 96 words of four have all three.
  const PasswordRules rules{.length = 4,
                            .exclude_characters = "cdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789",
                            .punctuation = Use::kNo};
  constexpr int kEach = 400;
  constexpr int kPasswords = 96;
  std::map<std::string, int> counts;
  for (int i = 0; i < kEach * kPasswords; ++i) ++counts[make(rules)];
  EXPECT_EQ(counts.size(), static_cast<std::size_t>(kPasswords));
  for (const auto& [password, count] : counts) {
    EXPECT_GT(count, kEach - 120) << password;  // Six standard deviations.
    EXPECT_LT(count, kEach + 120) << password;
  }
}

TEST_F(RandomPassword, ARareKindDoesNotMakeSomeLikelier) {
  // Four kinds of one character each and 32 of punctuation: of 33,035,520 words of seven that have them all, 27,525,120 have one of
  // each of the four.
  const PasswordRules rules{.length = 7,
                            .exclude_characters = "bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789",
                            .space = Use::kYes};
  constexpr int kDraws = 20'000;
  int three = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::string password = make(rules);
    ASSERT_EQ(password.size(), 7u);
    for (const char rare : {'a', 'A', '0', ' '}) ASSERT_NE(password.find(rare), std::string::npos) << password;
    three += std::count_if(password.begin(), password.end(), [](char c) { return is_other(c) && c != ' '; }) == 3 ? 1 : 0;
  }
  EXPECT_NEAR(three / static_cast<double>(kDraws), 27'525'120 / 33'035'520.0, 0.01);
}

TEST_F(RandomPassword, LongOnesKeepTheRulesToo) {
  for (const std::int64_t length : {9, 10, 11, 20, 64, 4096}) {
    for (const Use space : {Use::kYes, Use::kNo}) {
      const std::string password = make({.length = length, .exclude_characters = "bcdefghijklmnopqrstuvwxyz", .space = space});
      ASSERT_EQ(password.size(), static_cast<std::size_t>(length));
      EXPECT_TRUE(has(password, is_lower) && has(password, is_upper) && has(password, is_digit) && has(password, is_other)) << password;
      EXPECT_TRUE(space == Use::kNo || password.find(' ') != std::string::npos) << password;
    }
  }
}

TEST_F(RandomPassword, RefusesRulesThatNothingKeeps) {
  constexpr const char* kRefused = "error: InvalidParameterException";
  EXPECT_EQ(make({.length = 0}), kRefused);
  EXPECT_EQ(make({.length = 4097}), kRefused);
  EXPECT_EQ(make({.length = 3}), kRefused) << "four kinds";
  EXPECT_EQ(make({.exclude_characters = "0123456789"}), kRefused);
  EXPECT_EQ(make({.lowercase = Use::kNo, .uppercase = Use::kNo, .numbers = Use::kNo, .punctuation = Use::kNo}), kRefused);
  EXPECT_EQ(make({.length = 3, .kinds = Kinds::kAny}).size(), 3u);
}

}  // namespace
}  // namespace keyhold::core
