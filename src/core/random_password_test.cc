#include "core/random_password.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

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
