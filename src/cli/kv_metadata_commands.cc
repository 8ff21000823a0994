// kv metadata: what is known about a secret, without its content.
#include <algorithm>
#include <array>

#include "base/scalar.h"
#include "cli/flag_fields.h"
#include "cli/kv_path.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

constexpr std::array kFields{FlagField{"max-versions", "max_versions", FlagField::Kind::kNumber},
                             FlagField{"cas-required", "cas_required", FlagField::Kind::kTruth},
                             FlagField{"delete-version-after", "delete_version_after"},
                             FlagField{"description", "description"},
                             FlagField{"owner", "owner"},
                             FlagField{"expires", "expires"},
                             FlagField{"rotate-by", "rotate_by"}};

Result<SecretBytes> fields_body(const Session& session) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  TRY(append_fields(writer, session.arguments(), kFields));
  const auto removed = session.arguments().values("remove-custom-metadata");
  if (session.arguments().has("custom-metadata") || !removed.empty()) {
    writer.key("custom_metadata").begin_object();
    TRY(append_pairs(writer, session.arguments(), "custom-metadata"));
    for (const std::string_view name : removed) writer.key(name).null();
    writer.end_object();
  }
  writer.end_object();
  if (!json::Document::parse(body.reveal()).ok()) return usage_error("a key is given twice, or is not text (UTF-8)");
  return body;
}

Result<MountedPath> find_versioned(Session& session) {
  TRY_ASSIGN(MountedPath path, find_mount(session, session.argument(0)));
  if (path.version == 1) return usage_error("the engine at " + path.mount + " is of version 1, which keeps no metadata");
  return path;
}

Result<int> get(Session& session) {
  TRY_ASSIGN(const MountedPath path, find_versioned(session));
  const std::string api_path = path.api_path("metadata");
  TRY_ASSIGN(const auto answer, session.send({.path = api_path}));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(api_path);
  if (!answer.ok()) return session.refusal({.path = api_path}, answer);
  const auto data = answer.data();
  if (session.wants_field() || session.format() != Format::kTable || answer.find("wrap_info") || !data) return session.print_answer(answer);
  session.print_warnings(answer);
  session.out().line(section_heading("Metadata Path", api_path.size()), Style::kBold);
  session.out().line(api_path + "\n");
  // All but the versions, which have sections of their own.
  SecretBytes rest;
  json::Writer writer(rest);
  writer.begin_object();
  std::vector<std::pair<std::int64_t, json::Value>> versions;
  for (const auto& [name, value] : sorted_members(*data)) {
    if (name != "versions") {
      writer.key(name).raw(value.raw());
      continue;
    }
    for (const auto& [number, version] : sorted_members(value)) versions.emplace_back(parse_integer(number).value_or(0), version);
  }
  writer.end_object();
  const auto document = json::Document::parse(rest.reveal(), {.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax});
  CHECK(document.ok());
  session.out().line(section_heading("Metadata", rows_width(document->root())), Style::kBold);
  session.print_rows(document->root());
  std::sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [number, version] : versions) {
    session.out().line("");
    session.out().line(section_heading("Version " + std::to_string(number), rows_width(version)), Style::kBold);
    session.print_rows(version);
  }
  return kExitDone;
}

Result<int> write_by(Session& session, std::string_view method) {
  TRY_ASSIGN(const SecretBytes body, fields_body(session));
  TRY_ASSIGN(const MountedPath path, find_versioned(session));
  const std::string api_path = path.api_path("metadata");
  TRY(session.call({.method = method, .path = api_path, .body = &body}));
  return session.success("Data written to: " + api_path);
}

Result<int> put(Session& session) { return write_by(session, "POST"); }
Result<int> patch(Session& session) { return write_by(session, "PATCH"); }

Result<int> remove(Session& session) {
  TRY_ASSIGN(const MountedPath path, find_versioned(session));
  const std::string api_path = path.api_path("metadata");
  TRY(session.call({.method = "DELETE", .path = api_path}));
  return session.success("Data deleted (if it existed) at: " + api_path);
}

constexpr Flag kMount{.name = "mount", .value_name = "PATH", .help = "The engine's path; the path is then within it"};
constexpr std::array kMountFlags{kMount};
constexpr std::array kPutFlags{
    kMount,
    Flag{.name = "max-versions", .value_name = "NUMBER", .help = "Versions to keep; 0 is what the engine says"},
    Flag{.name = "cas-required", .help = "Refuse writes that do not name the version they follow", .takes = Takes::kNothing},
    Flag{.name = "delete-version-after", .value_name = "DURATION", .help = "Delete each version so long after it was written"},
    Flag{.name = "custom-metadata", .value_name = "KEY=VALUE", .help = "May be repeated", .takes = Takes::kValues},
    Flag{.name = "description", .value_name = "TEXT", .help = "For people"},
    Flag{.name = "owner", .value_name = "TEXT", .help = "Whose secret it is"},
    Flag{.name = "expires", .value_name = "TIME", .help = "When it is no good any more: 2027-01-31T00:00:00Z"},
    Flag{.name = "rotate-by", .value_name = "TIME", .help = "Until when it must be rotated"}};
constexpr std::array kPatchFlags{
    kPutFlags[0], kPutFlags[1], kPutFlags[2], kPutFlags[3], kPutFlags[4], kPutFlags[5], kPutFlags[6], kPutFlags[7], kPutFlags[8],
    Flag{.name = "remove-custom-metadata", .value_name = "KEY", .help = "Remove this key; may be repeated", .takes = Takes::kValues}};

constexpr std::array kCommands{
    Command{.name = "kv metadata get",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Tell what is known of a secret and each of its versions",
            .example = "keyhold kv metadata get secret/app",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = get},
    Command{.name = "kv metadata put",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Set what is known of a secret\n\nCustom metadata are replaced whole; `keyhold kv metadata patch` changes some.",
            .example = "keyhold kv metadata put -max-versions=5 -custom-metadata=team=payments secret/app",
            .flags = kPutFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = put},
    Command{.name = "kv metadata patch",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Change some of what is known of a secret",
            .example = "keyhold kv metadata patch -remove-custom-metadata=team secret/app",
            .flags = kPatchFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = patch},
    Command{.name = "kv metadata delete",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Erase a secret with all its versions, for good",
            .example = "keyhold kv metadata delete secret/app",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = remove},
};

}  // namespace

std::span<const Command> kv_metadata_commands() { return kCommands; }

}  // namespace keyhold::cli
