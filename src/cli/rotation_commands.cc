// rotation: secrets that get new contents by themselves.
#include <algorithm>
#include <array>

#include "cli/flag_fields.h"
#include "cli/kv_path.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Kind = FlagField::Kind;

Result<std::string> rotate_path(Session& session) {
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  if (path.version == 1) return usage_error("secrets rotate in engines that keep versions: " + path.mount + " keeps none");
  return path.api_path("rotate");
}

/// An object without these members.
SecretBytes without(const json::Value& object, std::initializer_list<std::string_view> names) {
  SecretBytes out;
  json::Writer writer(out);
  writer.begin_object();
  for (const auto& [name, value] : sorted_members(object)) {
    if (std::find(names.begin(), names.end(), name) == names.end()) writer.key(name).raw(value.raw());
  }
  writer.end_object();
  return out;
}

Result<int> print_rotation(Session& session, const client::ApiAnswer& answer) {
  const auto data = answer.data();
  if (!data || session.wants_field() || session.format() != Format::kTable || answer.find("wrap_info")) return session.print_answer(answer);
  session.print_warnings(answer);
  const SecretBytes rule = without(*data, {"history", "run"});
  const auto document = json::Document::parse(rule.reveal());
  CHECK(document.ok());
  session.print_rows(document->root());
  if (const auto run = data->find("run"); run && run->is_object()) {
    session.out().line("");
    session.out().line(section_heading("Run in hand", rows_width(*run)), Style::kBold);
    session.print_rows(*run);
  }
  return kExitDone;
}

// Lists of sys/rotation.

/// Columns of a list, each a member of its secrets.
struct Column {
  std::string_view heading, member;
};
constexpr std::array kRotationColumns{Column{"Path", "path"}, Column{"State", ""}, Column{"Rotator", "rotator"}, Column{"Last rotated", "last_rotated_time"},
                                      Column{"Next", "next_rotation_time"}, Column{"Error", "error"}};
constexpr std::array kStaleColumns{Column{"Path", "path"}, Column{"Last read", "last_read_time"}, Column{"By", "last_read_by"}, Column{"Created", "created_time"},
                                   Column{"Owner", "owner"}};

SecretBytes state_of(const json::Value& secret) {
  if (member_is_true(secret, "failing")) return SecretBytes::copy_of("failing");
  if (member_is_true(secret, "overdue")) return SecretBytes::copy_of("overdue");
  return SecretBytes::copy_of(member_is_true(secret, "enabled") ? "ok" : "off");
}

Result<int> print_list(Session& session, client::Query query, std::span<const Column> columns) {
  std::vector<std::string> headings;
  for (const Column& column : columns) headings.emplace_back(column.heading);
  Table table(headings);
  SecretBytes all;
  json::Writer writer(all);
  writer.begin_array();
  client::Query page = query;
  for (std::string after;;) {
    TRY_ASSIGN(const auto answer, session.call({.path = "sys/rotation", .query = page}));
    if (session.format() == Format::kRaw || answer.find("wrap_info")) return session.print_answer(answer);
    const auto secrets = answer.data() ? answer.data()->find("secrets") : std::nullopt;
    for (std::size_t i = 0; secrets && i < secrets->size(); ++i) {
      const json::Value secret = secrets->at(i);
      writer.raw(secret.raw());
      std::vector<SecretBytes> cells;
      for (const Column& column : columns) cells.push_back(column.member.empty() ? state_of(secret) : member_text(secret, column.member));
      table.row(std::move(cells));
    }
    const SecretBytes next = answer.data() ? member_text(*answer.data(), "next") : SecretBytes();
    if (next.empty() || next.reveal() == after) break;
    after = next.reveal();
    page = query;
    page.emplace_back("after", after);
  }
  writer.end_array();
  if (session.format() != Format::kTable) return session.print_json(all);
  if (table.empty()) return session.line("There are none.");
  session.print_table(table);
  return kExitDone;
}

Result<int> status(Session& session) {
  if (session.arguments().positional().empty()) {
    client::Query query;
    if (session.arguments().has("state")) query.emplace_back("state", session.flag("state"));
    return print_list(session, std::move(query), kRotationColumns);
  }
  TRY_ASSIGN(const std::string path, rotate_path(session));
  TRY_ASSIGN(const auto answer, session.send({.path = path}));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(path);
  if (!answer.ok()) return session.refusal({.path = path}, answer);
  return print_rotation(session, answer);
}

Result<int> stale(Session& session) {
  client::Query query{{"state", "stale"}};
  if (session.arguments().has("days")) query.emplace_back("days", session.flag("days"));
  return print_list(session, std::move(query), kStaleColumns);
}

Result<int> history(Session& session) {
  TRY_ASSIGN(const std::string path, rotate_path(session));
  TRY_ASSIGN(const auto answer, session.send({.path = path}));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(path);
  if (!answer.ok()) return session.refusal({.path = path}, answer);
  const auto runs = answer.data() ? answer.data()->find("history") : std::nullopt;
  if (!runs || session.format() == Format::kRaw) return session.print_answer(answer);
  if (session.wants_field()) return session.print_field(*answer.data());
  if (session.format() != Format::kTable) return session.print_value(*runs);
  if (runs->size() == 0) return session.line("It has not rotated yet.");
  constexpr std::array kColumns{Column{"Started", "started_time"}, Column{"Ended", "ended_time"}, Column{"State", "state"}, Column{"Step", "step"},
                                Column{"Attempts", "attempts"}, Column{"Version", "version_id"}, Column{"Error", "error"}};
  std::vector<std::string> headings;
  for (const Column& column : kColumns) headings.emplace_back(column.heading);
  Table table(headings);
  for (std::size_t i = 0; i < runs->size(); ++i) {
    std::vector<SecretBytes> cells;
    for (const Column& column : kColumns) cells.push_back(member_text(runs->at(i), column.member));
    table.row(std::move(cells));
  }
  session.print_table(table);
  return kExitDone;
}

Result<int> now(Session& session) {
  constexpr std::array kFields{FlagField{"rotator", "rotator"}, FlagField{"automatically-after-days", "automatically_after_days", Kind::kNumber},
                               FlagField{"schedule-expression", "schedule_expression"}, FlagField{"duration", "duration"}};
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  TRY(append_fields(writer, session.arguments(), kFields));
  if (session.arguments().on("retry")) writer.key("action").string("retry");
  writer.end_object();
  TRY_ASSIGN(const std::string path, rotate_path(session));
  TRY_ASSIGN(const auto answer, session.call({.method = "POST", .path = path, .body = &body}));
  return print_rotation(session, answer);
}

Result<int> abort_run(Session& session) {
  TRY_ASSIGN(const std::string path, rotate_path(session));
  const SecretBytes body = SecretBytes::copy_of(R"({"action":"abort"})");
  TRY_ASSIGN(const auto answer, session.call({.method = "POST", .path = path, .body = &body}));
  return print_rotation(session, answer);
}

constexpr Flag kMount{.name = "mount", .value_name = "PATH", .help = "The engine's path; the path is then within it"};
constexpr std::array kMountFlags{kMount};
constexpr std::array kStatusFlags{kMount, Flag{.name = "state", .value_name = "STATE", .help = "Without PATH: only overdue, failing, never, expired or rotate_by"}};
constexpr std::array kStaleFlags{Flag{.name = "days", .value_name = "NUMBER", .help = "Not read for so long; 90 if not given"}};
constexpr std::array kNowFlags{kMount,
                               Flag{.name = "rotator", .value_name = "NAME", .help = "What makes its contents, from now on"},
                               Flag{.name = "automatically-after-days", .value_name = "NUMBER", .help = "When it rotates, from now on"},
                               Flag{.name = "schedule-expression", .value_name = "RULE", .help = "The same as rate(…) or cron(…)"},
                               Flag{.name = "duration", .value_name = "DURATION", .help = "How long the window is"},
                               Flag{.name = "retry", .help = "Try the failed run again now", .takes = Flag::Takes::kNothing}};

constexpr std::array kCommands{
    Command{.name = "rotation status",
            .group = Group::kSecrets,
            .arguments = "[PATH]",
            .help = "Tell how a secret rotates, or list all that do",
            .example = "keyhold rotation status secret/app\nkeyhold rotation status -state=failing",
            .flags = kStatusFlags,
            .arguments_max = 1,
            .run = status},
    Command{.name = "rotation history",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "List the last runs of a secret's rotation",
            .example = "keyhold rotation history secret/app",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = history},
    Command{.name = "rotation now",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Rotate a secret now; with flags, by this rule from now on",
            .example = "keyhold rotation now -rotator=random -automatically-after-days=30 secret/app",
            .flags = kNowFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = now},
    Command{.name = "rotation abort",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Give up the run in hand",
            .example = "keyhold rotation abort secret/app",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = abort_run},
    Command{.name = "rotation stale",
            .group = Group::kSecrets,
            .help = "List secrets that nobody reads",
            .example = "keyhold rotation stale -days=180",
            .flags = kStaleFlags,
            .run = stale},
};

}  // namespace

std::span<const Command> rotation_commands() { return kCommands; }

}  // namespace keyhold::cli
