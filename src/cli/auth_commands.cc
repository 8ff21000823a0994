// auth: ways to log in.
#include <array>

#include "cli/mount_fields.h"
#include "cli/render.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

Result<int> list(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.path = "sys/auth"}));
  return print_mounts(session, answer);
}

Result<int> enable(Session& session) {
  const std::string type(session.argument(0));
  const std::string_view named = session.flag("path");
  const std::string path = folder_path(named.empty() ? std::string_view(type) : named);
  TRY_ASSIGN(const SecretBytes body, enable_body(session, type));
  TRY(session.call({.method = "POST", .path = "sys/auth/" + clean_path(path), .body = &body}));
  return session.success("Enabled " + type + " auth method at: " + path);
}

Result<int> disable(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY(session.call({.method = "DELETE", .path = "sys/auth/" + clean_path(path)}));
  return session.success("Disabled the auth method (if it existed) at: " + path);
}

Result<int> tune(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY_ASSIGN(const SecretBytes body, tune_body(session));
  TRY(session.call({.method = "POST", .path = "sys/mounts/auth/" + path + "tune", .body = &body}));
  return session.success("Tuned the auth method at: " + path);
}

Result<int> move(Session& session) {
  return move_mount(session, "auth/" + folder_path(session.argument(0)), "auth/" + folder_path(session.argument(1)), "auth method");
}

Result<int> help(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY_ASSIGN(const auto answer, session.call({.path = "auth/" + path, .query = {{"help", "1"}}}));
  const auto text = answer.find("help");
  if (!text) return no_value_at("auth/" + path);
  session.out().line(plain_text(*text).reveal());
  return kExitDone;
}

constexpr std::array kListFlags{Flag{.name = "detailed", .help = "More columns", .takes = Takes::kNothing}};

const std::array kCommands{
    Command{.name = "auth list",
            .group = Group::kAccess,
            .help = "List the auth methods and where they are",
            .example = "keyhold auth list",
            .flags = kListFlags,
            .run = list},
    Command{.name = "auth enable",
            .group = Group::kAccess,
            .arguments = "TYPE",
            .help = "Enable an auth method",
            .example = "keyhold auth enable -path=keys access-key",
            .flags = enable_flags(),
            .arguments_min = 1,
            .arguments_max = 1,
            .run = enable},
    Command{.name = "auth disable",
            .group = Group::kAccess,
            .arguments = "PATH",
            .help = "Disable an auth method and end the tokens that it gave out",
            .example = "keyhold auth disable keys/",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = disable},
    Command{.name = "auth tune",
            .group = Group::kAccess,
            .arguments = "PATH",
            .help = "Change settings of an auth method",
            .example = "keyhold auth tune -max-lease-ttl=24h token/",
            .flags = tune_flags(),
            .arguments_min = 1,
            .arguments_max = 1,
            .run = tune},
    Command{.name = "auth move",
            .group = Group::kAccess,
            .arguments = "FROM TO",
            .help = "Move an auth method to another path",
            .example = "keyhold auth move keys/ machines/",
            .arguments_min = 2,
            .arguments_max = 2,
            .run = move},
    Command{.name = "auth help",
            .group = Group::kAccess,
            .arguments = "PATH",
            .help = "Tell what an auth method can do",
            .example = "keyhold auth help token/",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = help},
};

}  // namespace

std::span<const Command> auth_commands() { return kCommands; }

}  // namespace keyhold::cli
