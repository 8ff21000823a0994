// What a policy check costs, in CPU time: 50 policies of 50 rules, of which each 5 is exact, a prefix, or has segment wildcards.
//
// usage: policy_lookup [seconds=N]      prints one line of JSON
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy/compiled_policies.h"

namespace {

using namespace keyhold::core;

constexpr int kPolicies = 50;
constexpr int kRules = 50;

std::string rule_path(int policy, int rule) {
  const std::string team = "secret/data/team" + std::to_string(policy);
  const std::string item = "/app" + std::to_string(rule);
  switch (rule % 4) {
    case 0: return team + item + "/creds";
    case 1: return team + item + "/*";
    case 2: return "secret/data/+" + item + "/team" + std::to_string(policy) + "/+";
    default: return team + "/+" + item + "*";
  }
}

CompiledPolicies compile() {
  std::vector<std::shared_ptr<const Policy>> policies;
  for (int number = 0; number < kPolicies; ++number) {
    std::string text;
    for (int rule = 0; rule < kRules; ++rule) {
      text += "path \"" + rule_path(number, rule) + "\" { capabilities = [\"read\", \"list\"] }\n";
    }
    auto policy = parse_policy(text);
    CHECK(policy.ok());
    policies.push_back(std::make_shared<const Policy>(std::move(*policy)));
  }
  return CompiledPolicies::compile(policies);
}

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Question {
  const char* name;
  Asked asked;
  std::vector<std::string> paths;
};

double nanoseconds_each(const CompiledPolicies& policies, const Question& question, double seconds) {
  std::size_t asked = 0;
  std::size_t granted = 0;
  const double begin_s = cpu_s();
  double elapsed_s = 0;
  while (elapsed_s < seconds) {
    for (const std::string& path : question.paths) granted += policies.lookup(path, question.asked).allows_anything() ? 1 : 0;
    asked += question.paths.size();
    elapsed_s = cpu_s() - begin_s;
  }
  CHECK(granted == asked);
  return elapsed_s * 1e9 / static_cast<double>(asked);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view argument = argc > 1 ? argv[1] : "";
  const double seconds = argument.starts_with("seconds=") ? std::atof(argv[1] + 8) : 1;
  const double begin_s = cpu_s();
  const CompiledPolicies policies = compile();
  const double compile_ms = (cpu_s() - begin_s) * 1000;

  std::array<Question, 4> questions{{{"exact", Asked::kOne, {}}, {"prefix", Asked::kOne, {}}, {"segment", Asked::kOne, {}}, {"list", Asked::kList, {}}}};
  for (int policy = 0; policy < kPolicies; ++policy) {
    const std::string team = "secret/data/team" + std::to_string(policy);
    for (int rule = 0; rule < kRules; rule += 4) {
      questions[0].paths.push_back(team + "/app" + std::to_string(rule) + "/creds");
      if (rule + 2 >= kRules) continue;
      questions[1].paths.push_back(team + "/app" + std::to_string(rule + 1) + "/deep/er/creds");
      questions[2].paths.push_back("secret/data/any/app" + std::to_string(rule + 2) + "/team" + std::to_string(policy) + "/creds");
      questions[3].paths.push_back(team + "/app" + std::to_string(rule + 1) + "/");
    }
  }
  std::printf("{\"compile_ms\":%.1f", compile_ms);
  for (const Question& question : questions) {
    std::printf(",\"%s_ns\":%.0f", question.name, nanoseconds_each(policies, question, seconds / questions.size()));
  }
  std::printf("}\n");
}
