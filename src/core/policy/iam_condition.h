#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/policy/cidr.h"
#include "core/policy/iam_context.h"
#include "core/policy/iam_pattern.h"

namespace keyhold::core::iam {

/// What an operator compares; each has an opposite ("Not…").
enum class Test : std::uint8_t {
  kText,
  kTextAnyCase,
  kTextLike,
  kNumber,
  kTime,
  kBool,
  kAddress,
  kArn,
  kNull,
};
enum class Relation : std::uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
enum class Quantifier : std::uint8_t { kNone, kForAllValues, kForAnyValue };

struct ConditionOperator {
  Test test = Test::kText;
  Relation relation = Relation::kEqual;
  bool negated = false;
  Quantifier quantifier = Quantifier::kNone;
  bool if_exists = false;

  /// "ForAllValues:StringLikeIfExists".
  ///
  /// errors   kInvalid, by name for AWS's own that are not supported.
  static Result<ConditionOperator> parse(std::string_view name);
};

/// What a condition asks about, by its name in any case.
struct ConditionSubject {
  ConditionKey key;
  std::string tag;  // In lower case; empty but for a family.

  /// errors   kInvalid, by name for AWS's own that are not supported.
  static Result<ConditionSubject> parse(std::string_view name);
};

/// One operator on one key: holds when any of its values does. Immutable.
///
/// Of an absent key: a negated operator holds, any other does not, with IfExists each does, with ForAllValues too, with ForAnyValue none.
/// The answer is unknown when the key is, when it has several values that no quantifier speaks of, or a value is not of the operator's kind.
///
/// source   AWS IAM user guide, "Condition operators" and "Set operators for multivalued context keys".
class Condition {
 public:
  /// errors   kInvalid: operator and key do not go together, no values.
  static Result<Condition> make(const ConditionOperator& by, ConditionSubject subject);

  /// Takes in one value, written as text.
  ///
  /// errors   kInvalid: not of the operator's kind.
  Result<void> add_value(std::string_view text, Pattern::Variables variables);

  Answer holds(const Context& context) const;

  const ConditionOperator& by() const { return by_; }
  const ConditionSubject& subject() const { return subject_; }
  /// Those of the operator's kind; the other list is empty.
  const std::vector<Pattern>& patterns() const { return patterns_; }
  const std::vector<CidrBlock>& blocks() const { return blocks_; }

 private:
  Condition(const ConditionOperator& by, ConditionSubject subject) : by_(by), subject_(std::move(subject)) {}

  Answer holds_for(const std::string& value, const Context& context) const;
  Answer compare(const std::string& value, const Context& context) const;
  template <typename Number>
  Answer compare_numbers(std::optional<Number> given, const std::vector<Number>& wanted) const;

  ConditionOperator by_;
  ConditionSubject subject_;
  std::vector<Pattern> patterns_;
  std::vector<double> numbers_;
  std::vector<UnixMillis> times_;
  std::vector<CidrBlock> blocks_;
  bool wants_true_ = false;  // Of kBool and kNull: both may be.
  bool wants_false_ = false;
};

/// A decimal number as JSON writes it; nullopt for another text or one over a double's range.
std::optional<double> parse_condition_number(std::string_view text);

/// ISO 8601 as AWS takes it: "2024-02-29", "2024-02-29T12:30Z", "2024-02-29T12:30:15.5+02:00", without a zone in UTC; or seconds since 1970.
std::optional<UnixMillis> parse_condition_time(std::string_view text);

}  // namespace keyhold::core::iam
