#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/json.h"
#include "base/process_hardening.h"
#include "server/diagnose.h"
#include "server/server_command.h"

namespace keyhold::server {
namespace {

// As Vault's command.
constexpr int kAllWell = 0;
constexpr int kFails = 1;
constexpr int kWarns = 2;

int code_of(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::kOk: return kAllWell;
    case Finding::Verdict::kWarning: return kWarns;
    case Finding::Verdict::kFailure: return kFails;
  }
  return kFails;
}

std::string_view word_of(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::kOk: return "ok";
    case Finding::Verdict::kWarning: return "warn";
    case Finding::Verdict::kFailure: return "fail";
  }
  return "fail";
}

std::string_view colour_of(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::kOk: return "\x1b[32m";
    case Finding::Verdict::kWarning: return "\x1b[33m";
    case Finding::Verdict::kFailure: return "\x1b[31m";
  }
  return "";
}

void print_table(const Findings& findings) {
  const bool coloured = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  std::size_t width = 0;
  for (const Finding& finding : findings.all()) width = std::max(width, finding.check.size());
  for (const Finding& finding : findings.all()) {
    fmt::print("{}{:<4}{}  {:<{}}  {}\n", coloured ? colour_of(finding.verdict) : "", word_of(finding.verdict), coloured ? "\x1b[0m" : "", finding.check,
               width, finding.told);
    if (!finding.next.empty()) fmt::print("{:<{}}  -> {}\n", "", width + 6, finding.next);
  }
  switch (findings.worst()) {
    case Finding::Verdict::kOk: fmt::print("\nAll is well.\n"); break;
    case Finding::Verdict::kWarning: fmt::print("\nA server starts, but see the warnings.\n"); break;
    case Finding::Verdict::kFailure: fmt::print("\nA server does not start, or does not keep what it is given: see the failures.\n"); break;
  }
}

void print_json(const Findings& findings) {
  std::string text = "{\"verdict\":";
  json::append_quoted(text, word_of(findings.worst()));
  text.append(",\"checks\":[");
  for (const Finding& finding : findings.all()) {
    if (&finding != &findings.all().front()) text.push_back(',');
    text.append("{\"verdict\":");
    json::append_quoted(text, word_of(finding.verdict));
    text.append(",\"check\":");
    json::append_quoted(text, finding.check);
    text.append(",\"told\":");
    json::append_quoted(text, finding.told);
    text.append(",\"next\":");
    json::append_quoted(text, finding.next);
    text.push_back('}');
  }
  fmt::print("{}]}}\n", text);
}

int misused(std::string_view why) {
  fmt::print(stderr, "keyhold operator diagnose: {}\n", why);
  return kFails;
}

}  // namespace

int diagnose_command(const Arguments& arguments) {
  if (!arguments.has("config")) return misused("give -config=FILE");
  const std::string_view format = arguments.value("format", "table");
  if (format != "table" && format != "json") return misused("-format is table or json");

  harden_process();
  Findings findings;
  diagnose_machine(findings);
  const std::string path(arguments.value("config"));
  const auto loaded = load_config(path);
  if (loaded.ok()) {
    for (const std::string& warning : loaded->warnings) findings.warning("configuration", warning, "take it out");
    findings.ok("configuration", path + ": read");
    diagnose_configuration(loaded->config, path, findings);
  } else {
    findings.failure("configuration", loaded.error().message, "see keyhold.hcl(5)");
  }
  format == "json" ? print_json(findings) : print_table(findings);
  return code_of(findings.worst());
}

}  // namespace keyhold::server
