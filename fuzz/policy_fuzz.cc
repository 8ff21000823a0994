// A policy and a path, parted by a NUL byte: parsing holds, and the compiled form agrees with the rules taken one by one.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/policy/compiled_policies.h"

namespace {

using namespace keyhold::core;

CapabilitySet naive_lookup(const Policy& policy, std::string path, Asked asked) {
  const bool slash = path.ends_with('/');
  const std::string plain = slash ? path.substr(0, path.size() - 1) : path;
  const std::string slashed = plain + "/";
  if (asked == Asked::kList) path = slashed;
  std::optional<CapabilitySet> exact;
  std::optional<CapabilitySet> prefix;
  std::size_t prefix_bytes = 0;
  for (const PolicyRule& rule : policy.rules) {
    if (rule.match == PolicyRule::Match::kPrefix) {
      if (!path.starts_with(rule.path) || (prefix && rule.path.size() < prefix_bytes)) continue;
      if (!prefix || rule.path.size() > prefix_bytes) prefix = CapabilitySet();
      prefix_bytes = rule.path.size();
      prefix->add(rule.capabilities);
      continue;
    }
    const bool listed = asked == Asked::kList && (rule.path == plain || rule.path == slashed);
    const bool denied = rule.capabilities.denies() && slash && rule.path == plain;
    if (rule.path != path && !listed && !denied) continue;
    if (!exact) exact = CapabilitySet();
    exact->add(rule.capabilities);
  }
  return exact ? *exact : prefix.value_or(CapabilitySet());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string path(input.substr(std::min(end + 1, input.size())));

  if (const auto name = normalize_policy_name(path); name.ok()) CHECK(*normalize_policy_name(*name) == *name);
  auto parsed = parse_policy(input.substr(0, end));
  if (!parsed.ok()) {
    CHECK(parsed.error().message.starts_with("line "));
    return 0;
  }
  const std::array policies{std::make_shared<const Policy>(std::move(parsed).value())};
  const CompiledPolicies compiled = CompiledPolicies::compile(policies);
  const auto check = [&](const std::string& asked_path) {
    if (asked_path.find("//") != std::string::npos) return;  // Not canonical: never asked.
    for (const Asked asked : {Asked::kOne, Asked::kList}) {
      CHECK(compiled.lookup(asked_path, asked).capabilities == naive_lookup(*policies[0], asked_path, asked));
    }
  };
  check(path);
  for (const PolicyRule& rule : policies[0]->rules) {
    check(rule.path);
    check(rule.path + "/");
    check(rule.path + path);
  }
  return 0;
}
