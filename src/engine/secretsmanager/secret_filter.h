#pragma once

#include <string>
#include <vector>

#include "core/field_values.h"
#include "core/secret.h"

namespace keyhold::engine::secretsmanager {

/// The Filters of a list: all must hold, each by one of its values, which holds when an attribute begins with it; "!" before a value
/// turns it round.
///
/// source   AWS Secrets Manager API reference, Filter: "description" and "all" take either case.
class SecretFilter {
 public:
  /// errors: InvalidParameterException.
  static Result<SecretFilter> parse(const core::FieldValues& fields);

  bool matches(std::string_view aws_name, const core::secrets::Head& head) const;
  /// What the names of all matches begin with; may be empty.
  const std::string& name_prefix() const { return name_prefix_; }

 private:
  enum class Key { kDescription, kName, kTagKey, kTagValue, kPrimaryRegion, kOwningService, kAll };
  struct Value {
    std::string text;
    bool negated = false;
  };
  struct Condition {
    Key key = Key::kAll;
    std::vector<Value> values;
  };
  static bool holds(Key key, std::string_view text, std::string_view aws_name, const core::secrets::Head& head);

  std::vector<Condition> conditions_;
  std::string name_prefix_;
};

}  // namespace keyhold::engine::secretsmanager
