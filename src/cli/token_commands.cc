// token: tokens.
#include <algorithm>
#include <array>

#include "cli/flag_fields.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Kind = FlagField::Kind;
using Takes = Flag::Takes;

/// A body that names a token or an accessor.
SecretBytes body_of(std::string_view name, const SecretBytes& value, std::string_view increment = {}) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key(name).string(value.reveal());
  if (!increment.empty()) writer.key("increment").string(increment);
  writer.end_object();
  return body;
}

/// What a command is about: the caller's own token, one that was given, or the one of an accessor.
struct Subject {
  std::string path;  // "auth/token/renew-self".
  SecretBytes body;
};

/// For `verb` at auth/token: TOKEN or - as the argument from `at` on, or -accessor, or neither.
Result<Subject> subject(Session& session, const std::string& verb) {
  const std::string base = "auth/token/" + verb;
  const std::string_view given = session.argument(0);
  const std::string_view increment = session.flag("increment");
  // As in Vault, -accessor is a switch, and the accessor the argument.
  if (session.arguments().on("accessor")) {
    if (given.empty()) return usage_error("-accessor needs the accessor as the argument");
    return Subject{base + "-accessor", body_of("accessor", SecretBytes::copy_of(given), increment)};
  }
  if (given.empty()) {
    SecretBytes body;
    json::Writer writer(body);
    writer.begin_object();
    if (!increment.empty()) writer.key("increment").string(increment);
    writer.end_object();
    return Subject{base + "-self", std::move(body)};
  }
  TRY_ASSIGN(const SecretBytes token, session.secret_argument(given, "Token (will be hidden): "));
  return Subject{base, body_of("token", token, increment)};
}

Result<int> create(Session& session) {
  constexpr std::array kFields{FlagField{"display-name", "display_name"},
                               FlagField{"ttl", "ttl"},
                               FlagField{"explicit-max-ttl", "explicit_max_ttl"},
                               FlagField{"period", "period"},
                               FlagField{"renewable", "renewable", Kind::kTruth},
                               FlagField{"no-default-policy", "no_default_policy", Kind::kTruth},
                               FlagField{"use-limit", "num_uses", Kind::kNumber},
                               FlagField{"type", "type"},
                               FlagField{"entity-alias", "entity_alias"},
                               FlagField{"policy", "policies", Kind::kList},
                               FlagField{"metadata", "meta", Kind::kPairs}};
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  TRY(append_fields(writer, session.arguments(), kFields));
  if (session.arguments().has("id")) {
    TRY_ASSIGN(const SecretBytes id, session.secret_argument(session.flag("id"), "Id of the new token (will be hidden): "));
    writer.key("id").string(id.reveal());
  }
  if (session.arguments().on("orphan")) writer.key("no_parent").boolean(true);
  writer.end_object();
  std::string path = "auth/token/create";
  if (!session.flag("role").empty()) path.append("/").append(session.flag("role"));
  TRY_ASSIGN(const auto answer, session.call({.method = "POST", .path = path, .body = &body}));
  return session.print_answer(answer);
}

Result<int> lookup(Session& session) {
  TRY_ASSIGN(const Subject about, subject(session, "lookup"));
  const bool own = about.path.ends_with("-self");
  TRY_ASSIGN(const auto answer, session.call({.method = own ? "GET" : "POST", .path = about.path, .body = own ? nullptr : &about.body}));
  return session.print_answer(answer);
}

Result<int> renew(Session& session) {
  TRY_ASSIGN(const Subject about, subject(session, "renew"));
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = about.path, .body = &about.body}));
  return session.print_answer(answer);
}

Result<int> revoke(Session& session) {
  const bool self = session.arguments().on("self");
  const std::string_view given = session.argument(0);
  const std::string_view mode = session.flag("mode");
  if (self == !given.empty()) return usage_error("say which token to revoke: TOKEN, - for standard input, -accessor ACCESSOR, or -self");
  if (mode == "path") {
    const std::string path = "sys/revoke-prefix/" + clean_path(given);
    TRY(session.call({.method = "PUT", .path = path}));
    return session.success("Revoked token (if it existed)");
  }
  if (!mode.empty() && mode != "orphan") return usage_error("-mode is orphan or path");
  TRY_ASSIGN(Subject about, subject(session, "revoke"));
  if (mode == "orphan") {
    if (!about.path.ends_with("/revoke")) return usage_error("-mode=orphan needs the token itself");
    about.path += "-orphan";
  }
  TRY(session.call({.method = "PUT", .path = about.path, .body = about.path.ends_with("-self") ? nullptr : &about.body}));
  return session.success("Revoked token (if it existed)");
}

Result<int> capabilities(Session& session) {
  const auto& given = session.arguments().positional();
  const std::string_view path = given.back();
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("path").string(path);
  std::string api_path = "sys/capabilities-self";
  if (given.size() == 2 && session.arguments().on("accessor")) {
    writer.key("accessor").string(given.front());
    api_path = "sys/capabilities-accessor";
  } else if (given.size() == 2) {
    TRY_ASSIGN(const SecretBytes token, session.secret_argument(given.front(), "Token (will be hidden): "));
    writer.key("token").string(token.reveal());
    api_path = "sys/capabilities";
  }
  writer.end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "POST", .path = api_path, .body = &body}));
  const auto data = answer.data();
  const auto list = data ? data->find("capabilities") : std::nullopt;
  if (!list || !list->is_array() || session.wants_field() || session.format() == Format::kRaw) return session.print_answer(answer);
  if (session.format() != Format::kTable) return session.print_value(*list);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < list->size(); ++i) words.emplace_back(plain_text(list->at(i)).reveal());
  std::sort(words.begin(), words.end());
  std::string line;
  for (const std::string& word : words) line.append(line.empty() ? "" : ", ").append(word);
  session.out().line(line);
  return kExitDone;
}

constexpr Flag kAccessor{.name = "accessor", .help = "The argument is a token's accessor", .takes = Takes::kNothing};
constexpr Flag kIncrement{.name = "increment", .value_name = "DURATION", .help = "For how long from now on", .alias = "i"};
constexpr std::array kAccessorFlags{kAccessor};
constexpr std::array kRenewFlags{kAccessor, kIncrement};
constexpr std::array kRevokeFlags{kAccessor, Flag{.name = "self", .help = "The token that asks", .takes = Takes::kNothing},
                                  Flag{.name = "mode", .value_name = "MODE", .help = "orphan: leave its children; path: all tokens made at this path"}};
constexpr std::array kCreateFlags{
    Flag{.name = "policy", .value_name = "NAME", .help = "A policy it has; may be repeated", .takes = Takes::kValues},
    Flag{.name = "ttl", .value_name = "DURATION", .help = "Life time"},
    Flag{.name = "explicit-max-ttl", .value_name = "DURATION", .help = "The longest that renewing makes it"},
    Flag{.name = "period", .value_name = "DURATION", .help = "Make it periodic: each renewal gives it this much"},
    Flag{.name = "renewable", .help = "-renewable=false: it cannot be renewed", .takes = Takes::kNothing},
    Flag{.name = "use-limit", .value_name = "NUMBER", .help = "How often it may be used"},
    Flag{.name = "orphan", .help = "It has no parent, with whose end it would end", .takes = Takes::kNothing},
    Flag{.name = "no-default-policy", .help = "Without the policy default", .takes = Takes::kNothing},
    Flag{.name = "display-name", .value_name = "TEXT", .help = "For people"},
    Flag{.name = "metadata", .value_name = "KEY=VALUE", .help = "For the journal; may be repeated", .takes = Takes::kValues},
    Flag{.name = "type", .value_name = "TYPE", .help = "service or batch"},
    Flag{.name = "role", .value_name = "NAME", .help = "Through this role of auth/token/roles"},
    Flag{.name = "entity-alias", .value_name = "NAME", .help = "Alias of an entity"},
    Flag{.name = "id", .value_name = "TOKEN", .help = "The token itself, or - to ask for it"}};

constexpr std::array kCommands{
    Command{.name = "token create",
            .group = Group::kAccess,
            .help = "Make a token below the one that asks",
            .example = "keyhold token create -policy=app -ttl=1h",
            .flags = kCreateFlags,
            .run = create},
    Command{.name = "token lookup",
            .group = Group::kAccess,
            .arguments = "[TOKEN]",
            .help = "Tell what a token is\n\nWithout TOKEN the one that asks; - reads it from standard input or asks for it.",
            .example = "keyhold token lookup\nkeyhold token lookup -accessor 0e9e354a",
            .flags = kAccessorFlags,
            .arguments_max = 1,
            .run = lookup},
    Command{.name = "token renew",
            .group = Group::kAccess,
            .arguments = "[TOKEN]",
            .help = "Move a token's end on\n\nWithout TOKEN the one that asks; - reads it from standard input or asks for it.",
            .example = "keyhold token renew -increment=1h",
            .flags = kRenewFlags,
            .arguments_max = 1,
            .run = renew},
    Command{.name = "token revoke",
            .group = Group::kAccess,
            .arguments = "[TOKEN]",
            .help = "End a token and all below it",
            .example = "keyhold token revoke -self\nkeyhold token revoke -accessor 0e9e354a",
            .flags = kRevokeFlags,
            .arguments_max = 1,
            .run = revoke},
    Command{.name = "token capabilities",
            .group = Group::kAccess,
            .arguments = "[TOKEN] PATH",
            .help = "Tell what a token may do at a path",
            .example = "keyhold token capabilities secret/data/app",
            .flags = kAccessorFlags,
            .arguments_min = 1,
            .arguments_max = 2,
            .run = capabilities},
};

}  // namespace

std::span<const Command> token_commands() { return kCommands; }

}  // namespace keyhold::cli
