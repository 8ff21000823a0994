// run: a program with its secrets.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/clock.h"
#include "base/time_format.h"
#include "cli/child_process.h"
#include "cli/run_secrets.h"
#include "cli/secret_folder.h"
#include "cli/secret_watch.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

constexpr std::int64_t kWatchIntervalSeconds = 30;
constexpr std::int64_t kWatchIntervalSecondsMax = 24 * 60 * 60;
constexpr std::int64_t kStopMs = 10'000;  // From SIGTERM to SIGKILL when the program is started anew.
constexpr std::array<std::string_view, 4> kTokenVariables{"KEYHOLD_TOKEN", "VAULT_TOKEN", "KEYHOLD_SOURCE_TOKEN", "VAULT_SOURCE_TOKEN"};

/// A message of several lines, which would be lost among what the program prints.
std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line.push_back(c);
    } else if (!line.ends_with(' ')) {
      line.push_back(' ');
    }
  }
  return line;
}

enum class Tokens : std::uint8_t { kRemove, kKeep };

/// What the flags ask for.
struct RunOptions {
  std::vector<SecretChoice> choices{};
  std::vector<std::string> words{};
  Tokens tokens = Tokens::kRemove;
  bool in_environment = false;
  bool watches = false;
  int watch_signal = 0;  // 0: the program is started anew.
  std::int64_t interval_s = kWatchIntervalSeconds;
};

Result<RunOptions> options_of(const Session& session) {
  const Arguments& arguments = session.arguments();
  RunOptions options;
  if (arguments.on("output-curl-string") || arguments.on("output-policy")) return usage_error("run sends several requests: ask `keyhold kv get` for each");
  for (const std::string_view text : arguments.values("secret")) {
    TRY_ASSIGN(SecretChoice choice, parse_choice(text));
    options.choices.push_back(std::move(choice));
  }
  if (options.choices.empty()) return usage_error("say which secrets: -secret=secret/app");
  for (const std::string_view word : arguments.positional()) options.words.emplace_back(word);
  options.tokens = arguments.on("keep-token") ? Tokens::kKeep : Tokens::kRemove;
  options.in_environment = arguments.on("env");
  options.watches = arguments.on("watch") || arguments.has("watch-signal") || arguments.has("watch-interval");
  if (arguments.has("watch-signal")) {
    const auto number = signal_named(session.flag("watch-signal"));
    if (!number) return usage_error("-watch-signal is HUP, USR1, USR2, INT, TERM, QUIT or WINCH");
    if (options.in_environment) return usage_error("a running program's environment cannot be changed: leave -env out, or -watch-signal, and it is started anew");
    options.watch_signal = *number;
  }
  if (arguments.has("watch-interval")) {
    const auto seconds = parse_duration_s(session.flag("watch-interval"));
    if (!seconds.ok() || *seconds < 1 || *seconds > kWatchIntervalSecondsMax) return usage_error("-watch-interval is a time like 30s, up to a day");
    options.interval_s = *seconds;
  }
  return options;
}

/// Runs the program until it ends.
class Runner {
 public:
  Runner(Session& session, const RunOptions& options, const SecretFolder* folder, HeldSignals& signals)
      : session_(session), options_(options), folder_(folder), signals_(signals) {}

  /// returns   The program's exit code.
  Result<int> run(std::vector<Variable> variables, SecretWatch* watch) {
    TRY(put(variables));
    TRY(start(variables));
    if (watch != nullptr) watch->start();
    for (;;) {
      std::array<pollfd, 2> waiting{pollfd{signals_.descriptor(), POLLIN, 0}, pollfd{watch == nullptr ? -1 : watch->descriptor(), POLLIN, 0}};
      ::poll(waiting.data(), waiting.size(), wait_ms());
      pass_signals();
      if (const auto code = reap(child_)) {
        if (!next_ || ending_) return *code;
        TRY(start_next());
      }
      if (watch != nullptr && waiting[1].revents != 0) TRY(take(watch->take()));
    }
  }

 private:
  void say(const std::string& text, Style style) {
    session_.err().line("keyhold run: " + text, style);
    session_.err().flush();
  }

  Result<void> put(const std::vector<Variable>& variables) { return folder_ == nullptr ? Result<void>() : folder_->write(variables); }

  Result<void> start(const std::vector<Variable>& variables) {
    EnvironmentBlock environment;
    for (const std::string_view name : kTokenVariables) {
      if (options_.tokens == Tokens::kRemove) environment.remove(name);
    }
    for (const Variable& variable : variables) {
      if (folder_ != nullptr) {
        environment.set(variable.name + "_FILE", folder_->file_of(variable));
        continue;
      }
      if (variable.value.reveal().find('\0') != std::string_view::npos) return usage_error(variable.origin + " holds a NUL byte, which no environment can");
      environment.set(variable.name, variable.value.reveal());
    }
    TRY_ASSIGN(child_, start_process(options_.words, environment, signals_.former_mask(), session_.inherited_umask()));
    return {};
  }

  Result<void> start_next() {
    const std::vector<Variable> variables = std::move(*next_);
    next_.reset();
    stop_by_ms_ = 0;
    TRY(put(variables));
    return start(variables);
  }

  /// How long nothing may come: until a program that is to end must be killed, which it is when it is time. -1: for ever.
  int wait_ms() {
    if (stop_by_ms_ == 0) return -1;
    const std::int64_t left_ms = stop_by_ms_ - clock_.boot_ms();
    if (left_ms > 0) return static_cast<int>(left_ms);
    ::kill(child_, SIGKILL);
    stop_by_ms_ = 0;
    return -1;
  }

  void pass_signals() {
    while (const auto came = signals_.next()) {
      if (came->number == SIGCHLD) continue;
      // What else ends it may mean something else to it, unless it is ending already.
      if (came->number == SIGTERM || (next_ && came->number != SIGUSR1 && came->number != SIGUSR2 && came->number != SIGWINCH)) ending_ = true;
      // From the terminal the program got it itself, unless it has left our group.
      if (!came->from_terminal || ::getpgid(child_) != ::getpgrp()) ::kill(child_, came->number);
    }
  }

  Result<void> take(SecretWatch::News news) {
    if (!news.trouble.empty()) say("the secrets cannot be looked at; the program goes on with those it has. " + in_one_line(news.trouble), Style::kWarning);
    if (news.well_again && !news.variables) say("the secrets can be looked at again.", Style::kPlain);
    if (!news.variables) return {};
    if (options_.watch_signal != 0) {
      if (auto written = put(*news.variables); !written.ok()) {
        say("the changed secrets were not handed over: " + written.error().message, Style::kBad);
        return {};
      }
      say("a secret has changed: the program is told.", Style::kPlain);
      ::kill(child_, options_.watch_signal);
      return {};
    }
    if (ending_) return {};
    say("a secret has changed: the program is started anew.", Style::kPlain);
    const bool stopping = next_.has_value();
    next_ = std::move(news.variables);
    if (stopping) return {};
    stop_by_ms_ = clock_.boot_ms() + kStopMs;
    ::kill(child_, SIGTERM);
    return {};
  }

  Session& session_;
  const RunOptions& options_;
  const SecretFolder* folder_;  // nullptr: they go into the environment.
  HeldSignals& signals_;
  SystemClock clock_;
  pid_t child_ = -1;
  std::optional<std::vector<Variable>> next_;  // What the program is started anew with once it has ended.
  std::int64_t stop_by_ms_ = 0;
  bool ending_ = false;  // Somebody wants it to end, so it is not started anew.
};

/// An exit code that is of starting the program, as shells have it.
Result<int> exit_of(Session& session, Result<int> result) {
  if (result.ok() || result.error().name != kNotStarted) return result;
  session.err().line(result.error().message, Style::kBad);
  return result.error().code == Code::kNotFound ? kExitNoProgram : kExitCannotRun;
}

Result<int> run(Session& session) {
  TRY_ASSIGN(const RunOptions options, options_of(session));
  std::optional<SecretFolder> folder;
  if (!options.in_environment) {
    TRY_ASSIGN(SecretFolder made, SecretFolder::make(session.environment()));
    folder.emplace(std::move(made));
  }
  TRY_ASSIGN(ChosenSecrets secrets, ChosenSecrets::find(session, options.choices));
  TRY_ASSIGN(std::vector<Variable> variables, secrets.read(session));
  HeldSignals signals;
  if (signals.descriptor() < 0) return usage_error("the system has no descriptor left");
  Runner runner(session, options, folder ? &*folder : nullptr, signals);
  if (!options.watches) return exit_of(session, runner.run(std::move(variables), nullptr));
  SecretWatch watch(session, secrets, options.interval_s);
  if (watch.descriptor() < 0) return usage_error("the system has no descriptor left");
  auto result = exit_of(session, runner.run(std::move(variables), &watch));
  folder.reset();
  if (!result.ok()) session.err().line(result.error().message, Style::kBad);
  session.out().flush();
  session.err().flush();
  ::_exit(result.ok() ? *result : exit_code_of(result.error()));  // The watch's thread may be waiting for the server.
}

constexpr std::array kRunFlags{
    Flag{.name = "secret", .value_name = "[NAME=]PATH[#FIELD]", .help = "A secret, or one field of it; may be repeated", .takes = Takes::kValues},
    Flag{.name = "env", .help = "As environment variables in place of files", .takes = Takes::kNothing},
    Flag{.name = "watch", .help = "Start COMMAND anew when a secret changes", .takes = Takes::kNothing},
    Flag{.name = "watch-signal", .value_name = "SIGNAL", .help = "Rewrite the files and send HUP, USR1, … in place of that"},
    Flag{.name = "watch-interval", .value_name = "DURATION", .help = "Between two looks at the secrets; 30s if not given"},
    Flag{.name = "keep-token", .help = "Leave KEYHOLD_TOKEN and VAULT_TOKEN to COMMAND", .takes = Takes::kNothing},
};

constexpr std::array kCommands{
    Command{.name = "run",
            .group = Group::kSecrets,
            .arguments = "-- COMMAND [ARGUMENTS…]",
            .help = "Start a program with its secrets\n\nEach field is a file in memory that only you can read, and a variable names it: password is in DB_PASSWORD_FILE with\n"
                    "-secret=DB=secret/db. NAME is put before the fields' names, or is the name of the one FIELD. Signals and the exit\n"
                    "code go through; the files are gone when the program ends.",
            .example = "keyhold run -secret=secret/app -- ./server\nkeyhold run -env -secret=secret/app -- ./server\n"
                       "keyhold run -watch -watch-signal=HUP -secret=DB_PASSWORD=secret/db#password -- ./server",
            .flags = kRunFlags,
            .arguments_min = 1,
            .arguments_max = kAnyNumber,
            .run = run},
};

}  // namespace

std::span<const Command> run_commands() { return kCommands; }

}  // namespace keyhold::cli
