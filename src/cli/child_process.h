#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

/// A program that another one stands before: signals go through, and what it ends with comes back.
namespace keyhold::cli {

/// What is passed on to the program.
inline constexpr std::array kPassedSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

inline constexpr int kExitCannotRun = 126, kExitNoProgram = 127, kExitSignalBase = 128;  // As shells have them.

inline constexpr std::string_view kNotStarted = "not started";  // The `name` of start_process()'s Error when the program cannot be run.

/// The number of one of kPassedSignals by its name, "HUP" or "SIGHUP".
std::optional<int> signal_named(std::string_view name);

/// The environment of a program: this process's, changed.
///
/// lifetime  Views this process's own environment, which must not change.
class EnvironmentBlock {
 public:
  EnvironmentBlock();
  void remove(std::string_view name);
  /// Sets or replaces. The value has no NUL byte.
  void set(std::string_view name, std::string_view value);
  /// As execve() takes it; until the next change.
  char** get();

 private:
  std::vector<char*> inherited_;
  std::vector<SecretBytes> own_;  // "NAME=value\0".
  std::vector<char*> all_;
};

/// Holds back kPassedSignals and SIGCHLD in all threads that are made after it, and tells which came.
///
/// lifetime  The command's; before there is a second thread.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals();

  /// Readable when a signal has come. Negative: the system has no descriptor left.
  int descriptor() const { return descriptor_; }
  /// A signal that came. `from_terminal`: the kernel sent it to all of the foreground, by ctrl-C for one.
  struct Came {
    int number = 0;
    bool from_terminal = false;
  };
  std::optional<Came> next() const;
  const sigset_t& former_mask() const { return former_; }

 private:
  sigset_t former_{};
  int descriptor_ = -1;
};

/// Starts a program in this process's group, with the mask and the umask of before. It gets SIGTERM when this process is killed.
///
/// returns   Its process.
/// errors    Name kNotStarted: kNotFound: there is no such program; kInvalid: it cannot be run. Else kInvalid: the system has no room.
Result<pid_t> start_process(const std::vector<std::string>& words, EnvironmentBlock& environment, const sigset_t& mask, mode_t file_mask);

/// Waits for all children that have ended. returns   The exit code of `wanted`, if it is among them: 128 and the number for a signal.
std::optional<int> reap(pid_t wanted);

}  // namespace keyhold::cli
