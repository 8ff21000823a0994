#include "cli/cli.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/process_hardening.h"
#include "cli/catalogue.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace keyhold::cli {
namespace {

const char* environment_variable(const char* name) { return std::getenv(name); }

bool colours(int descriptor) {
  const auto set = [](const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::strcmp(terminal, "dumb") == 0;
  return is_terminal(descriptor) && !set("NO_COLOR") && !set("KEYHOLD_CLI_NO_COLOR") && !set("VAULT_CLI_NO_COLOR") && !dumb;
}

bool asks_for_help(std::span<const std::string_view> words) {
  for (const std::string_view word : words) {
    if (word == "--") return false;
    if (word == "-h" || word == "-help" || word == "--help") return true;
  }
  return false;
}

class CommandLine {
 public:
  CommandLine(const Catalogue& catalogue, Output& out, Output& err) : catalogue_(catalogue), out_(out), err_(err) {}

  int run(std::span<const std::string_view> words) {
    if (words.empty()) return help({});
    const std::string_view first = words.front();
    if (first == "help" || first == "-h" || first == "-help" || first == "--help") return help(words.subspan(1));
    const std::string_view version = "version";
    if (first == "-v" || first == "-version" || first == "--version") words = {&version, 1};
    const Catalogue::Found found = catalogue_.find(words);
    if (found.command == nullptr) return unknown(words);
    return command(*found.command, words.subspan(found.words_used));
  }

 private:
  int help(std::span<const std::string_view> words) {
    const Catalogue::Found found = catalogue_.find(words);
    if (found.command != nullptr) {
      print_command_help(out_, *found.command);
    } else if (const std::string family = catalogue_.family(words); !family.empty()) {
      print_family_help(out_, catalogue_, family);
    } else {
      print_help(out_, catalogue_);
    }
    return kExitDone;
  }

  int unknown(std::span<const std::string_view> words) {
    const std::string family = catalogue_.family(words);
    const auto known = static_cast<std::size_t>(std::count(family.begin(), family.end(), ' ') + (family.empty() ? 0 : 1));
    if (!family.empty() && (words.size() == known || asks_for_help(words))) {
      print_family_help(words.size() == known ? err_ : out_, catalogue_, family);
      return words.size() == known ? kExitLocal : kExitDone;
    }
    if (family.empty()) {
      err_.line("There is no command " + std::string(words.front()) + ". `keyhold help` lists them.", Style::kBad);
    } else {
      err_.line("There is no command " + family + " " + std::string(words[known]) + ". `keyhold help " + family + "` lists them.", Style::kBad);
    }
    return kExitLocal;
  }

  int command(const Command& command, std::span<const std::string_view> words) {
    if (asks_for_help(words)) {
      print_command_help(out_, command);
      return kExitDone;
    }
    const auto flags = flags_of(command);
    auto arguments = Arguments::parse(flags, words);
    if (!arguments.ok()) return wrong_arguments(command, arguments.error().message);
    const std::size_t count = arguments->positional().size();
    if (count < command.arguments_min) return wrong_arguments(command, "an argument is missing");
    if (count > command.arguments_max) return wrong_arguments(command, "there are too many arguments");
    if (command.run_local != nullptr) {
      std::signal(SIGPIPE, SIG_DFL);  // They print by other means.
      return command.run_local(*arguments);
    }
    const mode_t inherited_umask = ::umask(077);
    harden_process();  // What it says remains open is for operators of servers.
    const client::Environment environment = environment_variable;
    Session session(catalogue_, command, *arguments, environment, out_, err_, out_.is_terminal() ? terminal_width() : 0, inherited_umask);
    auto ready = session.open();
    Result<int> result = ready.ok() ? command.run(session) : Result<int>(std::move(ready).error());
    if (result.ok()) return *result;
    if (!result.error().message.empty()) err_.line(result.error().message, Style::kBad);
    return exit_code_of(result.error());
  }

  int wrong_arguments(const Command& command, std::string_view what) {
    const std::string name(command.name);
    err_.line("keyhold " + name + ": " + std::string(what) + ".", Style::kBad);
    err_.line(usage_of(command) + "   (`keyhold " + name + " -h` tells more)");
    return command.misused;
  }

  const Catalogue& catalogue_;
  Output& out_;
  Output& err_;
};

}  // namespace

int run(std::span<const std::string_view> words, std::span<const Command> local) {
  const Catalogue catalogue(local);
  Output out(STDOUT_FILENO, is_terminal(STDOUT_FILENO), colours(STDOUT_FILENO));
  Output err(STDERR_FILENO, is_terminal(STDERR_FILENO), colours(STDERR_FILENO));
  const auto former = std::signal(SIGPIPE, SIG_IGN);  // A reader that has gone is an error of write(), here and in libcurl.
  CommandLine line(catalogue, out, err);
  int code = line.run(words);
  if (!out.flush()) {
    if (out.error() != EPIPE) err.line(std::string("cannot write the output: ") + std::strerror(out.error()), Style::kBad);
    if (code == kExitDone) code = kExitLocal;
  }
  err.flush();
  std::signal(SIGPIPE, former);
  return code;
}

}  // namespace keyhold::cli
