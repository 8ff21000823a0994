// kv: secrets with versions, and those of version 1.
#include <algorithm>
#include <array>

#include "base/scalar.h"
#include "cli/kv_path.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using client::ApiAnswer;
using client::ApiRequest;
using Takes = Flag::Takes;

std::optional<json::Value> member(const std::optional<json::Value>& object, std::string_view name) {
  auto found = object && object->is_object() ? object->find(name) : std::nullopt;
  if (found && found->is_null()) found.reset();
  return found;
}

Result<std::int64_t> number_flag(const Session& session, std::string_view name) {
  const auto number = parse_integer(session.flag(name));
  if (!number || *number < 0) return usage_error("-" + std::string(name) + " is a number");
  return *number;
}

/// {"versions":[1,2]} of -versions=1,2, which may be repeated.
Result<SecretBytes> versions_body(const Session& session) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("versions").begin_array();
  for (std::string_view list : session.arguments().values("versions")) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const auto number = parse_integer(list.substr(0, comma));
      if (!number || *number < 1) return usage_error("-versions is a list of numbers: -versions=1,2");
      writer.number(*number);
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  writer.end_array().end_object();
  return body;
}

Error needs_version_2(std::string_view mount) {
  return usage_error("the engine at " + std::string(mount) + " keeps no versions: `keyhold kv enable-versioning " + std::string(mount) + "` has it keep them");
}

void print_path(Session& session, const std::string& path) {
  session.out().line(section_heading("Secret Path", path.size()), Style::kBold);
  session.out().line(path + "\n");
}

void print_section(Session& session, std::string_view title, const json::Value& rows) {
  session.out().line(section_heading(title, rows_width(rows)), Style::kBold);
  session.print_rows(rows);
}

// get

/// A deleted or destroyed version: metadata without data. Vault's client takes it for an answer, and so do we.
bool tells_of_a_gone_version(const ApiAnswer& answer) { return answer.status() == 404 && member(answer.data(), "metadata").has_value(); }

Result<int> print_secret(Session& session, const ApiAnswer& answer, const MountedPath& path, const std::string& api_path) {
  if (path.version == 1) {
    if (session.wants_field() || session.format() != Format::kTable || answer.find("wrap_info")) return session.print_answer(answer);
    session.print_warnings(answer);
    if (const auto data = answer.data()) print_section(session, "Data", *data);
    return kExitDone;
  }
  const auto content = member(answer.data(), "data");
  if (session.wants_field() && !answer.find("wrap_info")) {
    if (!content) return Error{Code::kNotFound, "No data found at " + api_path, client::kRemote};
    return session.print_field(*content);
  }
  if (session.format() != Format::kTable || answer.find("wrap_info")) return session.print_answer(answer);
  print_path(session, api_path);
  session.print_warnings(answer);
  if (const auto metadata = member(answer.data(), "metadata")) {
    print_section(session, "Metadata", *metadata);
    if (content) session.out().line("");
  }
  if (content) print_section(session, "Data", *content);
  return kExitDone;
}

Result<int> get(Session& session) {
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  ApiRequest request{.path = path.api_path("data")};
  if (session.arguments().has("version")) {
    if (path.version == 1) return needs_version_2(path.mount);
    TRY_ASSIGN(const auto version, number_flag(session, "version"));
    request.query.emplace_back("version", std::to_string(version));
  }
  TRY_ASSIGN(const auto answer, session.send(request));
  const bool gone = path.version == 2 && tells_of_a_gone_version(answer);
  if (answer.status() == 404 && answer.errors().empty() && !gone) return no_value_at(request.path);
  if (!answer.ok() && !gone) return session.refusal(request, answer);
  return print_secret(session, answer, path, request.path);
}

// put, patch

Result<SecretBytes> write_body(Session& session, const SecretBytes& object, const MountedPath& path) {
  if (path.version == 1) {
    if (session.arguments().has("cas")) return needs_version_2(path.mount);
    return object.clone();
  }
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("data").raw(object.reveal()).key("options").begin_object();
  if (session.arguments().has("cas")) {
    const auto cas = parse_integer(session.flag("cas"));
    if (!cas || *cas < -1) return usage_error("-cas is the number of the version that must be the current one; 0: there must be none");
    if (*cas >= 0) writer.key("cas").number(*cas);
  }
  writer.end_object().end_object();
  return body;
}

Result<int> print_written(Session& session, const ApiAnswer& answer, const std::string& api_path) {
  if (answer.body().empty()) return session.success("Data written to: " + api_path);
  const auto data = answer.data();
  if (session.wants_field() || session.format() != Format::kTable || answer.find("wrap_info") || !data) return session.print_answer(answer);
  print_path(session, api_path);
  session.print_warnings(answer);
  print_section(session, "Metadata", *data);
  return kExitDone;
}

Result<void> needs_data(const Session& session) {
  if (session.arguments().positional().size() > 1) return {};
  return usage_error("there is no data: give key=value, key=@file, key=- for standard input or a hidden prompt, or - or @file for all as JSON");
}

Result<int> put(Session& session) {
  TRY(needs_data(session));
  TRY_ASSIGN(const SecretBytes object, session.object_argument(1));
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  const std::string api_path = path.api_path("data");
  TRY_ASSIGN(const SecretBytes body, write_body(session, object, path));
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = api_path, .body = &body}));
  return print_written(session, answer, api_path);
}

/// What to send so that members of -remove-data go: a merge patch has null for them.
Result<SecretBytes> with_removals(const Session& session, const SecretBytes& object) {
  const auto removed = session.arguments().values("remove-data");
  auto document = json::Document::parse(object.reveal(), {.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax});
  CHECK(document.ok());  // object_argument() made it.
  const json::Value root = document->root();
  SecretBytes out;
  json::Writer writer(out);
  writer.begin_object();
  for (std::size_t i = 0; i < root.size(); ++i) writer.key(root.key_at(i)).raw(root.at(i).raw());
  for (const std::string_view name : removed) {
    if (root.find(name)) return usage_error("-remove-data names a key that has a value as well");
    writer.key(name).null();
  }
  writer.end_object();
  return out;
}

/// Reads the current content, and writes it back with the changes under the condition that nobody wrote meanwhile: needs no right to patch.
Result<int> read_and_write(Session& session, const SecretBytes& changes, const MountedPath& path, const std::string& api_path) {
  TRY_ASSIGN(const auto current, session.look({.path = api_path}));
  const auto content = member(current.data(), "data");
  const auto version = member(member(current.data(), "metadata"), "version");
  if (!content || !version) return no_value_at(api_path);
  auto document = json::Document::parse(changes.reveal());
  if (!document.ok()) return usage_error("the data has too many keys");
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("data").begin_object();
  for (std::size_t i = 0; i < content->size(); ++i) {
    if (!document->root().find(content->key_at(i))) writer.key(content->key_at(i)).raw(content->at(i).raw());
  }
  for (std::size_t i = 0; i < document->root().size(); ++i) {
    if (!document->root().at(i).is_null()) writer.key(document->root().key_at(i)).raw(document->root().at(i).raw());
  }
  writer.end_object().key("options").begin_object().key("cas").raw(version->raw()).end_object().end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = path.api_path("data"), .body = &body}));
  return print_written(session, answer, api_path);
}

Result<int> patch(Session& session) {
  if (!session.arguments().has("remove-data")) TRY(needs_data(session));
  TRY_ASSIGN(const SecretBytes object, session.object_argument(1));
  TRY_ASSIGN(const SecretBytes changes, with_removals(session, object));
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  if (path.version == 1) return needs_version_2(path.mount);
  const std::string api_path = path.api_path("data");
  const std::string_view method = session.flag("method");
  if (method == "rw") return read_and_write(session, changes, path, api_path);
  if (!method.empty() && method != "patch") return usage_error("-method is patch or rw");
  TRY_ASSIGN(const SecretBytes body, write_body(session, changes, path));
  const ApiRequest request{.method = "PATCH", .path = api_path, .body = &body};
  TRY_ASSIGN(const auto answer, session.send(request));
  if (answer.status() == 404) return no_value_at(api_path);
  if (!answer.ok()) {
    Error refused = session.refusal(request, answer);
    if (answer.status() == 403 || answer.status() == 405) refused.message.append("\n\nA token that may read and write but not patch can use -method=rw.");
    return refused;
  }
  return print_written(session, answer, api_path);
}

// list, scan

Result<int> names(Session& session, std::string_view method) {
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  const std::string api_path = path.api_path("metadata") + (path.version == 1 && path.rest.empty() ? "" : "/");
  const ApiRequest request{.method = method, .path = api_path};
  TRY_ASSIGN(const auto answer, session.send(request));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(api_path);
  if (!answer.ok()) return session.refusal(request, answer);
  return session.print_keys(answer, api_path);
}

Result<int> list(Session& session) { return names(session, "LIST"); }
Result<int> scan(Session& session) { return names(session, "SCAN"); }

// delete, undelete, destroy, rollback

Result<int> remove(Session& session) {
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  if (session.arguments().has("versions")) {
    if (path.version == 1) return needs_version_2(path.mount);
    TRY_ASSIGN(const SecretBytes body, versions_body(session));
    const std::string api_path = path.api_path("delete");
    TRY(session.call({.method = "PUT", .path = api_path, .body = &body}));
    return session.success("Data deleted (if it existed) at: " + api_path);
  }
  const std::string api_path = path.api_path("data");
  TRY(session.call({.method = "DELETE", .path = api_path}));
  return session.success("Data deleted (if it existed) at: " + api_path);
}

Result<int> change_versions(Session& session, std::string_view section) {
  if (!session.arguments().has("versions")) return usage_error("say which versions: -versions=1,2");
  TRY_ASSIGN(const SecretBytes body, versions_body(session));
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  if (path.version == 1) return needs_version_2(path.mount);
  const std::string api_path = path.api_path(section);
  TRY(session.call({.method = "PUT", .path = api_path, .body = &body}));
  return session.success("Data written to: " + api_path);
}

Result<int> undelete(Session& session) { return change_versions(session, "undelete"); }
Result<int> destroy(Session& session) { return change_versions(session, "destroy"); }

Result<int> rollback(Session& session) {
  if (!session.arguments().has("version")) return usage_error("say to which version: -version=1");
  TRY_ASSIGN(const auto version, number_flag(session, "version"));
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  if (path.version == 1) return needs_version_2(path.mount);
  const std::string api_path = path.api_path("data");
  // The number that the new version must follow.
  TRY_ASSIGN(const auto metadata, session.look({.path = path.api_path("metadata")}));
  const auto current = member(metadata.data(), "current_version");
  TRY_ASSIGN(const auto old, session.look({.path = api_path, .query = {{"version", std::to_string(version)}}}));
  const auto content = member(old.data(), "data");
  if (!current || !content) return no_value_at(api_path);
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("data").raw(content->raw());
  writer.key("options").begin_object().key("cas").raw(current->raw()).end_object().end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = api_path, .body = &body}));
  return session.print_answer(answer);
}

Result<int> enable_versioning(Session& session) {
  const std::string mount = folder_path(session.argument(0));
  const SecretBytes body = SecretBytes::copy_of(R"({"options":{"version":"2"}})");
  TRY(session.call({.method = "POST", .path = "sys/mounts/" + mount + "tune", .body = &body}));
  return session.success("Tuned the secrets engine at: " + mount);
}

constexpr Flag kMount{.name = "mount", .value_name = "PATH", .help = "The engine's path; the path is then within it"};
constexpr Flag kCas{.name = "cas", .value_name = "NUMBER", .help = "Only if this is the current version; 0: only if there is none"};
constexpr Flag kVersions{.name = "versions", .value_name = "LIST", .help = "Numbers of versions: 1,2", .takes = Takes::kValues};
constexpr Flag kVersion{.name = "version", .value_name = "NUMBER", .help = "Number of a version; the current one if not given"};
constexpr std::array kGetFlags{kVersion, kMount};
constexpr std::array kPutFlags{kCas, kMount};
constexpr std::array kPatchFlags{kCas, kMount,
                                 Flag{.name = "method", .value_name = "patch|rw", .help = "rw reads and writes back, for tokens that may not patch"},
                                 Flag{.name = "remove-data", .value_name = "KEY", .help = "Remove this key; may be repeated", .takes = Takes::kValues}};
constexpr std::array kMountFlags{kMount};
constexpr std::array kVersionsFlags{kVersions, kMount};

constexpr std::array kCommands{
    Command{.name = "kv get",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Read a secret\n\nPrints the path, what is known of the version, and the content. Of a deleted version there is no content.",
            .example = "keyhold kv get secret/app\nkeyhold kv get -field=password secret/app",
            .flags = kGetFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = get},
    Command{.name = "kv put",
            .group = Group::kSecrets,
            .arguments = "PATH key=value…",
            .help = "Write a new version of a secret\n\nThe data is key=value, key=@file, key=- for standard input or a hidden prompt, @file or - for "
                    "all of it as JSON.\nSo no secret has to stand in the command line.",
            .example = "keyhold kv put secret/app username=app password=-",
            .flags = kPutFlags,
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = put},
    Command{.name = "kv patch",
            .group = Group::kSecrets,
            .arguments = "PATH key=value…",
            .help = "Write a new version with some keys changed",
            .example = "keyhold kv patch secret/app password=@password.txt",
            .flags = kPatchFlags,
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = patch},
    Command{.name = "kv list",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "List the secrets and folders below a path",
            .example = "keyhold kv list secret/",
            .flags = kMountFlags,
            .arguments_max = 1,
            .run = list},
    Command{.name = "kv scan",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "List all secrets below a path, those in folders as well",
            .example = "keyhold kv scan secret/",
            .flags = kMountFlags,
            .arguments_max = 1,
            .run = scan},
    Command{.name = "kv delete",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Delete the current version, or those of -versions\n\n`keyhold kv undelete` brings them back.",
            .example = "keyhold kv delete secret/app",
            .flags = kVersionsFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = remove},
    Command{.name = "kv undelete",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Bring deleted versions back",
            .example = "keyhold kv undelete -versions=3 secret/app",
            .flags = kVersionsFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = undelete},
    Command{.name = "kv destroy",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Erase versions for good",
            .example = "keyhold kv destroy -versions=1,2 secret/app",
            .flags = kVersionsFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = destroy},
    Command{.name = "kv rollback",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Write an old version anew as the current one",
            .example = "keyhold kv rollback -version=2 secret/app",
            .flags = kGetFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = rollback},
    Command{.name = "kv enable-versioning",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Have an engine of version 1 keep versions",
            .example = "keyhold kv enable-versioning kv/",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = enable_versioning},
};

}  // namespace

std::span<const Command> kv_commands() { return kCommands; }

}  // namespace keyhold::cli
