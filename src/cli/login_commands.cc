// login, and what tells of its outcome.
#include <algorithm>
#include <array>

#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

/// The token of the arguments: TOKEN, token=TOKEN, - or none.
Result<SecretBytes> token_argument(Session& session) {
  std::string_view given = session.argument(0);
  if (given.starts_with("token=")) given.remove_prefix(6);
  TRY_ASSIGN(SecretBytes token, session.secret_argument(given, "Token (will be hidden): "));
  std::string_view text = token.reveal();
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  text = text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
  if (text.empty()) return usage_error("that token is empty");
  if (text.find_first_of(kBlank) != std::string_view::npos) return usage_error("a token is one word");
  return SecretBytes::copy_of(text);
}

/// An `auth` of what the server knows of the token, in the shape that a login answers.
SecretBytes auth_json(const SecretBytes& token, const json::Value& known) {
  SecretBytes out;
  json::Writer writer(out);
  const auto copy = [&](std::string_view to, std::string_view from, std::string_view otherwise) {
    const auto value = known.find(from);
    writer.key(to).raw(value ? value->raw() : otherwise);
  };
  writer.begin_object().key("request_id").string("").key("lease_id").string("").key("lease_duration").number(0);
  writer.key("renewable").boolean(false).key("data").null().key("warnings").null().key("auth").begin_object();
  writer.key("client_token").string(token.reveal());
  copy("accessor", "accessor", "\"\"");
  copy("policies", "policies", "[]");
  copy("token_policies", "policies", "[]");
  copy("identity_policies", "identity_policies", "[]");
  copy("metadata", "meta", "null");
  copy("orphan", "orphan", "false");
  copy("entity_id", "entity_id", "\"\"");
  copy("lease_duration", "ttl", "0");
  copy("renewable", "renewable", "false");
  writer.end_object().end_object();
  return out;
}

Result<int> login(Session& session) {
  const std::string_view method = session.arguments().value("method", "token");
  if (method != "token") return usage_error("the method " + std::string(method) + " is not there yet: log in with a token, -method=token");
  TRY_ASSIGN(const SecretBytes token, token_argument(session));
  session.use_token(token.clone());
  TRY_ASSIGN(const auto known, session.call({.path = "auth/token/lookup-self"}));
  const auto data = known.data();
  if (!data) return Error{Code::kInternal, "the server does not say what that token is", client::kRemote};
  const bool store = !session.arguments().on("no-store") && !session.arguments().on("token-only");
  if (store) TRY(session.token_file().write(token));
  if (session.arguments().on("token-only")) {
    session.out().value(token.reveal());
    return kExitDone;
  }
  if (session.arguments().on("no-print")) return kExitDone;
  const client::ApiAnswer answer(200, auth_json(token, *data));
  if (session.wants_field() || session.format() != Format::kTable) return session.print_answer(answer);
  if (!client::variable(session.environment(), "TOKEN").empty()) {
    session.err().line("WARNING! KEYHOLD_TOKEN or VAULT_TOKEN is set, and goes before the token that was just stored: unset it.\n", Style::kWarning);
  }
  session.out().print("Success! ", Style::kGood);
  session.out().line(store ? "You are now authenticated. The token is kept in " + session.token_file().path() + " for the\ncommands after this one.\n"
                           : std::string("You are now authenticated. The token is not kept: give it in KEYHOLD_TOKEN.\n"));
  return session.print_answer(answer);
}

Result<int> logout(Session& session) {
  TRY(session.token_file().erase());
  return session.success("The token that `keyhold login` kept is removed. It goes on being good until it is revoked or ends.");
}

Result<int> print_token(Session& session) {
  SecretBytes token = SecretBytes::copy_of(client::variable(session.environment(), "TOKEN"));
  if (token.empty()) {
    TRY_ASSIGN(token, session.token_file().read());
  }
  if (token.empty()) return usage_error("there is no token: run `keyhold login`, or set KEYHOLD_TOKEN");
  session.out().line(token.reveal());
  return kExitDone;
}

constexpr std::array kLoginFlags{Flag{.name = "method", .value_name = "NAME", .help = "How to log in: token"},
                                 Flag{.name = "no-store", .help = "Do not keep the token", .takes = Takes::kNothing},
                                 Flag{.name = "no-print", .help = "Print nothing", .takes = Takes::kNothing},
                                 Flag{.name = "token-only", .help = "Print the token alone, and do not keep it", .takes = Takes::kNothing},
                                 Flag{.name = "path", .value_name = "PATH", .help = "Where the method is mounted"}};

constexpr std::array kCommands{
    Command{.name = "login",
            .group = Group::kAccess,
            .arguments = "[TOKEN]",
            .help = "Check a token and keep it for later commands\n\nWithout TOKEN it is asked for and not shown, or read from standard input. It is kept in "
                    "~/.keyhold-token,\nwhich only you can read; where that is not, ~/.vault-token is read.",
            .example = "keyhold login",
            .flags = kLoginFlags,
            .arguments_max = 1,
            .run = login},
    Command{.name = "logout",
            .group = Group::kAccess,
            .help = "Forget the token that login kept",
            .example = "keyhold logout",
            .talks = Talks::kNot,
            .run = logout},
    Command{.name = "print token",
            .group = Group::kOther,
            .help = "Print the token that commands use",
            .example = "curl -H \"X-Vault-Token: $(keyhold print token)\" …",
            .talks = Talks::kNot,
            .run = print_token},
};

}  // namespace

std::span<const Command> login_commands() { return kCommands; }

}  // namespace keyhold::cli
