#include "core/policy/iam_condition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/scalar.h"

namespace keyhold::core::iam {
namespace {

struct OperatorName {
  std::string_view name;
  ConditionOperator meaning;
};

constexpr std::array kOperators{
    OperatorName{"StringEquals", {Test::kText}},
    OperatorName{"StringNotEquals", {Test::kText, Relation::kEqual, true}},
    OperatorName{"StringEqualsIgnoreCase", {Test::kTextAnyCase}},
    OperatorName{"StringNotEqualsIgnoreCase", {Test::kTextAnyCase, Relation::kEqual, true}},
    OperatorName{"StringLike", {Test::kTextLike}},
    OperatorName{"StringNotLike", {Test::kTextLike, Relation::kEqual, true}},
    OperatorName{"NumericEquals", {Test::kNumber}},
    OperatorName{"NumericNotEquals", {Test::kNumber, Relation::kEqual, true}},
    OperatorName{"NumericLessThan", {Test::kNumber, Relation::kLess}},
    OperatorName{"NumericLessThanEquals", {Test::kNumber, Relation::kLessOrEqual}},
    OperatorName{"NumericGreaterThan", {Test::kNumber, Relation::kGreater}},
    OperatorName{"NumericGreaterThanEquals", {Test::kNumber, Relation::kGreaterOrEqual}},
    OperatorName{"DateEquals", {Test::kTime}},
    OperatorName{"DateNotEquals", {Test::kTime, Relation::kEqual, true}},
    OperatorName{"DateLessThan", {Test::kTime, Relation::kLess}},
    OperatorName{"DateLessThanEquals", {Test::kTime, Relation::kLessOrEqual}},
    OperatorName{"DateGreaterThan", {Test::kTime, Relation::kGreater}},
    OperatorName{"DateGreaterThanEquals", {Test::kTime, Relation::kGreaterOrEqual}},
    OperatorName{"Bool", {Test::kBool}},
    OperatorName{"IpAddress", {Test::kAddress}},
    OperatorName{"NotIpAddress", {Test::kAddress, Relation::kEqual, true}},
    OperatorName{"ArnEquals", {Test::kArn}},
    OperatorName{"ArnLike", {Test::kArn}},
    OperatorName{"ArnNotEquals", {Test::kArn, Relation::kEqual, true}},
    OperatorName{"ArnNotLike", {Test::kArn, Relation::kEqual, true}},
    OperatorName{"Null", {Test::kNull}},
};

/// AWS's own that are not supported, named so that whoever brings a policy along learns which. A last slash begins a family.
constexpr std::array<std::string_view, 28> kUnsupportedKeys{
    "aws:CalledVia",          "aws:CalledViaFirst",      "aws:CalledViaLast",     "aws:FederatedProvider",
    "aws:MultiFactorAuthAge", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService", "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",  "aws:PrincipalServiceName", "aws:PrincipalTag/",     "aws:Referer",
    "aws:ResourceOrgID",      "aws:ResourceOrgPaths",    "aws:SourceAccount",     "aws:SourceArn",
    "aws:SourceIdentity",     "aws:SourceOrgID",         "aws:SourceVpc",         "aws:SourceVpce",
    "aws:UserAgent",          "aws:ViaAWSService",       "aws:VpcSourceIp",       "sts:SourceIdentity",
    "sts:TransitiveTagKeys",  "secretsmanager:KmsKeyArn", "secretsmanager:ModifyRotationRules", "secretsmanager:RotateImmediately"};

/// The same key by another of its names.
constexpr std::string_view kOtherResourceTag = "secretsmanager:ResourceTag/";

constexpr std::size_t kTagBytesMax = 128;  // AWS's bound for a tag's key.

Error refused(std::string reason) { return {Code::kInvalid, std::move(reason)}; }

bool fit_together(Test test, KeyType type) {
  switch (test) {
    case Test::kNumber: return type == KeyType::kNumber || type == KeyType::kEpoch || type == KeyType::kText;
    case Test::kTime: return type == KeyType::kTime || type == KeyType::kEpoch;
    case Test::kBool: return type == KeyType::kBool;
    case Test::kAddress: return type == KeyType::kAddress;
    case Test::kArn: return type == KeyType::kArn;
    case Test::kText:
    case Test::kTextAnyCase:
    case Test::kTextLike:
    case Test::kNull: return true;
  }
  return false;
}

/// nullopt for another word. In any case, as AWS.
std::optional<bool> parse_bool(std::string_view text) {
  const std::string lower = to_lower(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

bool is_arn(std::string_view text) { return text.starts_with("arn:") && std::count(text.begin(), text.end(), ':') >= 5; }

}  // namespace

Result<ConditionOperator> ConditionOperator::parse(std::string_view name) {
  ConditionOperator found;
  Quantifier quantifier = Quantifier::kNone;
  constexpr std::string_view kForAll = "ForAllValues:";
  constexpr std::string_view kForAny = "ForAnyValue:";
  constexpr std::string_view kIfExists = "IfExists";
  if (name.starts_with(kForAll)) {
    quantifier = Quantifier::kForAllValues;
    name.remove_prefix(kForAll.size());
  } else if (name.starts_with(kForAny)) {
    quantifier = Quantifier::kForAnyValue;
    name.remove_prefix(kForAny.size());
  }
  const bool if_exists = name.ends_with(kIfExists);
  if (if_exists) name.remove_suffix(kIfExists.size());
  const auto known = std::find_if(kOperators.begin(), kOperators.end(), [&](const OperatorName& entry) { return entry.name == name; });
  if (known == kOperators.end()) {
    return refused(name == "BinaryEquals" ? "the condition operator BinaryEquals is not supported" : "an unknown condition operator");
  }
  found = known->meaning;
  if (found.test == Test::kNull && (if_exists || quantifier != Quantifier::kNone)) {
    return refused("Null stands alone, without IfExists, ForAllValues or ForAnyValue");
  }
  found.quantifier = quantifier;
  found.if_exists = if_exists;
  return found;
}

Result<ConditionSubject> ConditionSubject::parse(std::string_view name) {
  const std::string lower = to_lower(name);
  const auto family = [&](std::string_view prefix, ConditionKey of) -> std::optional<Result<ConditionSubject>> {
    if (!lower.starts_with(to_lower(prefix))) return std::nullopt;
    std::string named = lower.substr(prefix.size());
    if (named.empty() || named.size() > kTagBytesMax) return refused("the key of a tag has 1 to 128 characters");
    if (named.find("${") != std::string::npos) return refused("a policy variable in a condition key is not supported");
    return ConditionSubject{of, std::move(named)};
  };
  for (const ConditionKeyRule& rule : kConditionKeys) {
    if (rule.shape == KeyShape::kTags) {
      if (auto found = family(rule.name, rule.key)) return std::move(*found);
    } else if (to_lower(rule.name) == lower) {
      return ConditionSubject{rule.key, {}};
    }
  }
  if (auto found = family(kOtherResourceTag, ConditionKey::kResourceTag)) return std::move(*found);
  for (const std::string_view known : kUnsupportedKeys) {
    const std::string known_lower = to_lower(known);
    if (known.ends_with('/') ? lower.starts_with(known_lower) : lower == known_lower) {
      return refused("the condition key " + std::string(known) + " is not supported");
    }
  }
  return refused("an unknown condition key");
}

Result<Condition> Condition::make(const ConditionOperator& by, ConditionSubject subject) {
  const ConditionKeyRule& rule = rule_of(subject.key);
  if (!fit_together(by.test, rule.type)) {
    return refused("the condition key " + std::string(rule.name) + " does not go with this operator");
  }
  if (rule.shape == KeyShape::kMany && by.quantifier == Quantifier::kNone && by.test != Test::kNull) {
    return refused("the condition key " + std::string(rule.name) + " has several values: say ForAllValues or ForAnyValue");
  }
  return Condition(by, std::move(subject));
}

Result<void> Condition::add_value(std::string_view text, Pattern::Variables variables) {
  const auto add_pattern = [&](Pattern::Form form) -> Result<void> {
    TRY_ASSIGN(Pattern pattern, Pattern::parse(text, form, variables));
    patterns_.push_back(std::move(pattern));
    return {};
  };
  switch (by_.test) {
    case Test::kText: return add_pattern(Pattern::Form::kExact);
    case Test::kTextAnyCase: return add_pattern(Pattern::Form::kAnyCase);
    case Test::kTextLike: return add_pattern(Pattern::Form::kWildcards);
    case Test::kArn:
      if (text != "*" && !is_arn(text) && !text.starts_with("${")) return refused("not an ARN");
      return add_pattern(Pattern::Form::kWildcards);
    case Test::kNumber: {
      const auto number = parse_condition_number(text);
      if (!number) return refused("not a number");
      numbers_.push_back(*number);
      return {};
    }
    case Test::kTime: {
      const auto time_ms = parse_condition_time(text);
      if (!time_ms) return refused("not a time in ISO 8601 or in seconds since 1970");
      times_.push_back(*time_ms);
      return {};
    }
    case Test::kAddress: {
      TRY_ASSIGN(const CidrBlock block, CidrBlock::parse(text));
      blocks_.push_back(block);
      return {};
    }
    case Test::kBool:
    case Test::kNull: {
      const auto wanted = parse_bool(text);
      if (!wanted) return refused("neither true nor false");
      (*wanted ? wants_true_ : wants_false_) = true;
      return {};
    }
  }
  return {};
}

Answer Condition::holds(const Context& context) const {
  const Context::Entry entry = context.find(subject_.key, subject_.tag);
  if (entry.state == Context::State::kUnknown) return Answer::kUnknown;
  const bool absent = entry.values.empty();
  if (by_.test == Test::kNull) return answer(absent ? wants_true_ : wants_false_);
  if (absent) {
    if (by_.if_exists || by_.quantifier == Quantifier::kForAllValues) return Answer::kYes;
    return answer(by_.negated && by_.quantifier == Quantifier::kNone);
  }
  if (by_.quantifier == Quantifier::kNone) {
    return entry.values.size() == 1 ? holds_for(entry.values.front(), context) : Answer::kUnknown;
  }
  const bool all = by_.quantifier == Quantifier::kForAllValues;
  Answer result = answer(all);
  for (const std::string& value : entry.values) {
    const Answer one = holds_for(value, context);
    result = all ? both(result, one) : either(result, one);
  }
  return result;
}

Answer Condition::holds_for(const std::string& value, const Context& context) const {
  const Answer found = compare(value, context);
  return by_.negated ? opposite(found) : found;
}

/// Whether the value is any of those of the policy.
Answer Condition::compare(const std::string& value, const Context& context) const {
  switch (by_.test) {
    case Test::kText:
    case Test::kTextAnyCase:
    case Test::kTextLike:
    case Test::kArn: {
      if (by_.test == Test::kArn && !is_arn(value)) return Answer::kUnknown;
      Answer result = Answer::kNo;
      for (const Pattern& pattern : patterns_) {
        const Answer one = by_.test == Test::kArn ? pattern.matches_fields({value}, context) : pattern.matches({value}, context);
        result = either(result, one);
      }
      return result;
    }
    case Test::kNumber: return compare_numbers(parse_condition_number(value), numbers_);
    case Test::kTime: return compare_numbers(parse_condition_time(value), times_);
    case Test::kAddress: {
      const auto address = IpAddress::parse(value);
      if (!address.ok()) return Answer::kUnknown;
      return answer(std::any_of(blocks_.begin(), blocks_.end(), [&](const CidrBlock& block) { return block.contains(*address); }));
    }
    case Test::kBool: {
      const auto given = parse_bool(value);
      if (!given) return Answer::kUnknown;
      return answer(*given ? wants_true_ : wants_false_);
    }
    case Test::kNull: return Answer::kUnknown;
  }
  return Answer::kUnknown;
}

template <typename Number>
Answer Condition::compare_numbers(std::optional<Number> given, const std::vector<Number>& wanted) const {
  if (!given) return Answer::kUnknown;
  return answer(std::any_of(wanted.begin(), wanted.end(), [&](Number bound) {
    switch (by_.relation) {
      case Relation::kEqual: return *given == bound;
      case Relation::kLess: return *given < bound;
      case Relation::kLessOrEqual: return *given <= bound;
      case Relation::kGreater: return *given > bound;
      case Relation::kGreaterOrEqual: return *given >= bound;
    }
    return false;
  }));
}

}  // namespace keyhold::core::iam
