#include "cli/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.h"

namespace keyhold::cli {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 7> kSignalNames{{{"INT", SIGINT},
                                                                        {"TERM", SIGTERM},
                                                                        {"HUP", SIGHUP},
                                                                        {"QUIT", SIGQUIT},
                                                                        {"USR1", SIGUSR1},
                                                                        {"USR2", SIGUSR2},
                                                                        {"WINCH", SIGWINCH}}};

bool is_of(const char* entry, std::string_view name) { return std::strncmp(entry, name.data(), name.size()) == 0 && entry[name.size()] == '='; }

/// Between fork and exec: nothing that takes a lock.
[[noreturn]] void become(char** words, char** environment, const sigset_t& mask, mode_t file_mask, pid_t parent, int failure) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kExitSignalBase + SIGTERM);  // It was killed before that.
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &usual, nullptr);  // The command line ignores it.
  ::umask(file_mask);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  ::execvpe(words[0], words, environment);
  const int number = errno;
  while (::write(failure, &number, sizeof number) < 0 && errno == EINTR) {
  }
  ::_exit(kExitNoProgram);
}

}  // namespace

std::optional<int> signal_named(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const auto& [known, number] : kSignalNames) {
    if (known == name) return number;
  }
  return std::nullopt;
}

EnvironmentBlock::EnvironmentBlock() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) inherited_.push_back(*entry);
}

void EnvironmentBlock::remove(std::string_view name) {
  std::erase_if(inherited_, [name](const char* entry) { return is_of(entry, name); });
  std::erase_if(own_, [name](const SecretBytes& entry) { return is_of(entry.reveal().data(), name); });
}

void EnvironmentBlock::set(std::string_view name, std::string_view value) {
  remove(name);
  SecretBytes entry;
  entry.reserve(name.size() + value.size() + 2);
  entry.append(name);
  entry.push_back('=');
  entry.append(value);
  entry.push_back('\0');
  own_.push_back(std::move(entry));
}

char** EnvironmentBlock::get() {
  all_ = inherited_;
  for (SecretBytes& entry : own_) all_.push_back(entry.writable().data());
  all_.push_back(nullptr);
  return all_.data();
}

HeldSignals::HeldSignals() {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int number : kPassedSignals) ::sigaddset(&held, number);
  ::sigaddset(&held, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &held, &former_);
  descriptor_ = ::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
}

HeldSignals::~HeldSignals() {
  if (descriptor_ >= 0) ::close(descriptor_);
  ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

std::optional<HeldSignals::Came> HeldSignals::next() const {
  signalfd_siginfo info{};
  if (::read(descriptor_, &info, sizeof info) != sizeof info) return std::nullopt;
  return Came{static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL};
}

Result<pid_t> start_process(const std::vector<std::string>& words, EnvironmentBlock& environment, const sigset_t& mask, mode_t file_mask) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  char** const variables = environment.get();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Code::kInvalid, std::string("cannot make a pipe: ") + std::strerror(errno)};
  const Descriptor failure(ends[0]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(pointers.data(), variables, mask, file_mask, parent, ends[1]);
  const int fork_error = errno;
  ::close(ends[1]);
  if (child < 0) return Error{Code::kInvalid, std::string("cannot start a process: ") + std::strerror(fork_error)};
  int number = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure.get(), &number, sizeof number);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof number) return child;  // The pipe went with exec.
  ::waitpid(child, nullptr, 0);
  return Error{number == ENOENT ? Code::kNotFound : Code::kInvalid, "cannot run " + words.front() + ": " + std::strerror(number), kNotStarted};
}

std::optional<int> reap(pid_t wanted) {
  std::optional<int> code;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended < 0 && errno == EINTR) continue;
    if (ended <= 0) return code;
    if (ended == wanted) code = WIFSIGNALED(status) ? kExitSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

}  // namespace keyhold::cli
