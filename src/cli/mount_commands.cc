// secrets: engines that hold secrets.
#include <array>

#include "cli/mount_fields.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

Result<int> list(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.path = "sys/mounts"}));
  return print_mounts(session, answer);
}

Result<int> enable(Session& session) {
  const std::string type(session.argument(0));
  const std::string_view named = session.flag("path");
  const bool versioned = type == "kv-v1" || type == "kv-v2";
  const std::string path = folder_path(named.empty() ? (versioned ? "kv" : std::string_view(type)) : named);
  TRY_ASSIGN(const SecretBytes body, enable_body(session, type));
  TRY(session.call({.method = "POST", .path = "sys/mounts/" + clean_path(path), .body = &body}));
  return session.success("Enabled the " + type + " secrets engine at: " + path);
}

Result<int> disable(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY(session.call({.method = "DELETE", .path = "sys/mounts/" + clean_path(path)}));
  return session.success("Disabled the secrets engine (if it existed) at: " + path);
}

Result<int> tune(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY_ASSIGN(const SecretBytes body, tune_body(session));
  TRY(session.call({.method = "POST", .path = "sys/mounts/" + path + "tune", .body = &body}));
  return session.success("Tuned the secrets engine at: " + path);
}

Result<int> move(Session& session) {
  return move_mount(session, folder_path(session.argument(0)), folder_path(session.argument(1)), "secrets engine");
}

constexpr std::array kListFlags{Flag{.name = "detailed", .help = "More columns", .takes = Takes::kNothing}};

const std::array kCommands{
    Command{.name = "secrets list",
            .group = Group::kSecrets,
            .help = "List the engines and where they are",
            .example = "keyhold secrets list -detailed",
            .flags = kListFlags,
            .run = list},
    Command{.name = "secrets enable",
            .group = Group::kSecrets,
            .arguments = "TYPE",
            .help = "Mount an engine",
            .example = "keyhold secrets enable -path=secret kv-v2",
            .flags = enable_flags(),
            .arguments_min = 1,
            .arguments_max = 1,
            .run = enable},
    Command{.name = "secrets disable",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Unmount an engine and delete what it holds",
            .example = "keyhold secrets disable old/",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = disable},
    Command{.name = "secrets tune",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Change settings of an engine",
            .example = "keyhold secrets tune -default-lease-ttl=1h secret/",
            .flags = tune_flags(),
            .arguments_min = 1,
            .arguments_max = 1,
            .run = tune},
    Command{.name = "secrets move",
            .group = Group::kSecrets,
            .arguments = "FROM TO",
            .help = "Move an engine to another path, with all it holds",
            .example = "keyhold secrets move secret/ applications/",
            .arguments_min = 2,
            .arguments_max = 2,
            .run = move},
};

}  // namespace

std::span<const Command> mount_commands() { return kCommands; }

}  // namespace keyhold::cli
