// A policy in AWS's language, the name of a secret and a word, parted by NUL bytes: parsing holds and tells where it stopped, and what is
// decided without knowing is never more than what is decided with knowledge.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/policy/iam_policy.h"

namespace {

using namespace keyhold::core::iam;

constexpr Principal kBob{"000000000000", "arn:aws:iam::000000000000:user/bob"};
constexpr SecretScope kScope{"eu-west-1", "000000000000"};

std::string_view take_part(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

/// Every key has the word for its value.
Context with_word(std::string_view word) {
  Context context;
  for (const ConditionKeyRule& rule : kConditionKeys) {
    if (rule.shape != KeyShape::kTags) context.set(rule.key, word);
  }
  context.set_tag(ConditionKey::kResourceTag, word, word).set_tag(ConditionKey::kRequestTag, "team", word);
  return context;
}

/// `guess` was made without something that `knowledge` had.
void check(Decision guess, Decision knowledge) {
  if (guess == Decision::kAllow || guess == Decision::kDelegated) CHECK(knowledge == Decision::kAllow || knowledge == guess);
  if (knowledge == Decision::kDeny) CHECK(guess == Decision::kDeny);
}

void ask(const Policy& policy, std::string_view name, std::string_view word) {
  const Policy* const only = &policy;
  const std::array contexts{Context(), with_word(word)};
  const Context unknown(Context::Unset::kUnknown);
  const std::string arn = secret_arn("eu-west-1", "000000000000", name, "Ab12Cd");
  const std::string stem = arn.substr(0, arn.size() - kSuffixBytes);
  if (const auto parsed = parse_secret_arn(arn); parsed.ok()) CHECK(parsed->full_name == std::string(name) + "-Ab12Cd");
  for (const ActionRule& rule : kActions) {
    const auto decide_with = [&](const Subject& resource, const Context& context) {
      return decide({&only, 1}, {rule.action, resource, kBob}, context);
    };
    const Decision blind = decide_with({stem, kSuffixBytes}, unknown);
    for (const Context& context : contexts) {
      const Decision known = decide_with({arn}, context);
      check(decide_with({arn}, unknown), known);
      check(decide_with({stem, kSuffixBytes}, context), known);
      check(blind, known);
    }
    decide_with({word}, contexts[1]);
  }
  for (const PathRule& rule : kPathRules) {
    const std::string path = std::string(rule.request.folder) + std::string(name);
    const PathRequest request{path, rule.request.capability, "Ab12Cd", kBob};
    check(decide_path({&only, 1}, kScope, {path, rule.request.capability, {}, kBob}, unknown), decide_path({&only, 1}, kScope, request, contexts[1]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string text(take_part(rest));
  const std::string name(take_part(rest));
  for (const PolicyKind kind : {PolicyKind::kIdentity, PolicyKind::kResource, PolicyKind::kTrust}) {
    const auto policy = parse_policy(text, kind);
    if (!policy.ok()) {
      CHECK(policy.code() == keyhold::Code::kTooLarge || policy.error().message.starts_with("line "));
      continue;
    }
    for (const std::string& warning : warnings_of(*policy)) CHECK(warning.starts_with("statement "));
    CHECK(kind != PolicyKind::kIdentity || !is_public(*policy));
    ask(*policy, name, rest);
  }
  return 0;
}
