#include "base/scalar.h"

#include <gtest/gtest.h>

namespace keyhold {
namespace {

TEST(Scalar, IntegersAreDecimalAndWhole) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-9223372036854775808"), INT64_MIN);
  for (const char* text : {"", " 1", "1 ", "+1", "1.0", "0x1", "9223372036854775808", "one"}) EXPECT_FALSE(parse_integer(text)) << text;
}

TEST(Scalar, BooleansAreTheWordsOfGo) {
  for (const char* word : {"1", "t", "T", "true", "TRUE", "True"}) EXPECT_EQ(parse_boolean(word), true) << word;
  for (const char* word : {"0", "f", "F", "false", "FALSE", "False"}) EXPECT_EQ(parse_boolean(word), false) << word;
  for (const char* word : {"", "yes", "tRUE", "2", "on"}) EXPECT_FALSE(parse_boolean(word)) << word;
}

TEST(Scalar, LowerCaseIsOfAsciiOnly) { EXPECT_EQ(to_lower("Az[{\xC3\x84"), "az[{\xC3\x84"); }

}  // namespace
}  // namespace keyhold
