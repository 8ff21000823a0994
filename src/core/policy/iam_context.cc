#include "core/policy/iam_context.h"

#include <utility>

#include "base/result.h"
#include "base/scalar.h"
#include "base/time_format.h"

namespace keyhold::core::iam {
namespace {

constexpr bool in_order() {
  for (std::size_t index = 0; index < kConditionKeys.size(); ++index) {
    if (static_cast<std::size_t>(kConditionKeys[index].key) != index) return false;
  }
  return true;
}
static_assert(in_order());

std::string_view principal_type(const Principal& principal) {
  if (principal.arn.empty()) return "Anonymous";
  if (principal.is_account_root()) return "Account";
  return principal.role_arn.empty() ? "User" : "AssumedRole";
}

}  // namespace

Context::Context(Unset unset) {
  if (unset == Unset::kAbsent) return;
  for (Slot& slot : slots_) slot.state = State::kUnknown;
}

void Context::store(Slot& slot, std::string_view value) {
  if (slot.values.empty()) {
    slot.state = State::kValues;
    slot.values.emplace_back(value);
  } else if (slot.values.size() != 1 || slot.values.front() != value) {
    slot.state = State::kUnknown;  // And stays so: its values are kept to tell.
  }
}

Context& Context::set(ConditionKey key, std::string_view value) {
  CHECK(rule_of(key).shape != KeyShape::kTags);
  store(slot(key), value);
  return *this;
}

Context& Context::set_all(ConditionKey key, std::vector<std::string> values) {
  CHECK(rule_of(key).shape != KeyShape::kTags);
  slot(key) = {values.empty() ? State::kAbsent : State::kValues, std::move(values)};
  return *this;
}

Context& Context::set_tag(ConditionKey family, std::string_view tag, std::string_view value) {
  CHECK(rule_of(family).shape == KeyShape::kTags);
  Tags& tags = family == ConditionKey::kRequestTag ? request_tags_ : resource_tags_;
  store(tags[to_lower(tag)], value);
  return *this;
}

Context& Context::set_time(UnixMillis now_ms) {
  set_all(ConditionKey::kCurrentTime, {std::string(format_rfc3339(now_ms))});
  return set_all(ConditionKey::kEpochTime, {std::to_string(now_ms / 1'000)});
}

Context& Context::set_principal(const Principal& principal) {
  const std::string_view arn = principal.role_arn.empty() ? principal.arn : principal.role_arn;
  const auto given = [](std::string_view text) { return text.empty() ? std::vector<std::string>() : std::vector{std::string(text)}; };
  set_all(ConditionKey::kPrincipalArn, given(arn));
  set_all(ConditionKey::kPrincipalAccount, given(principal.account));
  return set_all(ConditionKey::kPrincipalType, given(principal_type(principal)));
}

Context& Context::set_unknown(ConditionKey key) {
  slot(key) = {State::kUnknown, {}};
  return *this;
}

Context& Context::set_absent(ConditionKey key) {
  slot(key) = {State::kAbsent, {}};
  return *this;
}

Context::Entry Context::find(ConditionKey key, std::string_view tag) const {
  const Slot* found = &slots_[static_cast<std::size_t>(key)];
  if (rule_of(key).shape == KeyShape::kTags) {
    const Tags& tags = tags_of(key);
    if (const auto named = tags.find(tag); named != tags.end()) found = &named->second;
  }
  if (found->state != State::kValues) return {found->state, {}};
  return {State::kValues, found->values};
}

}  // namespace keyhold::core::iam
