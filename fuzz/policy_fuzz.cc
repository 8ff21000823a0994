// A policy and a path, parted by a NUL byte: parsing holds, and the compiled form agrees with the rules taken one by one.
// The path serves as a parameter's value too: what a rule denies is never admitted.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/policy/compiled_policies.h"
#include "core/policy/policy_test_util.h"

namespace {

using keyhold::SecretBytes;
using namespace keyhold::core;

/// Rules admit no value that a list denies, and any value where nothing is said.
void check_parameters(const ParameterRules& rules, std::string_view value) {
  for (const auto& [name, values] : rules.denied) {
    for (const std::string& denied : values) {
      Parameter parameter{name, Parameter::Kind::kText, {}};
      parameter.values.push_back(SecretBytes::copy_of(value));
      parameter.values.push_back(SecretBytes::copy_of(denied));
      CHECK(!rules.admit({&parameter, 1}));
    }
  }
  if (rules.required.empty()) CHECK(rules.admit({}));
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
    for (const Asked asked : {Asked::kOne, Asked::kList, Asked::kScan}) {
      CHECK(compiled.lookup(asked_path, asked).capabilities == test::reference_lookup(policies, asked_path, asked));
    }
  };
  check(path);
  for (const PolicyRule& rule : policies[0]->rules) {
    check(rule.path);
    check(rule.path + "/");
    check(rule.path + path);
    std::string filled = rule.path;
    for (std::size_t at = 0; (at = filled.find('+', at)) != std::string::npos; ++at) filled[at] = 'p';
    check(filled);
    check(filled + "/");
    if (rule.permissions.restrictions != nullptr) check_parameters(rule.permissions.restrictions->parameters, path);
  }
  return 0;
}
