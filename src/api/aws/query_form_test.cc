#include "api/aws/query_form.h"

#include <gtest/gtest.h>

namespace keyhold::api {
namespace {

std::string inputs(std::string_view text) {
  const auto form = parse_query_form(text);
  return form.ok() ? std::string(form->inputs.reveal()) : "refused";
}

TEST(QueryForm, MembersBecomeListsAndObjects) {
  const auto form = parse_query_form("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws&Name=a+b%2B");
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->action, "AssumeRole");
  EXPECT_EQ(form->inputs.reveal(), R"({"Name":"a b+","RoleArn":"arn:aws"})");
  EXPECT_EQ(inputs("T.member.1.Key=a&T.member.1.Value=b&T.member.2.Key=c"), R"({"T":[{"Key":"a","Value":"b"},{"Key":"c"}]})");
  EXPECT_EQ(inputs("P.member.1.arn=x&Flat.Inner=y"), R"({"Flat":{"Inner":"y"},"P":[{"arn":"x"}]})");
  EXPECT_EQ(inputs("X-Amz-Signature=aa&Action=A"), "{}");
  EXPECT_EQ(inputs(""), "{}");
}

TEST(QueryForm, RefusesWhatCouldMeanTwoThings) {
  for (const std::string_view text : {"a=1&a=2", "a=1&a.b=2", "a.b=2&a=1", "Action=a&Action=b", "a=%zz", "a=%2", ".=1", "a.=1", "=1", "a..b=1",
                                      "a.b.c.d.e.f=1", "a.member.2=x", "a.member.0=x", "a.member.01=x", "a=%ff"}) {
    EXPECT_EQ(inputs(text), "refused") << text;
  }
  std::string many;
  for (int i = 0; i < 300; ++i) many += "a" + std::to_string(i) + "=1&";
  EXPECT_EQ(inputs(many), "refused");
}

}  // namespace
}  // namespace keyhold::api
