// Random policies and requests, decided once more by plain means: patterns by all that they can take, actions by their text, booleans alone. What
// is unknown is tried out, world by world.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/sanitizer_test_util.h"
#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

using Strings = std::vector<std::string>;

struct PlainCondition {
  std::string quantifier;  // "", "ForAllValues:" or "ForAnyValue:".
  std::string base;        // "StringEquals", …, without "Not".
  bool negated = false;
  bool if_exists = false;
  std::string key;
  Strings values;
};

struct PlainStatement {
  bool allow = false;
  bool not_action = false;
  Strings actions;
  bool not_resource = false;
  Strings resources;
  bool not_principal = false;
  Strings principals;
  std::vector<PlainCondition> conditions;
};

/// One request with nothing unknown.
struct World {
  std::string action;
  std::string resource;
  Principal principal;
  std::map<std::string, Strings> keys;
};

/// One place of a pattern: a character, any one, or any number of them.
struct Place {
  enum Kind { kCharacter, kOne, kMany } kind;
  char character = 0;
};

/// A variable without a value matches nothing.
bool fits(std::string_view pattern, std::string_view text, bool wildcards, bool any_case, const World& world) {
  std::vector<Place> places;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    constexpr std::string_view kVariable = "${aws:username}";
    if (pattern.substr(at).starts_with(kVariable)) {
      const auto value = world.keys.find("aws:username");
      if (value == world.keys.end()) return false;
      for (const char byte : value->second.front()) places.push_back({Place::kCharacter, byte});
      at += kVariable.size() - 1;
    } else if (wildcards && (pattern[at] == '*' || pattern[at] == '?')) {
      places.push_back({pattern[at] == '*' ? Place::kMany : Place::kOne});
    } else {
      places.push_back({Place::kCharacter, pattern[at]});
    }
  }
  // How much of the text the places so far can have taken.
  std::vector<bool> taken(text.size() + 1, false);
  taken[0] = true;
  for (const Place& place : places) {
    std::vector<bool> next(text.size() + 1, false);
    for (std::size_t from = 0; from <= text.size(); ++from) {
      if (!taken[from]) continue;
      if (place.kind == Place::kMany) {
        std::fill(next.begin() + static_cast<std::ptrdiff_t>(from), next.end(), true);
        break;
      }
      if (from == text.size()) continue;
      const auto folded = [any_case](char byte) { return any_case ? std::tolower(static_cast<unsigned char>(byte)) : byte; };
      if (place.kind == Place::kOne || folded(place.character) == folded(text[from])) next[from + 1] = true;
    }
    taken = std::move(next);
  }
  return taken.back();
}

bool holds(const PlainCondition& condition, const World& world) {
  const auto found = world.keys.find(condition.key);
  const bool present = found != world.keys.end();
  if (condition.base == "Null") {
    return std::find(condition.values.begin(), condition.values.end(), present ? "false" : "true") != condition.values.end();
  }
  if (!present && condition.if_exists) return true;
  const auto one = [&](const std::string& value) {
    const bool any = std::any_of(condition.values.begin(), condition.values.end(), [&](const std::string& wanted) {
      if (condition.base == "NumericEquals") return std::stod(value) == std::stod(wanted);
      if (condition.base == "NumericLessThan") return std::stod(value) < std::stod(wanted);
      if (condition.base == "Bool") return value == wanted;
      return fits(wanted, value, condition.base == "StringLike", condition.base == "StringEqualsIgnoreCase", world);
    });
    return any != condition.negated;
  };
  const Strings none;
  const Strings& values = present ? found->second : none;
  if (condition.quantifier == "ForAllValues:") return std::all_of(values.begin(), values.end(), one);
  if (condition.quantifier == "ForAnyValue:") return std::any_of(values.begin(), values.end(), one);
  return present ? one(values.front()) : condition.negated;
}

bool lists(const Strings& list, std::string_view text) { return std::find(list.begin(), list.end(), text) != list.end(); }

/// 0 = not meant, 1 = as one of the account, 2 = by name.
int meaning(const PlainStatement& statement, const Principal& who) {
  const std::string account_arn = "arn:aws:iam::" + std::string(who.account) + ":root";
  const bool named = lists(statement.principals, who.arn) || (!who.role_arn.empty() && lists(statement.principals, who.role_arn)) ||
                     (who.arn == account_arn && lists(statement.principals, who.account));
  if (statement.not_principal) return named ? 0 : 2;
  if (lists(statement.principals, "*") || named) return 2;
  return lists(statement.principals, who.account) || lists(statement.principals, account_arn) ? 1 : 0;
}

Decision plain_decide(const std::vector<PlainStatement>& statements, const World& world, bool resource_kind) {
  Decision result = Decision::kNeither;
  for (const PlainStatement& statement : statements) {
    const bool action = std::any_of(statement.actions.begin(), statement.actions.end(),
                                    [&](const std::string& pattern) { return fits(pattern, world.action, true, true, world); });
    if (action == statement.not_action) continue;
    const bool resource = std::any_of(statement.resources.begin(), statement.resources.end(), [&](const std::string& pattern) {
      return fits(pattern, world.resource, true, false, world);
    });
    if (resource == statement.not_resource) continue;
    const int meant = resource_kind ? meaning(statement, world.principal) : 2;
    if (meant == 0) continue;
    const auto holds_here = [&](const PlainCondition& condition) { return holds(condition, world); };
    if (!std::all_of(statement.conditions.begin(), statement.conditions.end(), holds_here)) continue;
    if (!statement.allow) return Decision::kDeny;
    result = std::max(result, meant == 1 ? Decision::kDelegated : Decision::kAllow);
  }
  return result;
}

// As JSON.

std::string list_of(const Strings& list) {
  std::string text = "[";
  for (const std::string& one : list) text += (text.size() > 1 ? ",\"" : "\"") + one + "\"";
  return text + "]";
}

std::string name_of(const PlainCondition& condition) {
  std::string base = condition.base;
  if (condition.negated) base.insert(base.starts_with("String") ? 6 : base.starts_with("Numeric") ? 7 : 0, "Not");
  return condition.quantifier + base + (condition.if_exists ? "IfExists" : "");
}

std::string document_of(const std::vector<PlainStatement>& statements, bool resource_kind) {
  std::string text = R"({"Version":"2012-10-17","Statement":[)";
  for (const PlainStatement& statement : statements) {
    if (&statement != &statements.front()) text += ",";
    text += std::string(R"({"Effect":")") + (statement.allow ? "Allow" : "Deny") + "\"";
    text += std::string(statement.not_action ? R"(,"NotAction":)" : R"(,"Action":)") + list_of(statement.actions);
    text += std::string(statement.not_resource ? R"(,"NotResource":)" : R"(,"Resource":)") + list_of(statement.resources);
    if (resource_kind) text += std::string(statement.not_principal ? R"(,"NotPrincipal":{"AWS":)" : R"(,"Principal":{"AWS":)") + list_of(statement.principals) + "}";
    std::string conditions;
    for (const PlainCondition& condition : statement.conditions) {
      conditions += (conditions.empty() ? "\"" : ",\"") + name_of(condition) + R"(":{")" + condition.key + R"(":)" + list_of(condition.values) + "}";
    }
    text += R"(,"Condition":{)" + conditions + "}}";
  }
  return text + "]}";
}

// At random, from few words, so that much fits.

class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  bool chance(int percent) { return pick(100) < static_cast<std::size_t>(percent); }
  std::size_t pick(std::size_t below) { return random_() % below; }
  template <typename List>
  auto one_of(const List& list) {
    return *(std::begin(list) + static_cast<std::ptrdiff_t>(pick(std::size(list))));
  }

  std::vector<PlainStatement> statements(bool resource_kind) {
    std::vector<PlainStatement> made(1 + pick(3));
    for (PlainStatement& statement : made) statement = make_statement(resource_kind);
    return made;
  }

  std::map<std::string, Strings> keys() {
    std::map<std::string, Strings> made;
    for (const char* key : {"aws:username", "aws:RequestTag/t", "sts:ExternalId"}) {
      if (chance(60)) made[key] = {word()};
    }
    if (chance(60)) made["aws:TagKeys"] = some([this] { return word(); });
    if (chance(60)) made["secretsmanager:RecoveryWindowInDays"] = {std::to_string(pick(4))};
    if (chance(60)) made["aws:SecureTransport"] = {chance(50) ? "true" : "false"};
    return made;
  }
  std::string name() { return one_of(kNames); }

  static constexpr std::array<const char*, 4> kNames{"a", "a/b", "ab", "b-aaaaaa"};
  static constexpr std::array<const char*, 4> kSuffixes{"aaaaaa", "bbbbbb", "ab0Z9b", "000000"};

 private:
  template <typename Make>
  Strings some(const Make& make) {
    Strings made;
    for (std::size_t left = 1 + pick(2); left > 0; --left) made.push_back(make());
    return made;
  }
  std::string word() {
    static constexpr std::array kWords{"a", "A", "b", "ab", "*", "a?"};
    return one_of(kWords);
  }
  std::string wild_word() {
    static constexpr std::array kWords{"a", "A", "b*", "?", "*", "*b", "a?", "${aws:username}", "x${aws:username}*"};
    return one_of(kWords);
  }

  PlainStatement make_statement(bool resource_kind) {
    static constexpr std::array kActionPatterns{"*", "secretsmanager:*", "secretsmanager:Get*", "SECRETSMANAGER:getsecretvalue",
                                                "secretsmanager:*Secret", "secretsmanager:?etSecretValue", "kms:*", "*:*Value"};
    static constexpr std::array kPrincipals{"*", "000000000000", "arn:aws:iam::000000000000:root", "arn:aws:iam::000000000000:user/bob",
                                            "arn:aws:iam::000000000000:role/r", "arn:aws:sts::000000000000:assumed-role/r/s",
                                            "arn:aws:iam::111111111111:root"};
    PlainStatement made;
    made.allow = chance(65);
    made.not_action = chance(15);
    made.actions = some([this] { return std::string(one_of(kActionPatterns)); });
    made.not_resource = chance(15);
    made.resources = some([this] { return resource(); });
    made.not_principal = resource_kind && !made.allow && chance(30);
    made.principals = some([&] { return std::string(made.not_principal ? kPrincipals[1 + pick(kPrincipals.size() - 1)] : one_of(kPrincipals)); });
    for (std::size_t left = pick(3); left > 0; --left) {
      PlainCondition condition = make_condition();  // An operator twice would be a repeated key.
      const auto same = [&](const PlainCondition& other) { return name_of(other) == name_of(condition); };
      if (std::none_of(made.conditions.begin(), made.conditions.end(), same)) made.conditions.push_back(std::move(condition));
    }
    return made;
  }

  std::string resource() {
    static constexpr std::array kHeads{"arn:aws:secretsmanager:r:000000000000:secret:", "arn:aws:secretsmanager:*:secret:", "arn:*:"};
    static constexpr std::array kTails{"*", "-*", "-??????", "-aaaaaa", "-a*", "-?????b", "*-*b", "??????"};
    if (chance(15)) return "*";
    return std::string(one_of(kHeads)) + (chance(20) ? "${aws:username}" : chance(30) ? "*" : one_of(kNames)) + one_of(kTails);
  }

  PlainCondition make_condition() {
    PlainCondition made;
    static constexpr std::array kTextBases{"StringEquals", "StringEqualsIgnoreCase", "StringLike"};
    static constexpr std::array kNumericBases{"NumericEquals", "NumericLessThan"};
    switch (pick(5)) {
      case 0:
        made.base = one_of(kNumericBases);
        made.negated = made.base == "NumericEquals" && chance(40);
        made.key = "secretsmanager:RecoveryWindowInDays";
        made.values = some([this] { return std::to_string(pick(4)); });
        break;
      case 1:
        made.base = "Bool";
        made.key = "aws:SecureTransport";
        made.values = {chance(50) ? "true" : "false"};
        break;
      case 2: {
        static constexpr std::array kKeys{"aws:username", "aws:TagKeys", "aws:SecureTransport"};
        made.base = "Null";
        made.key = one_of(kKeys);
        made.values = {chance(50) ? "true" : "false"};
        return made;
      }
      default: {
        static constexpr std::array kKeys{"aws:username", "aws:TagKeys", "aws:RequestTag/t", "sts:ExternalId"};
        made.base = one_of(kTextBases);
        made.negated = chance(35);
        made.key = one_of(kKeys);
        made.values = some([this] { return wild_word(); });
      }
    }
    const bool many = made.key == "aws:TagKeys";
    if (many || chance(20)) made.quantifier = chance(50) ? "ForAllValues:" : "ForAnyValue:";
    made.if_exists = chance(20);
    return made;
  }

  std::mt19937 random_;
};

ConditionKey key_of(const std::string& name) {
  const auto subject = ConditionSubject::parse(name);
  EXPECT_TRUE(subject.ok()) << name;
  return subject->key;
}

Context context_of(const std::map<std::string, Strings>& keys) {
  Context context;
  for (const auto& [name, values] : keys) {
    if (name == "aws:RequestTag/t") {
      context.set_tag(ConditionKey::kRequestTag, "T", values.front());
    } else {
      context.set_all(key_of(name), values);
    }
  }
  return context;
}

constexpr std::array kWho{Principal{"000000000000", "arn:aws:iam::000000000000:user/bob"},
                          Principal{"000000000000", "arn:aws:sts::000000000000:assumed-role/r/s", "arn:aws:iam::000000000000:role/r"},
                          Principal{"000000000000", "arn:aws:iam::000000000000:root"},
                          Principal{"111111111111", "arn:aws:iam::111111111111:user/bob"},
                          Principal{"", ""}};
constexpr std::array kAsked{Action::kGetSecretValue, Action::kPutSecretValue, Action::kDeleteSecret, Action::kAssumeRole};

constexpr std::uint32_t kRounds = inputs(2'000);

TEST(IamReference, DecidesAsThePlainEvaluatorWhenAllIsKnown) {
  std::map<Decision, int> met;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    Maker make(seed);
    const bool resource_kind = make.chance(50);
    const auto statements = make.statements(resource_kind);
    const std::string document = document_of(statements, resource_kind);
    const auto policy = parse_policy(document, resource_kind ? PolicyKind::kResource : PolicyKind::kIdentity);
    ASSERT_TRUE(policy.ok()) << policy.error().message << "\n" << document;
    for (int question = 0; question < 4; ++question) {
      const Action action = make.one_of(kAsked);
      World world{std::string(rule_of(action).name), secret_arn("r", "000000000000", make.name(), make.one_of(Maker::kSuffixes)),
                  make.one_of(kWho), make.keys()};
      // An absent variable is not known, which the plain evaluator cannot say.
      if (document.find("${") != std::string::npos && !world.keys.contains("aws:username")) world.keys["aws:username"] = {"a"};
      const Policy* const only = &*policy;
      const Decision decision = decide({&only, 1}, {action, {world.resource}, world.principal}, context_of(world.keys));
      ++met[decision];
      ASSERT_EQ(decision, plain_decide(statements, world, resource_kind)) << "seed " << seed << ": " << document << "\n" << world.action << " " << world.resource;
    }
  }
  // All of them are met often enough to tell something.
  for (const Decision decision : {Decision::kNeither, Decision::kAllow, Decision::kDeny}) EXPECT_GT(met[decision], inputs(300));
  EXPECT_GT(met[Decision::kDelegated], inputs(20));
}

TEST(IamReference, UnknownAllowsWhatEveryWorldAllowsAndDeniesWhatOneDenies) {
  std::map<Decision, int> met;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    Maker make(seed);
    const auto statements = make.statements(false);
    const std::string document = document_of(statements, false);
    const auto policy = parse_policy(document, PolicyKind::kIdentity);
    ASSERT_TRUE(policy.ok()) << policy.error().message << "\n" << document;
    const Action action = make.one_of(kAsked);
    const std::string name = make.name();
    const auto known = make.keys();
    // Which of the keys are unknown; all others are as they are.
    const std::array<std::string, 6> names{"aws:username", "aws:RequestTag/t", "sts:ExternalId", "aws:TagKeys", "secretsmanager:RecoveryWindowInDays",
                                           "aws:SecureTransport"};
    Context context = context_of(known);
    std::set<std::string> unknown;
    for (const std::string& key : names) {
      if (!make.chance(30)) continue;
      if (key == "aws:RequestTag/t" && known.contains(key)) continue;  // Of a family only what was not set can be unknown.
      unknown.insert(key);
      context.set_unknown(key_of(key));
    }
    const std::string stem = secret_arn("r", "000000000000", name, "") + "-";
    const Policy* const only = &*policy;
    const Decision decision = decide({&only, 1}, {action, {stem, kSuffixBytes}, kWho[0]}, context);
    ++met[decision];
    for (int trial = 0; trial < 12; ++trial) {
      World world{std::string(rule_of(action).name), stem + make.one_of(Maker::kSuffixes), kWho[0], known};
      const auto other = make.keys();
      for (const std::string& key : unknown) {
        world.keys.erase(key);
        if (const auto value = other.find(key); value != other.end()) world.keys.insert(*value);
      }
      if (document.find("${") != std::string::npos && !world.keys.contains("aws:username")) continue;
      const Decision there = plain_decide(statements, world, false);
      ASSERT_TRUE(decision != Decision::kAllow || there == Decision::kAllow) << "seed " << seed << ": " << document << "\n" << world.resource;
      ASSERT_TRUE(there != Decision::kDeny || decision == Decision::kDeny) << "seed " << seed << ": " << document << "\n" << world.resource;
    }
  }
  for (const Decision decision : {Decision::kNeither, Decision::kAllow, Decision::kDeny}) EXPECT_GT(met[decision], inputs(100));
}

}  // namespace
}  // namespace keyhold::core::iam
