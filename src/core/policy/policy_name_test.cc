#include "core/policy/policy_name.h"

#include <gtest/gtest.h>

namespace keyhold::core {
namespace {

TEST(PolicyName, IsTrimmedAndInLowerCase) {
  for (const std::string_view name : {"root", "ROOT", " Root", "root\t", "\n rOOt \r\n"}) {
    ASSERT_TRUE(normalize_policy_name(name).ok());
    EXPECT_EQ(*normalize_policy_name(name), kRootPolicyName);
  }
  EXPECT_EQ(*normalize_policy_name("Team-A_1.read@prod:x+y"), "team-a_1.read@prod:x+y");
  EXPECT_TRUE(normalize_policy_name(std::string(128, 'a')).ok());
}

TEST(PolicyName, SomeAreReserved) {
  for (const std::string_view name : {"root", "response-wrapping", "control-group"}) EXPECT_TRUE(reserved_policy_name(name)) << name;
  for (const std::string_view name : {"default", "roots", "", "Root"}) EXPECT_FALSE(reserved_policy_name(name)) << name;
}

TEST(PolicyName, OddNamesAreRefused) {
  for (const std::string_view name :
       {"", " ", ".", "..", "../x", "a/b", "a\\b", "a b", "ro\tot", "r\xC3\xB6ot", "\xC2\xA0root", "root\xE2\x80\x8B", "a,b", "a*", "%72oot",
        "-a", "a{", "root\x7F"}) {
    EXPECT_FALSE(normalize_policy_name(name).ok()) << name;
  }
  EXPECT_FALSE(normalize_policy_name(std::string_view("root\0", 5)).ok());
  EXPECT_FALSE(normalize_policy_name(std::string(129, 'a')).ok());
}

}  // namespace
}  // namespace keyhold::core
