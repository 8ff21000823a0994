#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "base/descriptor.h"
#include "base/limits.h"

namespace keyhold::cli {
namespace {

constexpr std::size_t kLineBytesMax = 64 * 1024;
constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGALRM};

/// What a handler may write: the last signal that came while a prompt waited.
volatile std::sig_atomic_t caught_signal = 0;
void on_signal(int number) { caught_signal = number; }

/// Turns the echo off, and has the signals end wait(), for as long as it lives.
class SilentTerminal {
 public:
  explicit SilentTerminal(int terminal) : terminal_(terminal) {
    caught_signal = 0;
    // Held back but in wait(), so that none can come just before it and be slept through.
    sigset_t held;
    ::sigemptyset(&held);
    for (const int number : kSignals) ::sigaddset(&held, number);
    ::pthread_sigmask(SIG_BLOCK, &held, &former_mask_);
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &former_[i]);
    valid_ = ::tcgetattr(terminal_, &settings_) == 0;
    termios silent = settings_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    if (valid_) ::tcsetattr(terminal_, TCSAFLUSH, &silent);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (valid_) ::tcsetattr(terminal_, TCSAFLUSH, &settings_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &former_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &former_mask_, nullptr);
  }

  /// Until there is something to read: true; false when a signal came.
  bool wait() const {
    pollfd waiting{terminal_, POLLIN, 0};
    while (caught_signal == 0 && ::ppoll(&waiting, 1, nullptr, &former_mask_) < 0 && errno == EINTR) {
    }
    return caught_signal == 0;
  }

 private:
  int terminal_;
  bool valid_ = false;
  termios settings_{};
  sigset_t former_mask_{};
  std::array<struct sigaction, kSignals.size()> former_{};
};

void say(int terminal, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(terminal, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

enum class LineEnd { kLine, kEnd, kSignal, kTooLong };

LineEnd read_line(const SilentTerminal& silent, int terminal, SecretBytes& line) {
  for (;;) {
    if (!silent.wait()) return LineEnd::kSignal;
    char byte = 0;
    const ssize_t got = ::read(terminal, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return LineEnd::kEnd;
    if (byte == '\n' || byte == '\r') return LineEnd::kLine;
    if (line.size() == kLineBytesMax) return LineEnd::kTooLong;
    line.push_back(byte);
  }
}

Result<SecretBytes> read_all(int descriptor, const std::string& what) {
  SecretBytes bytes;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{Code::kInvalid, "cannot read " + what + ": " + std::strerror(errno)};
    if (got == 0) break;
    if (bytes.size() + static_cast<std::size_t>(got) > limits::kClientInputBytesMax) return Error{Code::kTooLarge, what + " is over 16 MiB"};
    bytes.append({piece.data(), static_cast<std::size_t>(got)});
  }
  ::explicit_bzero(piece.data(), piece.size());
  return bytes;
}

}  // namespace

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

Result<SecretBytes> prompt_hidden(std::string_view question) {
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0) return Error{Code::kInvalid, "there is no terminal to ask on: give the secret on standard input"};
  for (;;) {
    SecretBytes line;
    LineEnd end = LineEnd::kEnd;
    {
      const SilentTerminal silent(terminal.get());
      say(terminal.get(), question);
      end = read_line(silent, terminal.get(), line);
      say(terminal.get(), "\n");
    }
    if (end == LineEnd::kSignal) {
      const int number = caught_signal;
      ::raise(number);  // As it was meant, now that the terminal is as it was.
      if (number != SIGTSTP) return Error{Code::kInvalid, "interrupted"};
      continue;  // Back from being stopped: asks anew.
    }
    if (end == LineEnd::kTooLong) return Error{Code::kTooLarge, "that line is too long"};
    if (line.empty()) return Error{Code::kInvalid, "nothing was typed"};
    return line;
  }
}

Result<SecretBytes> read_standard_input() { return read_all(STDIN_FILENO, "standard input"); }

Result<SecretBytes> read_secret_line() {
  TRY_ASSIGN(SecretBytes bytes, read_standard_input());
  std::string_view text = bytes.reveal();
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return Error{Code::kInvalid, "there is nothing on standard input"};
  bytes.resize(text.size());
  return bytes;
}

Result<SecretBytes> read_file(std::string_view path) {
  const std::string name(path);
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error{Code::kInvalid, "cannot read " + name + ": " + std::strerror(errno)};
  return read_all(file.get(), name);
}

}  // namespace keyhold::cli
