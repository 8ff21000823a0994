#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "base/hcl.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/scalar.h"
#include "core/policy/iam_policy.h"

namespace keyhold::core::iam {
namespace {

constexpr std::string_view kNewVersion = "2012-10-17";
constexpr std::string_view kOldVersion = "2008-10-17";
constexpr std::size_t kSidBytesMax = 128;

bool is_letter_or_digit(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

template <typename Allowed>
bool all_of(std::string_view text, const Allowed& allowed) {
  return std::all_of(text.begin(), text.end(), allowed);
}

/// A string of the document, and where it stands.
struct Text {
  std::string value;
  const char* at;
};

class Reader {
 public:
  Reader(std::string_view text, PolicyKind kind) : text_(text), kind_(kind) {}

  Result<Policy> read(const json::Value& root) {
    Policy policy{kind_, {}};
    if (!root.is_object()) return error(root, "a policy is an object");
    std::optional<json::Value> statements;
    for (std::size_t index = 0; index < root.size(); ++index) {
      const std::string key = root.key_at(index);
      if (key == "Version") {
        TRY(read_version(root.at(index)));
      } else if (key == "Id") {
        TRY(string_of(root.at(index)));
      } else if (key == "Statement") {
        statements = root.at(index);  // Read last: the Version may follow it.
      } else {
        return error(root.key_raw(index), "an unknown element of a policy");
      }
    }
    if (!statements) return error(root, "a policy has a Statement");
    if (!statements->is_array()) {
      TRY(read_statement(*statements, policy));
      return policy;
    }
    if (statements->size() == 0) return error(*statements, "a policy has a Statement");
    if (statements->size() > limits::kIamStatementsMax) return error(*statements, "too many statements");
    for (std::size_t index = 0; index < statements->size(); ++index) TRY(read_statement(statements->at(index), policy));
    return policy;
  }

 private:
  Error error(std::string_view part, std::string_view reason) const {
    return hcl::error_at(hcl::position_of(text_, static_cast<std::size_t>(part.data() - text_.data())), reason);
  }
  Error error(const json::Value& value, std::string_view reason) const { return error(value.raw(), reason); }
  Error error(const Text& text, std::string_view reason) const { return error(std::string_view(text.at, 0), reason); }

  Result<Text> string_of(const json::Value& value) const {
    if (!value.is_string()) return error(value, "a string is expected");
    TRY_ASSIGN(std::string text, value.as_string());
    return Text{std::move(text), value.raw().data()};
  }

  Result<Text> scalar_of(const json::Value& value) const {
    if (value.is_bool() || value.is_number()) return Text{std::string(value.raw()), value.raw().data()};
    return string_of(value);
  }

  /// One, or an array of at least one.
  template <typename Read>
  Result<std::vector<Text>> list_of(const json::Value& value, const Read& read_one) const {
    std::vector<Text> texts;
    if (!value.is_array()) {
      TRY_ASSIGN(Text text, read_one(value));
      texts.push_back(std::move(text));
      return texts;
    }
    if (value.size() == 0) return error(value, "an empty list");
    if (value.size() > limits::kIamListElementsMax) return error(value, "too many elements in one list");
    for (std::size_t index = 0; index < value.size(); ++index) {
      TRY_ASSIGN(Text text, read_one(value.at(index)));
      texts.push_back(std::move(text));
    }
    return texts;
  }
  Result<std::vector<Text>> strings_of(const json::Value& value) const {
    return list_of(value, [this](const json::Value& one) { return string_of(one); });
  }

  Result<void> read_version(const json::Value& value) {
    TRY_ASSIGN(const Text version, string_of(value));
    if (version.value != kNewVersion && version.value != kOldVersion) {
      return error(version, "the Version is 2012-10-17 or 2008-10-17");
    }
    if (version.value == kNewVersion) variables_ = Pattern::Variables::kAllowed;
    return {};
  }

  Result<void> read_statement(const json::Value& value, Policy& policy) {
    if (!value.is_object()) return error(value, "a statement is an object");
    Statement statement;
    bool has_effect = false;
    bool has_actions = false;
    for (std::size_t index = 0; index < value.size(); ++index) {
      const std::string key = value.key_at(index);
      const json::Value element = value.at(index);
      const std::string_view key_raw = value.key_raw(index);
      if (key == "Sid") {
        TRY(read_sid(element));
      } else if (key == "Effect") {
        TRY_ASSIGN(statement.effect, read_effect(element));
        has_effect = true;
      } else if (key == "Principal" || key == "NotPrincipal") {
        if (kind_ == PolicyKind::kIdentity) return error(key_raw, "an identity policy names no " + key);
        if (statement.principals.form != PrincipalSet::Form::kUnnamed) return error(key_raw, "Principal and NotPrincipal exclude each other");
        TRY(read_principals(element, statement.principals));
        statement.principals.form = key == "Principal" ? PrincipalSet::Form::kListed : PrincipalSet::Form::kAllBut;
      } else if (key == "Action" || key == "NotAction") {
        if (std::exchange(has_actions, true)) return error(key_raw, "Action and NotAction exclude each other");
        TRY(read_actions(element, statement));
        statement.all_but_actions = key == "NotAction";
        if (statement.all_but_actions) statement.actions.flip();
      } else if (key == "Resource" || key == "NotResource") {
        if (kind_ == PolicyKind::kTrust) return error(key_raw, "a trust policy names no " + key);
        if (statement.resource_form != Statement::Resources::kUnnamed) return error(key_raw, "Resource and NotResource exclude each other");
        TRY(read_resources(element, statement));
        statement.resource_form = key == "Resource" ? Statement::Resources::kListed : Statement::Resources::kAllBut;
      } else if (key == "Condition") {
        TRY(read_conditions(element, statement));
      } else {
        return error(key_raw, "an unknown element of a statement");
      }
    }
    if (!has_effect) return error(value, "a statement has an Effect");
    if (!has_actions) return error(value, "a statement has an Action or a NotAction");
    if (kind_ != PolicyKind::kIdentity && statement.principals.form == PrincipalSet::Form::kUnnamed) {
      return error(value, "a statement of this kind of policy has a Principal or a NotPrincipal");
    }
    if (kind_ != PolicyKind::kTrust && statement.resource_form == Statement::Resources::kUnnamed) {
      return error(value, "a statement of this kind of policy has a Resource or a NotResource");
    }
    if (statement.principals.form == PrincipalSet::Form::kAllBut) {
      if (statement.effect == Effect::kAllow) return error(value, "NotPrincipal goes with Deny only");
      if (statement.principals.everyone) return error(value, "NotPrincipal cannot be everyone");
    }
    policy.statements.push_back(std::move(statement));
    return {};
  }

  Result<void> read_sid(const json::Value& value) {
    TRY_ASSIGN(const Text sid, string_of(value));
    if (sid.value.size() > kSidBytesMax) return error(sid, "a Sid over 128 bytes");
    if (kind_ != PolicyKind::kResource && !all_of(sid.value, is_letter_or_digit)) return error(sid, "a Sid consists of letters and digits");
    if (!sid.value.empty() && !sids_.insert(sid.value).second) return error(sid, "a Sid given twice");
    return {};
  }

  Result<Effect> read_effect(const json::Value& value) const {
    TRY_ASSIGN(const Text effect, string_of(value));
    if (effect.value == "Allow") return Effect::kAllow;
    if (effect.value == "Deny") return Effect::kDeny;
    return error(effect, "the Effect is Allow or Deny");
  }

  Result<void> read_principals(const json::Value& value, PrincipalSet& principals) const {
    if (value.is_string()) {
      TRY_ASSIGN(const Text text, string_of(value));
      if (text.value != "*") return error(text, "a Principal is \"*\" or an object");
      principals.everyone = true;
      return {};
    }
    if (!value.is_object() || value.size() == 0) return error(value, "a Principal is \"*\" or an object");
    for (std::size_t index = 0; index < value.size(); ++index) {
      const std::string key = value.key_at(index);
      for (const std::string_view unsupported : {"Service", "Federated", "CanonicalUser"}) {
        if (key == unsupported) return error(value.key_raw(index), "the principal " + key + " is not supported");
      }
      if (key != "AWS") return error(value.key_raw(index), "an unknown kind of principal");
      TRY_ASSIGN(const auto texts, strings_of(value.at(index)));
      for (const Text& text : texts) TRY(add_principal(text, principals));
    }
    return {};
  }

  Result<void> add_principal(const Text& text, PrincipalSet& principals) const {
    constexpr std::string_view kIam = "arn:aws:iam::";
    constexpr std::string_view kSts = "arn:aws:sts::";
    const std::string_view value = text.value;
    if (value == "*") {
      principals.everyone = true;
      return {};
    }
    if (is_account(value)) {
      principals.accounts.emplace_back(value);
      return {};
    }
    const Error unknown = error(text, "a principal is \"*\", an account, or the ARN of an account's root, a user, a role or a session of a role");
    const std::string_view account = value.substr(std::min(kIam.size(), value.size())).substr(0, kAccountDigits);
    if (!is_account(account) || text.value.size() <= kIam.size() + kAccountDigits) return unknown;
    const std::string_view rest = value.substr(kIam.size() + kAccountDigits);
    if (value.starts_with(kIam) && rest == ":root") {
      principals.accounts.emplace_back(account);
      return {};
    }
    const auto is_name_byte = [](char byte) { return is_letter_or_digit(byte) || std::string_view("+=,.@_-/").find(byte) != std::string_view::npos; };
    if (rest.find_first_of("*?$") != std::string_view::npos) return error(text, "a principal without wildcards and variables is expected");
    if (!all_of(rest.substr(1), is_name_byte) || rest.ends_with('/') || rest.find("//") != std::string_view::npos) return unknown;
    const bool of_iam = value.starts_with(kIam) && (rest.starts_with(":user/") || rest.starts_with(":role/"));
    constexpr std::string_view kSession = ":assumed-role/";
    const bool of_sts = value.starts_with(kSts) && rest.starts_with(kSession) &&
                        std::count(rest.begin() + kSession.size(), rest.end(), '/') == 1;
    if (!of_iam && !of_sts) return unknown;
    principals.arns.emplace_back(value);
    return {};
  }

  /// "*", or the name of a service and a pattern of its actions, in any case.
  Result<void> read_actions(const json::Value& value, Statement& statement) const {
    TRY_ASSIGN(const auto texts, strings_of(value));
    for (const Text& text : texts) {
      const std::string pattern = to_lower(text.value);
      if (pattern == "*") {
        statement.actions.set();
        continue;
      }
      const std::size_t colon = pattern.find(':');
      const auto is_service_byte = [](char byte) { return is_letter_or_digit(byte) || byte == '-'; };
      const auto is_action_byte = [](char byte) { return is_letter_or_digit(byte) || byte == '*' || byte == '?'; };
      if (colon == std::string::npos || colon == 0 || colon + 1 == pattern.size()) return error(text, "an action is \"*\" or service:name");
      const std::string_view service = std::string_view(pattern).substr(0, colon);
      if (service != "*" && !all_of(service, is_service_byte)) return error(text, "the name of a service is one, without wildcards");
      if (!all_of(std::string_view(pattern).substr(colon + 1), is_action_byte)) return error(text, "an action is named by letters, digits, * and ?");
      if (pattern.size() > limits::kIamPatternBytesMax) return error(text, "a text over the size limit");
      ActionSet meant;
      for (const ActionRule& rule : kActions) {
        if (matches_wildcards(pattern, to_lower(rule.name))) meant.set(static_cast<std::size_t>(rule.action));
      }
      if (meant.none() && (service == "secretsmanager" || service == "sts")) statement.has_idle_action = true;
      statement.actions |= meant;
    }
    return {};
  }

  Result<void> read_resources(const json::Value& value, Statement& statement) const {
    TRY_ASSIGN(const auto texts, strings_of(value));
    for (const Text& text : texts) {
      if (text.value != "*" && !text.value.starts_with("arn:")) return error(text, "a resource is \"*\" or an ARN");
      auto pattern = Pattern::parse(text.value, Pattern::Form::kWildcards, variables_);
      if (!pattern.ok()) return error(text, pattern.error().message);
      statement.resources.push_back(std::move(pattern).value());
    }
    return {};
  }

  Result<void> read_conditions(const json::Value& value, Statement& statement) const {
    if (!value.is_object()) return error(value, "a Condition is an object");
    for (std::size_t index = 0; index < value.size(); ++index) {
      const auto by = ConditionOperator::parse(value.key_at(index));
      if (!by.ok()) return error(value.key_raw(index), by.error().message);
      const json::Value keys = value.at(index);
      if (!keys.is_object() || keys.size() == 0) return error(keys, "a condition operator has an object of keys and values");
      for (std::size_t at = 0; at < keys.size(); ++at) {
        if (statement.conditions.size() == limits::kIamConditionsMax) return error(keys.key_raw(at), "too many conditions in one statement");
        TRY(read_condition(*by, keys.key_raw(at), keys.key_at(at), keys.at(at), statement));
      }
    }
    return {};
  }

  Result<void> read_condition(const ConditionOperator& by, std::string_view key_raw, std::string_view key, const json::Value& values,
                              Statement& statement) const {
    auto subject = ConditionSubject::parse(key);
    if (!subject.ok()) return error(key_raw, subject.error().message);
    auto condition = Condition::make(by, std::move(subject).value());
    if (!condition.ok()) return error(key_raw, condition.error().message);
    TRY_ASSIGN(const auto texts, list_of(values, [this](const json::Value& one) { return scalar_of(one); }));
    for (const Text& text : texts) {
      const auto added = condition->add_value(text.value, variables_);
      if (!added.ok()) return error(text, added.error().message);
    }
    statement.conditions.push_back(std::move(condition).value());
    return {};
  }

  std::string_view text_;
  PolicyKind kind_;
  Pattern::Variables variables_ = Pattern::Variables::kRefused;
  std::set<std::string> sids_;
};

}  // namespace

Result<Policy> parse_policy(std::string_view text, PolicyKind kind) {
  const std::size_t bytes_max = kind == PolicyKind::kIdentity ? limits::kIamIdentityPolicyBytesMax : limits::kIamResourcePolicyBytesMax;
  if (text.size() > bytes_max) return Error{Code::kTooLarge, "the policy is over " + std::to_string(bytes_max) + " bytes"};
  json::Failure failure;
  const auto document = json::Document::parse(text, {.depth_max = limits::kIamPolicyDepthMax}, &failure);
  if (!document.ok()) return hcl::error_at(hcl::position_of(text, failure.offset_bytes), failure.reason);
  return Reader(text, kind).read(document->root());
}

}  // namespace keyhold::core::iam
