// version and completion.
#include <array>

#include "base/version.h"
#include "cli/catalogue.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

Result<int> version(Session& session) {
  if (session.format() == Format::kTable && !session.wants_field()) {
    session.out().line("Keyhold v" + std::string(kVersion));
    return kExitDone;
  }
  SecretBytes json;
  json::Writer(json).begin_object().key("version").string(kVersion).end_object();
  const auto document = json::Document::parse(json.reveal());
  CHECK(document.ok());
  return session.wants_field() ? session.print_field(document->root()) : session.print_value(document->root());
}

Result<int> completion(Session& session) {
  const auto script = completion_script(session.catalogue(), session.argument(0));
  if (!script) return usage_error("there is completion for bash, zsh and fish");
  session.out().print(*script);
  return kExitDone;
}

constexpr std::array kCommands{
    Command{.name = "version", .group = Group::kOther, .help = "Print the version", .talks = Talks::kNot, .run = version},
    Command{.name = "completion",
            .group = Group::kOther,
            .arguments = "bash|zsh|fish",
            .help = "Print a script that completes commands and flags",
            .example = "source <(keyhold completion bash)\nkeyhold completion fish >~/.config/fish/completions/keyhold.fish",
            .arguments_min = 1,
            .arguments_max = 1,
            .talks = Talks::kNot,
            .run = completion},
};

}  // namespace

std::span<const Command> other_commands() { return kCommands; }

}  // namespace keyhold::cli
