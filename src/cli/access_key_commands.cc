// access-key: pairs of keys for clients that sign their requests.
#include <array>

#include "cli/flag_fields.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Kind = FlagField::Kind;
using Takes = Flag::Takes;

/// "auth/MOUNT/key": of -mount, else of the one mount of that type that the caller may know of.
Result<std::string> keys_path(Session& session) {
  if (session.arguments().has("mount")) return "auth/" + folder_path(session.flag("mount")) + "key";
  TRY_ASSIGN(const auto answer, session.look({.path = "sys/internal/ui/mounts"}));
  const auto methods = answer.data() ? answer.data()->find("auth") : std::nullopt;
  std::vector<std::string> found;
  for (const auto& [path, method] : methods ? sorted_members(*methods) : std::vector<Member>()) {
    if (member_text(method, "type").reveal() == "access-key") found.push_back(path);
  }
  if (found.size() == 1) return "auth/" + found.front() + "key";
  if (found.empty()) return usage_error("there is no auth method of access keys: enable one with `keyhold auth enable access-key`, or name it with -mount");
  return usage_error("there are several auth methods of access keys: name one with -mount");
}

Result<int> create(Session& session) {
  constexpr std::array kFields{FlagField{"policy", "policies", Kind::kList}, FlagField{"bound-cidr", "bound_cidrs", Kind::kList}, FlagField{"ttl", "ttl"},
                               FlagField{"description", "description"}};
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  TRY(append_fields(writer, session.arguments(), kFields));
  const std::string id(session.argument(0));
  if (!id.empty()) {
    TRY_ASSIGN(const SecretBytes secret, session.secret_argument({}, "Secret access key (will be hidden): "));
    writer.key("secret_access_key").string(secret.reveal());
  }
  writer.end_object();
  TRY_ASSIGN(const std::string path, keys_path(session));
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = id.empty() ? path : path + "/" + id, .body = &body}));
  return session.print_answer(answer);
}

Result<int> list(Session& session) {
  TRY_ASSIGN(const std::string path, keys_path(session));
  TRY_ASSIGN(const auto answer, session.send({.method = "LIST", .path = path}));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(path);
  if (!answer.ok()) return session.refusal({.method = "LIST", .path = path}, answer);
  return session.print_keys(answer, path);
}

Result<int> read(Session& session) {
  TRY_ASSIGN(const std::string base, keys_path(session));
  const std::string path = base + "/" + clean_path(session.argument(0));
  TRY_ASSIGN(const auto answer, session.send({.path = path}));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(path);
  if (!answer.ok()) return session.refusal({.path = path}, answer);
  return session.print_answer(answer);
}

/// A body that only switches makes no key anew: the id must be there.
Result<int> change(Session& session, std::string_view json) {
  TRY_ASSIGN(const std::string base, keys_path(session));
  const SecretBytes body = SecretBytes::copy_of(json);
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = base + "/" + clean_path(session.argument(0)), .body = &body}));
  return session.print_answer(answer);
}

Result<int> disable(Session& session) { return change(session, R"({"disabled":true})"); }
Result<int> enable(Session& session) { return change(session, R"({"disabled":false})"); }

Result<int> remove(Session& session) {
  TRY_ASSIGN(const std::string base, keys_path(session));
  const std::string id = clean_path(session.argument(0));
  TRY(session.call({.method = "DELETE", .path = base + "/" + id}));
  return session.success("Deleted access key (if it existed): " + id);
}

constexpr Flag kMount{.name = "mount", .value_name = "PATH", .help = "The auth method's path; not needed when there is one"};
constexpr std::array kMountFlags{kMount};
constexpr std::array kCreateFlags{kMount,
                                  Flag{.name = "policy", .value_name = "NAME", .help = "A policy it has; may be repeated", .takes = Takes::kValues},
                                  Flag{.name = "bound-cidr", .value_name = "CIDR", .help = "From where it may be used; may be repeated", .takes = Takes::kValues},
                                  Flag{.name = "ttl", .value_name = "DURATION", .help = "Life time; for ever if not given"},
                                  Flag{.name = "description", .value_name = "TEXT", .help = "For people"}};

constexpr std::array kCommands{
    Command{.name = "access-key create",
            .group = Group::kAccess,
            .arguments = "[ID]",
            .help = "Make a pair of keys; this answer alone tells the secret one\n\nWith ID a pair from elsewhere is taken over: its secret is read from standard "
                    "input, or asked for and not shown.",
            .example = "keyhold access-key create -policy=billing -ttl=90d\nkeyhold access-key create -policy=billing AKIAIMPORTED00000001 <secret.txt",
            .flags = kCreateFlags,
            .arguments_max = 1,
            .run = create},
    Command{.name = "access-key list", .group = Group::kAccess, .help = "List the ids", .example = "keyhold access-key list", .flags = kMountFlags, .run = list},
    Command{.name = "access-key read",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "Tell what a key is, without its secret",
            .example = "keyhold access-key read AKIAIMPORTED00000001",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = read},
    Command{.name = "access-key disable",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "Take a key out of use",
            .example = "keyhold access-key disable AKIAIMPORTED00000001",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = disable},
    Command{.name = "access-key enable",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "Bring a key back",
            .example = "keyhold access-key enable AKIAIMPORTED00000001",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = enable},
    Command{.name = "access-key delete",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "Delete a key and end what was made with it",
            .example = "keyhold access-key delete AKIAIMPORTED00000001",
            .flags = kMountFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = remove},
};

}  // namespace

std::span<const Command> access_key_commands() { return kCommands; }

}  // namespace keyhold::cli
