#include "cli/run_secrets.h"

namespace keyhold::cli {
namespace {

/// "NAME=PATH#FIELD" of what was understood, or "error".
std::string shown(std::string_view text) {
  const auto choice = parse_choice(text);
  return choice.ok() ? choice->name + "|" + choice->path + "|" + choice->field : "error";
}

Fields fields(std::initializer_list<std::string_view> names) {
  Fields all;
  for (const std::string_view name : names) all.push_back(text_field(std::string(name), "value of " + std::string(name)));
  return all;
}

TEST(RunSecrets, ReadsChoices) {
  EXPECT_EQ(shown("secret/app"), "|secret/app|");
  EXPECT_EQ(shown("/secret/app/"), "|secret/app|");
  EXPECT_EQ(shown("secret/app#password"), "|secret/app|password");
  EXPECT_EQ(shown("DB=secret/app"), "DB|secret/app|");
  EXPECT_EQ(shown("PGPASSWORD=secret/app#a.b"), "PGPASSWORD|secret/app|a.b");
  EXPECT_EQ(shown("secret/a=b"), "|secret/a=b|") << "what is no name belongs to the path";
  EXPECT_EQ(shown("secret/a#b#c"), "|secret/a#b|c");
  EXPECT_EQ(shown("secret/app#"), "error");
  EXPECT_EQ(shown("NAME="), "error");
  EXPECT_EQ(shown("#field"), "error");
  EXPECT_EQ(shown(""), "error");
}

TEST(RunSecrets, DerivesNamesOfVariables) {
  EXPECT_EQ(variable_name("db-password"), "DB_PASSWORD");
  EXPECT_EQ(variable_name("a.b c"), "A_B_C");
  EXPECT_EQ(variable_name("9lives"), "_9LIVES");
  EXPECT_EQ(variable_name("é"), "__");
  EXPECT_EQ(variable_name(""), "_");
}

TEST(RunSecrets, NamesVariablesByFieldPrefixAndChoice) {
  std::vector<Variable> variables;
  ASSERT_TRUE(add_variables(variables, {"", "secret/a", ""}, fields({"user", "password"})).ok());
  ASSERT_TRUE(add_variables(variables, {"db", "secret/b", ""}, fields({"user"})).ok());
  ASSERT_TRUE(add_variables(variables, {"Token", "secret/c", "key"}, fields({"other", "key"})).ok());
  std::string names;
  for (const Variable& variable : variables) names += variable.name + " ";
  EXPECT_EQ(names, "USER PASSWORD DB_USER Token ");
  EXPECT_EQ(variables.back().value.reveal(), "value of key");
}

TEST(RunSecrets, RefusesClashesByName) {
  std::vector<Variable> variables;
  const auto clash = add_variables(variables, {"", "secret/a", ""}, fields({"db-user", "db.user"}));
  ASSERT_FALSE(clash.ok());
  EXPECT_EQ(clash.error().message,
            "secret/a#db-user and secret/a#db.user would both be DB_USER: give one another name, -secret=NAME=secret/a#db.user");
}

TEST(RunSecrets, RefusesNamesThatChangeHowProgramsRun) {
  for (const std::string_view name : {"path", "LD_PRELOAD", "ld-audit", "BASH_ENV"}) {
    std::vector<Variable> variables;
    EXPECT_FALSE(add_variables(variables, {"", "secret/a", ""}, fields({name})).ok()) << name;
    EXPECT_TRUE(add_variables(variables, {"OTHER", "secret/a", std::string(name)}, fields({name})).ok()) << name;
  }
}

TEST(RunSecrets, MissesAField) {
  std::vector<Variable> variables;
  EXPECT_EQ(add_variables(variables, {"", "secret/a", "no"}, fields({"yes"})).code(), Code::kNotFound);
}

}  // namespace
}  // namespace keyhold::cli
