// audit: where the journal is sent. `audit verify` reads files, and is the server's.
#include <array>

#include "cli/flag_fields.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

Result<int> list(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.path = "sys/audit"}));
  const auto devices = answer.data();
  if (!devices || session.format() == Format::kRaw) return session.print_answer(answer);
  if (session.wants_field()) return session.print_field(*devices);
  if (session.format() != Format::kTable) return session.print_sorted(*devices);
  if (devices->size() == 0) {
    session.out().line("No audit devices are enabled. The journal is written all the same.");
    return kExitRemote;
  }
  const bool detailed = session.arguments().on("detailed");
  Table table(detailed ? std::vector<std::string>{"Path", "Type", "Description", "Options"} : std::vector<std::string>{"Path", "Type", "Description"});
  for (const auto& [path, device] : sorted_members(*devices)) {
    std::vector<SecretBytes> cells;
    cells.push_back(SecretBytes::copy_of(path));
    cells.push_back(member_text(device, "type"));
    cells.push_back(member_text(device, "description"));
    if (detailed) cells.push_back(member_text(device, "options"));
    table.row(std::move(cells));
  }
  session.print_table(table);
  return kExitDone;
}

Result<int> enable(Session& session) {
  const std::string type(session.argument(0));
  const std::string path = folder_path(session.flag("path").empty() ? std::string_view(type) : session.flag("path"));
  TRY_ASSIGN(const SecretBytes options, session.object_argument(1));
  constexpr std::array kFields{FlagField{"description", "description"}, FlagField{"local", "local", FlagField::Kind::kTruth}};
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("type").string(type);
  TRY(append_fields(writer, session.arguments(), kFields));
  writer.key("options").raw(options.reveal()).end_object();
  TRY(session.call({.method = "PUT", .path = "sys/audit/" + clean_path(path), .body = &body}));
  return session.success("Enabled the " + type + " audit device at: " + path);
}

Result<int> disable(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY(session.call({.method = "DELETE", .path = "sys/audit/" + clean_path(path)}));
  return session.success("Disabled audit device (if it was enabled) at: " + path);
}

constexpr std::array kListFlags{Flag{.name = "detailed", .help = "Options as well", .takes = Takes::kNothing}};
constexpr std::array kEnableFlags{Flag{.name = "path", .value_name = "PATH", .help = "Its name; its type if not given"},
                                  Flag{.name = "description", .value_name = "TEXT", .help = "For people"},
                                  Flag{.name = "local", .help = "Of this cluster alone", .takes = Takes::kNothing}};

constexpr std::array kCommands{
    Command{.name = "audit list",
            .group = Group::kOperation,
            .help = "List where the journal is sent",
            .example = "keyhold audit list",
            .flags = kListFlags,
            .run = list},
    Command{.name = "audit enable",
            .group = Group::kOperation,
            .arguments = "TYPE [key=value…]",
            .help = "Have the journal sent somewhere\n\nFor servers of Vault: Keyhold's own takes its audit devices from the configuration file and says so.",
            .example = "keyhold audit enable file file_path=/var/log/audit.log",
            .flags = kEnableFlags,
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = enable},
    Command{.name = "audit disable",
            .group = Group::kOperation,
            .arguments = "PATH",
            .help = "Send the journal there no more\n\nFor servers of Vault, as `keyhold audit enable`.",
            .example = "keyhold audit disable file/",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = disable},
};

}  // namespace

std::span<const Command> audit_commands() { return kCommands; }

}  // namespace keyhold::cli
