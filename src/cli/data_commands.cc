// read, write, list, delete, patch, unwrap, path-help: any path of the API.
#include <array>

#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using client::ApiRequest;
using Takes = Flag::Takes;

/// Arguments `k=v` from `first` on, as the query of a read.
Result<client::Query> query_argument(const Session& session, std::size_t first) {
  client::Query query;
  const auto& positional = session.arguments().positional();
  for (std::size_t i = first; i < positional.size(); ++i) {
    const std::size_t equals = positional[i].find('=');
    if (equals == std::string_view::npos || equals == 0) return usage_error("after the path come parameters, key=value");
    query.emplace_back(positional[i].substr(0, equals), positional[i].substr(equals + 1));
  }
  return query;
}

Result<int> read(Session& session) {
  ApiRequest request{.path = clean_path(session.argument(0))};
  TRY_ASSIGN(request.query, query_argument(session, 1));
  const std::string path = request.path;
  TRY_ASSIGN(const auto answer, session.send(request));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(path);
  if (!answer.ok()) return session.refusal(request, answer);
  return session.print_answer(answer);
}

/// What write and patch print.
Result<int> print_written(Session& session, const client::ApiAnswer& answer, const std::string& path) {
  if (answer.body().empty()) {
    if (session.wants_field()) return usage_error("the answer is empty: there is no field " + std::string(session.flag("field")));
    return session.success("Data written to: " + path);
  }
  return session.print_answer(answer);
}

Result<int> write_by(Session& session, std::string_view method) {
  const std::string path = clean_path(session.argument(0));
  if (session.arguments().positional().size() < 2 && !session.arguments().on("force")) {
    return usage_error("there is nothing to write: give key=value, or -force to write nothing");
  }
  TRY_ASSIGN(const SecretBytes body, session.object_argument(1));
  TRY_ASSIGN(const auto answer, session.call({.method = method, .path = path, .body = &body}));
  return print_written(session, answer, path);
}

Result<int> write(Session& session) { return write_by(session, "PUT"); }
Result<int> patch(Session& session) { return write_by(session, "PATCH"); }

Result<int> list(Session& session) {
  const std::string path = folder_path(session.argument(0));
  TRY_ASSIGN(const auto answer, session.send({.method = "LIST", .path = path}));
  if (answer.status() == 404 && answer.errors().empty()) return no_value_at(path);
  if (!answer.ok()) return session.refusal({.method = "LIST", .path = path}, answer);
  return session.print_keys(answer, path);
}

Result<int> remove(Session& session) {
  const std::string path = clean_path(session.argument(0));
  ApiRequest request{.method = "DELETE", .path = path};
  TRY_ASSIGN(request.query, query_argument(session, 1));
  TRY_ASSIGN(const auto answer, session.call(std::move(request)));
  if (!answer.body().empty()) return session.print_answer(answer);
  return session.success("Data deleted (if it existed) at: " + path);
}

Result<int> unwrap(Session& session) {
  SecretBytes token;
  if (session.arguments().positional().empty()) {
    TRY_ASSIGN(token, session.token());
    if (token.empty()) {
      TRY_ASSIGN(token, session.secret_argument({}, "Wrapping token (will be hidden): "));
    }
  } else {
    TRY_ASSIGN(token, session.secret_argument(session.argument(0), "Wrapping token (will be hidden): "));
  }
  // The wrapping token is the caller's, so that nobody else's rights matter.
  session.use_token(std::move(token));
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = "sys/wrapping/unwrap"}));
  if (answer.body().empty()) return session.success("The token wrapped an empty answer.");
  return session.print_answer(answer);
}

Result<int> path_help(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.path = clean_path(session.argument(0)), .query = {{"help", "1"}}}));
  if (session.format() != Format::kTable) return session.print_answer(answer);
  const auto help = answer.find("help");
  if (!help) return no_value_at(session.argument(0));
  session.out().line(plain_text(*help).reveal());
  return kExitDone;
}

constexpr std::array kForce{Flag{.name = "force", .help = "Write even without data", .takes = Takes::kNothing, .alias = "f"}};

constexpr std::array kCommands{
    Command{.name = "read",
            .group = Group::kSecrets,
            .arguments = "PATH [key=value…]",
            .help = "Read what is at a path\n\nPrints what a GET of the path answers. key=value become its query.",
            .example = "keyhold read auth/token/lookup-self",
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = read},
    Command{.name = "write",
            .group = Group::kSecrets,
            .arguments = "PATH [key=value…]",
            .help = "Write to a path\n\nThe data is key=value, key=@file, key=- for standard input or a hidden prompt, @file or - for all of it "
                    "as JSON.\nSo no secret has to stand in the command line.",
            .example = "keyhold write sys/rotators/app length=40\nkeyhold write cubbyhole/note password=-",
            .flags = kForce,
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = write},
    Command{.name = "list",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "List what is below a path",
            .example = "keyhold list auth/token/roles",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = list},
    Command{.name = "delete",
            .group = Group::kSecrets,
            .arguments = "PATH [key=value…]",
            .help = "Delete what is at a path",
            .example = "keyhold delete cubbyhole/note",
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = remove},
    Command{.name = "patch",
            .group = Group::kSecrets,
            .arguments = "PATH key=value…",
            .help = "Change some of what is at a path\n\nSends the data as a merge patch; see `keyhold write -h` for its forms. For secrets: `keyhold kv patch`.",
            .example = "keyhold patch secret/metadata/app owner=payments",
            .flags = kForce,
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = patch},
    Command{.name = "unwrap",
            .group = Group::kSecrets,
            .arguments = "[TOKEN]",
            .help = "Take out what a wrapping token holds\n\nWithout TOKEN the token of the environment or of `login` is unwrapped; - reads it from standard input.",
            .example = "keyhold unwrap - <token.txt",
            .arguments_max = 1,
            .run = unwrap},
    Command{.name = "path-help",
            .group = Group::kOther,
            .arguments = "PATH",
            .help = "Tell what a path of the API is for",
            .example = "keyhold path-help secret/",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = path_help},
};

}  // namespace

std::span<const Command> data_commands() { return kCommands; }

}  // namespace keyhold::cli
