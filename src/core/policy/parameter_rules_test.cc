#include "core/policy/parameter_rules.h"

#include <gtest/gtest.h>

namespace keyhold::core {
namespace {

using Kind = Parameter::Kind;

Parameter parameter(std::string name, std::initializer_list<std::string_view> values, Kind kind = Kind::kText) {
  Parameter made{std::move(name), kind, {}};
  for (const std::string_view value : values) made.values.push_back(SecretBytes::copy_of(value));
  return made;
}

/// Whether rules admit one parameter with one value.
bool admit(const ParameterRules& rules, std::string name, std::string_view value, Kind kind = Kind::kText) {
  std::vector<Parameter> parameters;
  parameters.push_back(parameter(std::move(name), {value}, kind));
  return rules.admit(parameters);
}

TEST(ParameterRules, AllowedOnesAreAllThereMayBe) {
  const ParameterRules rules{.allowed = {{"foo", {}}, {"bar", {"zip", "zap"}}}, .denied = {}, .required = {}};
  EXPECT_TRUE(admit(rules, "foo", "anything"));
  EXPECT_TRUE(admit(rules, "FOO", "anything"));
  EXPECT_TRUE(admit(rules, "bar", "zip"));
  EXPECT_FALSE(admit(rules, "bar", "Zip"));
  EXPECT_FALSE(admit(rules, "bar", "other"));
  EXPECT_FALSE(admit(rules, "other", "zip"));
  EXPECT_TRUE(rules.admit({})) << "no parameters at all";
}

TEST(ParameterRules, AStarAllowsTheOthers) {
  const ParameterRules all{.allowed = {{"*", {}}}, .denied = {}, .required = {}};
  EXPECT_TRUE(admit(all, "any", "x"));
  const ParameterRules others{.allowed = {{"*", {}}, {"bar", {"zip"}}}, .denied = {}, .required = {}};
  EXPECT_TRUE(admit(others, "any", "x"));
  EXPECT_TRUE(admit(others, "bar", "zip"));
  EXPECT_FALSE(admit(others, "bar", "zap"));
}

TEST(ParameterRules, DeniedWinsOverAllowed) {
  const ParameterRules rules{.allowed = {{"*", {}}}, .denied = {{"foo", {}}, {"bar", {"zip"}}}, .required = {}};
  EXPECT_FALSE(admit(rules, "foo", "x"));
  EXPECT_FALSE(admit(rules, "Foo", "x"));
  EXPECT_FALSE(admit(rules, "bar", "zip"));
  EXPECT_TRUE(admit(rules, "bar", "zap"));
  EXPECT_TRUE(admit(rules, "other", "x"));
  const ParameterRules all{.allowed = {{"foo", {}}}, .denied = {{"*", {}}}, .required = {}};
  EXPECT_FALSE(admit(all, "foo", "x"));
  EXPECT_TRUE(all.admit({}));
}

TEST(ParameterRules, RequiredOnesMustBeThere) {
  const ParameterRules rules{.allowed = {}, .denied = {}, .required = {"foo", "bar"}};
  EXPECT_FALSE(rules.admit({}));
  std::vector<Parameter> parameters;
  parameters.push_back(parameter("foo", {"1"}));
  EXPECT_FALSE(rules.admit(parameters));
  parameters.push_back(parameter("bar", {"1"}));
  EXPECT_TRUE(rules.admit(parameters));
  parameters.push_back(parameter("more", {"1"}));
  EXPECT_TRUE(rules.admit(parameters));
}

TEST(ParameterRules, StarsAtTheEndsOfAValueAreOpen) {
  const auto allowed = [](std::string pattern, std::string_view value) {
    return admit({.allowed = {{"a", {std::move(pattern)}}}, .denied = {}, .required = {}}, "a", value);
  };
  EXPECT_TRUE(allowed("foo-*", "foo-bar"));
  EXPECT_TRUE(allowed("foo-*", "foo-"));
  EXPECT_FALSE(allowed("foo-*", "xfoo-"));
  EXPECT_TRUE(allowed("*-foo", "bar-foo"));
  EXPECT_FALSE(allowed("*-foo", "bar-foo-"));
  EXPECT_TRUE(allowed("*foo*", "a foo b"));
  EXPECT_TRUE(allowed("**", "any"));
  EXPECT_FALSE(allowed("a*b", "axb")) << "only at the ends";
  EXPECT_TRUE(allowed("a*b", "a*b"));
  EXPECT_FALSE(allowed("*", "any")) << "a lone star is itself";
  EXPECT_TRUE(allowed("*", "*"));
  EXPECT_FALSE(allowed("foo", "foo\n"));
}

TEST(ParameterRules, OfAListEachMustBeAllowedAndNoneDenied) {
  const ParameterRules allowed{.allowed = {{"policies", {"dev", "qa*"}}}, .denied = {}, .required = {}};
  const ParameterRules denied{.allowed = {}, .denied = {{"policies", {"dev", "qa*"}}}, .required = {}};
  struct Case {
    std::initializer_list<std::string_view> values;
    bool allowed;
    bool not_denied;
  };
  for (const Case& c : {Case{{"dev"}, true, false}, Case{{"dev", "qa-1"}, true, false}, Case{{"dev", "prod"}, false, false},
                        Case{{"prod"}, false, true}, Case{{}, true, true}}) {
    std::vector<Parameter> parameters;
    parameters.push_back(parameter("policies", c.values));
    EXPECT_EQ(allowed.admit(parameters), c.allowed);
    EXPECT_EQ(denied.admit(parameters), c.not_denied);
  }
}

TEST(ParameterRules, AnotherSpellingIsTheSameValue) {
  const ParameterRules rules{
      .allowed = {}, .denied = {{"ttl", {"1h"}}, {"force", {"true"}}, {"uses", {"1", "2*"}}}, .required = {}};
  EXPECT_FALSE(admit(rules, "ttl", canonical_value(Kind::kDuration, "60m"), Kind::kDuration));
  EXPECT_FALSE(admit(rules, "ttl", canonical_value(Kind::kDuration, "3600"), Kind::kDuration));
  EXPECT_TRUE(admit(rules, "ttl", canonical_value(Kind::kDuration, "3601"), Kind::kDuration));
  EXPECT_FALSE(admit(rules, "force", canonical_value(Kind::kBoolean, "T"), Kind::kBoolean));
  EXPECT_TRUE(admit(rules, "force", canonical_value(Kind::kBoolean, "0"), Kind::kBoolean));
  EXPECT_FALSE(admit(rules, "uses", canonical_value(Kind::kInteger, "01"), Kind::kInteger));
  EXPECT_FALSE(admit(rules, "uses", canonical_value(Kind::kInteger, "23"), Kind::kInteger));
  EXPECT_TRUE(admit(rules, "uses", canonical_value(Kind::kInteger, "3"), Kind::kInteger));
  EXPECT_TRUE(admit(rules, "ttl", "60m")) << "text is compared as it is";
}

TEST(ParameterRules, WhatCannotBeComparedIsOnlyAllowedByAnEmptyList) {
  std::vector<Parameter> parameters;
  parameters.push_back(parameter("a", {"listed"}, Kind::kOther));
  EXPECT_TRUE((ParameterRules{.allowed = {{"a", {}}}, .denied = {}, .required = {}}).admit(parameters));
  EXPECT_FALSE((ParameterRules{.allowed = {{"a", {"listed"}}}, .denied = {}, .required = {}}).admit(parameters));
  EXPECT_FALSE((ParameterRules{.allowed = {}, .denied = {{"a", {}}}, .required = {}}).admit(parameters));
  EXPECT_FALSE((ParameterRules{.allowed = {}, .denied = {{"a", {"listed"}}}, .required = {}}).admit(parameters));
}

TEST(ParameterRules, MergeAddsValuesAndAnEmptyListStays) {
  ParameterRules rules{.allowed = {{"a", {"1"}}, {"b", {}}, {"c", {"1"}}}, .denied = {}, .required = {"x"}};
  rules.merge({.allowed = {{"a", {"2"}}, {"b", {"1"}}, {"c", {}}, {"d", {"1"}}}, .denied = {{"e", {}}}, .required = {"x", "y"}});
  EXPECT_EQ(rules.allowed, (ParameterRules::ByName{{"a", {"1", "2"}}, {"b", {}}, {"c", {}}, {"d", {"1"}}}));
  EXPECT_EQ(rules.denied, (ParameterRules::ByName{{"e", {}}}));
  EXPECT_EQ(rules.required, (std::vector<std::string>{"x", "y"}));
}

}  // namespace
}  // namespace keyhold::core
