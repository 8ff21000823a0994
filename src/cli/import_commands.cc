// import and export: between files, or another Vault, and secrets.
#include <algorithm>
#include <array>
#include <csignal>

#include "cli/import_plan.h"
#include "cli/import_vault.h"
#include "cli/run_secrets.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

std::string counted(std::size_t count, std::string_view what) { return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s"); }

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

Result<Source> read_file_source(Session& session, std::optional<SourceFormat> format) {
  const std::string_view name = session.argument(0);
  const std::string shown = name == "-" ? "standard input" : std::string(name);
  TRY_ASSIGN(const SecretBytes text, name == "-" ? read_standard_input() : read_file(name));
  auto source = read_source(format ? *format : guess_format(name, text.reveal()), text.reveal());
  if (source.ok()) {
    const bool empty = source->secrets.size() == 1 && source->secrets.front().contents.back().empty();
    if (empty) return Error{Code::kInvalid, "there is nothing in " + shown};
    return source;
  }
  Error error = std::move(source).error();
  error.message = shown + ": " + error.message + (format ? "." : ". If it was taken for another format than it is, -from says which.");
  return error;
}

Result<Source> source_of(Session& session) {
  std::optional<SourceFormat> format;
  if (session.arguments().has("from")) {
    format = source_format_named(session.flag("from"));
    if (!format) return usage_error("-from is env, json, yaml, k8s or vault");
  }
  const Versions versions = session.arguments().on("versions") ? Versions::kAll : Versions::kCurrent;
  const bool vault = format ? *format == SourceFormat::kVault : is_vault_address(session.argument(0));
  if (vault) return read_vault(session, session.argument(0), versions);
  if (versions == Versions::kAll) return usage_error("-versions is for another Vault: a file holds one version");
  return read_file_source(session, format);
}

std::string_view name_of(ImportState state) {
  switch (state) {
    case ImportState::kNew: return "new";
    case ImportState::kSame: return "same";
    case ImportState::kBehind: return "behind";
    case ImportState::kChanged: return "changed";
  }
  return "";
}

/// "new, 2 fields: A, B".
std::string described(const PlannedSecret& planned) {
  std::string text(name_of(planned.state));
  if (planned.state == ImportState::kNew) return text + ", " + counted(planned.added.size(), "field") + ": " + joined(planned.added);
  if (planned.state == ImportState::kBehind) return text + ": " + counted(planned.source->contents.size() - planned.first, "newer version");
  if (!planned.changed.empty()) text += "; other values: " + joined(planned.changed);
  if (!planned.added.empty()) text += "; new fields: " + joined(planned.added);
  if (!planned.removed.empty()) text += "; fields that go: " + joined(planned.removed);
  return text;
}

std::size_t count_of(const std::vector<PlannedSecret>& plan, ImportState state) {
  return static_cast<std::size_t>(std::count_if(plan.begin(), plan.end(), [state](const PlannedSecret& one) { return one.state == state; }));
}

void print_plan(Session& session, const std::vector<PlannedSecret>& plan) {
  if (session.format() != Format::kTable) return;
  for (const PlannedSecret& planned : plan) {
    const bool wrong = planned.state == ImportState::kChanged;
    session.out().line(planned.path + ": " + described(planned), wrong ? Style::kWarning : Style::kPlain);
    const std::size_t versions = planned.source->contents.size();
    if (planned.state == ImportState::kNew && versions > 1) session.out().line("  " + counted(versions, "version"));
  }
  std::string line = "Plan: " + std::to_string(count_of(plan, ImportState::kNew)) + " new, " + std::to_string(count_of(plan, ImportState::kSame)) + " same, " +
                     std::to_string(count_of(plan, ImportState::kChanged)) + " changed";
  if (const std::size_t behind = count_of(plan, ImportState::kBehind); behind > 0) line += ", " + std::to_string(behind) + " behind";
  session.out().line(line + ".");
}

Result<int> print_json_report(Session& session, const std::vector<PlannedSecret>& plan) {
  SecretBytes json;
  json::Writer writer(json);
  writer.begin_object().key("secrets").begin_array();
  for (const PlannedSecret& planned : plan) {
    writer.begin_object().key("path").string(planned.path).key("state").string(name_of(planned.state));
    writer.key("added").strings(planned.added).key("changed").strings(planned.changed).key("removed").strings(planned.removed);
    writer.key("written").boolean(!planned.written.empty());
    writer.key("version").number(planned.written.empty() ? 0 : planned.written.back()).end_object();
  }
  writer.end_array().end_object();
  return session.print_json(json);
}

/// What was written, exactly.
void print_written(Session& session, const std::vector<PlannedSecret>& plan) {
  for (const PlannedSecret& planned : plan) {
    if (planned.written.empty()) continue;
    std::string line = "Written: " + planned.path;
    if (planned.written.front() > 0) {
      line += planned.written.size() == 1 ? " (version " : " (versions ";
      line += std::to_string(planned.written.front());
      if (planned.written.size() > 1) line += " to " + std::to_string(planned.written.back());
      line += ")";
    }
    session.out().line(line, Style::kGood);
  }
}

/// The first field that `run` would give another name, though it is one for a variable; "" when there is none.
std::string first_renamed(const Fields& fields) {
  const auto renamed = std::find_if(fields.begin(), fields.end(), [](const Field& field) {
    const auto choice = parse_choice(field.name + "=x");
    return variable_name(field.name) != field.name && choice.ok() && choice->name == field.name;
  });
  return renamed == fields.end() ? std::string() : renamed->name;
}

/// The line that takes the file's place.
void print_next_step(Session& session, const Source& source, const std::vector<PlannedSecret>& plan) {
  if (plan.size() != 1 || source.format == SourceFormat::kVault) return;
  const std::string in_environment = source.format == SourceFormat::kEnv ? "-env " : "";
  session.out().line("\nThe program gets them without the file by:\n\n    keyhold run " + in_environment + "-secret=" + plan.front().path + " -- COMMAND\n");
  if (const std::string renamed = first_renamed(source.secrets.front().contents.back()); !renamed.empty() && source.format == SourceFormat::kEnv) {
    const std::string& path = plan.front().path;
    session.out().line("Variables are in upper case: " + renamed + " is " + variable_name(renamed) + " there. -secret=" + renamed + "=" + path + "#" + renamed +
                       " keeps a name.\n");
  }
  session.out().line("Once that works, remove the file, from the history of a repository as well; whoever had it may still know what it held.");
}

constexpr std::string_view kRerun = "The same command goes on from here: it leaves alone what is there.";

/// Why not all of it was done; the exit code by its error.
Result<int> conclude(Session& session, const ImportOutcome& outcome) {
  if (!outcome.ended.ok()) {
    Error error = outcome.ended.error();
    if (exit_code_of(error) == kExitDone) return error;  // It was shown and not sent.
    if (error.code == Code::kUnavailable) error.message += "\n\nWhether the secret after those was written is not known.";
    error.message.append("\n\n").append(kRerun);
    return error;
  }
  if (outcome.interrupted_by != 0) {
    session.err().line("Interrupted. " + std::string(kRerun), Style::kBad);
    session.out().flush();
    session.err().flush();
    ::raise(outcome.interrupted_by);  // As it was meant.
    return kExitLocal;
  }
  if (outcome.conflicts > 0) {
    return Error{Code::kConflict, "Changed by somebody else meanwhile, and so not written: " + joined(outcome.conflicting) + ". Run it again to see the difference.", client::kRemote};
  }
  if (outcome.left_alone > 0) {
    return usage_error(counted(outcome.left_alone, "secret") + (outcome.left_alone == 1 ? " is" : " are") +
                       " there with other content and left alone: -overwrite replaces that.");
  }
  return kExitDone;
}

Result<int> import(Session& session) {
  TRY_ASSIGN(const Source source, source_of(session));
  for (const std::string& warning : source.warnings) session.err().line("Warning: " + warning + ".", Style::kWarning);
  TRY_ASSIGN(const MountedPath target, find_mount(session, session.argument(1)));
  if (session.arguments().on("versions") && target.version == 1) return usage_error("the engine at " + target.mount + " keeps no versions: leave -versions out");
  TRY_ASSIGN(auto plan, plan_import(session, source, target));
  print_plan(session, plan);
  if (session.arguments().on("dry-run")) {
    if (session.format() != Format::kTable) return print_json_report(session, plan);
    session.out().line("Nothing was written: this was a dry run.");
    return kExitDone;
  }
  if (!session.err().flush() || !session.out().flush()) return usage_error("the plan could not be printed: nothing was written");
  const ImportOutcome outcome = apply_import(session, plan, session.arguments().on("overwrite") ? Existing::kOverwrite : Existing::kLeaveAlone);
  if (session.format() != Format::kTable) {
    TRY(print_json_report(session, plan));
  } else {
    print_written(session, plan);
    const bool complete = outcome.ended.ok() && outcome.interrupted_by == 0 && outcome.conflicts == 0 && outcome.left_alone == 0;
    if (complete) print_next_step(session, source, plan);
  }
  return conclude(session, outcome);
}

constexpr std::array kImportFlags{
    Flag{.name = "from", .value_name = "FORMAT", .help = "What SOURCE is: env, json, yaml, k8s or vault; else told by its name and content"},
    Flag{.name = "dry-run", .help = "Tell what is new, the same or changed, and write nothing", .takes = Takes::kNothing},
    Flag{.name = "overwrite", .help = "Replace what is there with other content", .takes = Takes::kNothing},
    Flag{.name = "versions", .help = "Of another Vault: all versions that can be read, oldest first", .takes = Takes::kNothing},
    Flag{.name = "source-token-file", .value_name = "FILE", .help = "Token for another Vault, - for standard input (…_SOURCE_TOKEN holds it itself)"},
    Flag{.name = "source-ca-cert", .value_name = "FILE", .help = "Authority of another Vault, in PEM (…_SOURCE_CACERT)"},
    Flag{.name = "source-namespace", .value_name = "PATH", .help = "Namespace of another Vault (…_SOURCE_NAMESPACE)"},
    Flag{.name = "source-tls-skip-verify", .help = "Trust any certificate of another Vault: for tests alone", .takes = Takes::kNothing},
    Flag{.name = "mount", .value_name = "PATH", .help = "The engine's path; PATH is then within it"},
};

constexpr std::array kCommands{
    Command{.name = "import",
            .group = Group::kSecrets,
            .arguments = "SOURCE PATH",
            .help = "Write what a file or another Vault holds to secrets\n\nSOURCE is a .env file, JSON, YAML, a manifest of Kubernetes, - for standard input, or the address of a Vault:\n"
                    "https://host:8200/secret/app, or with a slash at the end all that is below it. First the plan is printed: fields\n"
                    "by their names, never values. What is there with other content is left alone unless -overwrite is given, and\n"
                    "what somebody else changes meanwhile in any case.",
            .example = "keyhold import -dry-run .env secret/app\nkeyhold import .env secret/app\nkeyhold import -versions https://vault.example:8200/secret/ secret/",
            .flags = kImportFlags,
            .arguments_min = 2,
            .arguments_max = 2,
            .run = import},
};

}  // namespace

std::span<const Command> import_commands() { return kCommands; }

}  // namespace keyhold::cli
